//! Logins: none while a transaction is open, and with the parameters that every session has.

use std::sync::Arc;

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};
use serde_json::{Value, json};

use super::{Refusal, Talk};
use crate::snowflake::errors::LEFT_TRANSACTION;
use crate::snowflake::statements::session_parameters;

/// Watches over logins.
pub(super) struct Login {
    talk: Arc<Talk>,
}

impl Login {
    pub(super) fn new(talk: Arc<Talk>) -> Self {
        Self { talk }
    }
}

#[async_trait::async_trait]
impl Middleware for Login {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        if request.url().path().ends_with("/login-request") {
            if self.talk.in_transaction() {
                return Err(Error::middleware(Refusal {
                    code: LEFT_TRANSACTION.into(),
                    text: "the session ended in the middle of a transaction".into(),
                }));
            }
            let repeatable = self.talk.only_asks();
            if let Some(body) = request.body().and_then(reqwest::Body::as_bytes).and_then(with_parameters) {
                *request.body_mut() = Some(body.into());
                // Its length has changed; the client counts it anew.
                request.headers_mut().remove(http::header::CONTENT_LENGTH);
            }
            let outcome = next.run(request, extensions).await;
            // The statement that the login was made for is yet to be sent.
            self.talk.set_repeatable(repeatable);
            return outcome;
        }
        next.run(request, extensions).await
    }
}

/// The crate's request with our parameters, and with our name in the place of its example's.
fn with_parameters(body: &[u8]) -> Option<Vec<u8>> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let data = body.get_mut("data")?.as_object_mut()?;
    let parameters = data.entry("SESSION_PARAMETERS").or_insert_with(|| json!({})).as_object_mut()?;
    for (name, value) in session_parameters() {
        parameters.insert(name.into(), value);
    }
    data.insert(
        "CLIENT_ENVIRONMENT".into(),
        json!({"APPLICATION": "millrace", "OS": std::env::consts::OS, "OS_VERSION": std::env::consts::ARCH}),
    );
    serde_json::to_vec(&body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_carries_our_parameters_beside_the_crates() {
        let body = br#"{"data":{"PASSWORD":"p","SESSION_PARAMETERS":{"CLIENT_VALIDATE_DEFAULT_PARAMETERS":true}}}"#;
        let body: Value = serde_json::from_slice(&with_parameters(body).unwrap()).unwrap();
        assert_eq!(body["data"]["PASSWORD"], "p");
        assert_eq!(body["data"]["SESSION_PARAMETERS"]["CLIENT_VALIDATE_DEFAULT_PARAMETERS"], true);
        assert_eq!(body["data"]["SESSION_PARAMETERS"]["TIMEZONE"], "UTC");
        assert_eq!(body["data"]["CLIENT_ENVIRONMENT"]["APPLICATION"], "millrace");
    }
}
