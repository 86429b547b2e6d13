//! Tokens: a session's own is good for about an hour, and is renewed with its master token, which is good for four.
//!
//! They are renewed here, once the service says that they have expired, so that a transaction which lasts longer than its token
//! goes on. The crate would renew by its own clock, and forget its tokens where that fails: such a session could not be closed,
//! and would keep its locks. So the crate is told that they last for ever.

use std::sync::Arc;

use http::Extensions;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use serde_json::{Value, json};

use super::{Talk, told};

/// The session's token has expired; its session has not.
const EXPIRED: &str = "390112";
/// No refusal is longer, and no result is read for one.
const REFUSAL_BYTES: usize = 4096;

/// What opens a session. Never shown.
#[derive(Clone)]
pub(in crate::snowflake) struct Tokens {
    session: String,
    master: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tokens(***)")
    }
}

impl Tokens {
    /// The tokens in the answer to a login or a renewal.
    fn read(answer: &Value) -> Option<Self> {
        let data = answer.get("data")?;
        let text = |name: &str| data.get(name)?.as_str().map(str::to_owned);
        Some(Self { session: text("token").or_else(|| text("sessionToken"))?, master: text("masterToken")? })
    }
}

fn header(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Snowflake Token=\"{token}\"")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Keeps the tokens, and sends the newest.
pub(super) struct Keeper {
    talk: Arc<Talk>,
}

impl Keeper {
    pub(super) fn new(talk: Arc<Talk>) -> Self {
        Self { talk }
    }

    /// A login, or the crate's own renewal: the newest tokens go out, and what comes is kept.
    async fn opening(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        if let (Some(tokens), true) = (self.talk.tokens(), request.url().path().ends_with("/token-request")) {
            renewal(&mut request, &tokens);
        }
        let response = next.run(request, extensions).await?;
        if !response.status().is_success() {
            return Ok(response);
        }
        let mut answer: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        if let Some(tokens) = Tokens::read(&answer) {
            self.talk.set_tokens(tokens);
            for name in ["validityInSeconds", "masterValidityInSeconds"] {
                // To the crate a negative number is no end.
                answer["data"][name] = json!(-1);
            }
        }
        Ok(told(&answer))
    }

    /// Renews the session's token; `like` is a request to the same service.
    async fn renew(&self, like: &Request, extensions: &mut Extensions, next: Next<'_>) -> Result<bool> {
        let Some(tokens) = self.talk.tokens() else { return Ok(false) };
        let mut url = like.url().clone();
        url.set_path("/session/token-request");
        url.set_query(Some(&format!("requestId={}", uuid::Uuid::new_v4())));
        let mut request = Request::new(reqwest::Method::POST, url);
        *request.headers_mut() = like.headers().clone();
        request.headers_mut().remove(http::header::CONTENT_LENGTH);
        renewal(&mut request, &tokens);
        let answer = next.run(request, extensions).await?.bytes().await?;
        let renewed = serde_json::from_slice(&answer).ok().and_then(|answer: Value| Tokens::read(&answer));
        let is_renewed = renewed.is_some();
        if let Some(tokens) = renewed {
            self.talk.set_tokens(tokens);
        }
        Ok(is_renewed)
    }
}

fn renewal(request: &mut Request, tokens: &Tokens) {
    if let Some(value) = header(&tokens.master) {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    // A question for a result, whose headers it has, comes without.
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = json!({"oldSessionToken": tokens.session, "requestType": "RENEW"});
    *request.body_mut() = Some(body.to_string().into());
}

fn with_newest(request: &mut Request, tokens: Option<Tokens>) {
    if let (true, Some(value)) =
        (request.headers().contains_key(AUTHORIZATION), tokens.and_then(|tokens| header(&tokens.session)))
    {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

#[async_trait::async_trait]
impl Middleware for Keeper {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let path = request.url().path();
        if path.ends_with("/login-request") || path.ends_with("/token-request") {
            return self.opening(request, extensions, next).await;
        }
        if !request.headers().contains_key(AUTHORIZATION) {
            return next.run(request, extensions).await;
        }
        with_newest(&mut request, self.talk.tokens());
        let Some(mut again) = request.try_clone() else { return next.run(request, extensions).await };
        let response = next.clone().run(request, extensions).await?;
        let status = response.status();
        let body = response.bytes().await?;
        // It was refused for its token, so nothing was done.
        if is_expired(&body) && self.renew(&again, extensions, next.clone()).await? {
            with_newest(&mut again, self.talk.tokens());
            return next.run(again, extensions).await;
        }
        let mut whole = http::Response::new(reqwest::Body::from(body));
        *whole.status_mut() = status;
        Ok(Response::from(whole))
    }
}

fn is_expired(body: &[u8]) -> bool {
    let code = || serde_json::from_slice::<Value>(body).ok()?.get("code")?.as_str().map(|code| code == EXPIRED);
    body.len() < REFUSAL_BYTES && code() == Some(true)
}
