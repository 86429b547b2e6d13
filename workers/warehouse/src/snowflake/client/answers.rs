//! Whole answers: statements that take long are asked for until they are done, results that come in parts are put together,
//! and what the crate can't read is told beside it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Extensions;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};
use serde_json::json;

use super::{Refusal, Talk, told};
use crate::snowflake::answer::{Body, Chunk, Data, chunk_rows};
use crate::snowflake::errors::NO_ANSWER;

/// The statement still runs: ask again.
const RUNNING: [&str; 2] = ["333333", "333334"];
/// Between two questions whose answer came at once.
const PAUSE: Duration = Duration::from_millis(200);

/// Puts answers together.
pub(super) struct Answers {
    talk: Arc<Talk>,
}

impl Answers {
    pub(super) fn new(talk: Arc<Talk>) -> Self {
        Self { talk }
    }

    async fn statement(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let begun = Instant::now();
        let url = request.url().clone();
        let headers = request.headers().clone();
        let mut body = read(next.clone().run(request, extensions).await?).await?;
        while let Some(result) = still_running(&body) {
            if begun.elapsed() > self.talk.statement_limit() {
                return Err(refusal("statement limit", "the statement takes longer than is allowed; it may still run"));
            }
            let url =
                url.join(&result).map_err(|_| refusal("answer", "the address of a result can't be understood"))?;
            self.talk.only_asks();
            let asked = Instant::now();
            body = read(next.clone().run(ask(url, &headers), extensions).await?).await?;
            if asked.elapsed() < PAUSE {
                tokio::time::sleep(PAUSE).await;
            }
        }
        if !body.success {
            return Ok(failed(&body));
        }
        let mut data = body.data.unwrap_or_default();
        self.gather(&mut data, extensions, next).await?;
        self.talk.set_answer(data.into_answer(self.talk.max_rows()).map_err(|why| refusal("answer", &why))?);
        Ok(told(&json!({"success": true, "data": {
            "parameters": [], "rowtype": [], "total": 0, "returned": 0, "queryId": "", "finalRoleName": "",
            "statementTypeId": 0, "version": 0,
        }})))
    }

    /// Fetches the parts of a result that lie elsewhere, as many as are wanted.
    async fn gather(&self, data: &mut Data, extensions: &mut Extensions, next: Next<'_>) -> Result<()> {
        let chunks = std::mem::take(&mut data.chunks).unwrap_or_default();
        if chunks.is_empty() {
            return Ok(());
        }
        self.talk.only_asks();
        let headers = chunk_headers(data);
        let wanted = self.talk.max_rows().saturating_add(1);
        for Chunk { url, .. } in chunks {
            let rows = data.rowset.get_or_insert_default();
            if rows.len() >= wanted {
                break;
            }
            let url =
                url.parse().map_err(|_| refusal("answer", "the address of a result's part can't be understood"))?;
            let mut request = Request::new(Method::GET, url);
            *request.headers_mut() = headers.clone();
            let response = next.clone().run(request, extensions).await?;
            let status = response.status();
            if !status.is_success() {
                return Err(refusal(&format!("HTTP {}", status.as_u16()), "a part of the result could not be fetched"));
            }
            rows.extend(chunk_rows(&response.bytes().await?).map_err(|why| refusal("answer", &why))?);
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Middleware for Answers {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        if request.url().path().ends_with("/query-request") {
            // Results as text, whatever their types: the crate's Arrow can't hold a NULL timestamp.
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
            return self.statement(request, extensions, next).await;
        }
        let response = next.run(request, extensions).await?;
        if response.status().is_success() { Ok(response) } else { Err(unread(response).await) }
    }
}

fn still_running(body: &Body) -> Option<String> {
    let code = body.code.as_deref()?;
    RUNNING.contains(&code).then(|| body.data.as_ref()?.get_result_url.clone()).flatten()
}

fn ask(url: reqwest::Url, headers: &HeaderMap) -> Request {
    let mut request = Request::new(Method::GET, url);
    *request.headers_mut() = headers.clone();
    request.headers_mut().remove(CONTENT_TYPE);
    request
}

async fn read(response: Response) -> Result<Body> {
    let status = response.status();
    let bytes = response.bytes().await?;
    match serde_json::from_slice::<Body>(&bytes) {
        Ok(body) if body.is_the_services() => Ok(body),
        _ if !status.is_success() => Err(http_error(status)),
        // Somebody between us and the service; whether it did what it was asked to is not known.
        Ok(_) => Err(refusal(NO_ANSWER, "what answered is not Snowflake")),
        Err(why) => Err(refusal(NO_ANSWER, &format!("what answered can't be understood: {why}"))),
    }
}

/// The error of an answer with an HTTP status of its own. The service's own words, where it has some.
async fn unread(response: Response) -> Error {
    let status = response.status();
    match response.bytes().await.ok().and_then(|bytes| serde_json::from_slice::<Body>(&bytes).ok()) {
        Some(Body { code: Some(code), message, .. }) => refusal(&code, &message.unwrap_or_default()),
        _ => http_error(status),
    }
}

fn http_error(status: http::StatusCode) -> Error {
    refusal(&format!("HTTP {}", status.as_u16()), &format!("it answered {status}"))
}

fn refusal(code: &str, text: &str) -> Error {
    Error::middleware(Refusal { code: code.into(), text: text.into() })
}

/// A refusal with all the fields that the crate asks for, so that its code is not lost.
fn failed(body: &Body) -> Response {
    let data = body.data.as_ref();
    let code = body.code.clone().or_else(|| data?.error_code.clone()).unwrap_or_default();
    told(&json!({"success": false, "code": code, "message": body.message, "data": {
        "age": 0, "errorCode": code, "internalError": false,
        "queryId": data.and_then(|data| data.query_id.clone()).unwrap_or_default(),
        "sqlState": data.and_then(|data| data.sql_state.clone()).unwrap_or_default(),
    }}))
}

/// What a part must be asked for with: the headers that came with the result, or the key that stands for them.
fn chunk_headers(data: &Data) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let given = data.chunk_headers.iter().flatten();
    let pairs = given.filter_map(|(name, value)| Some((name.parse().ok()?, HeaderValue::from_str(value).ok()?)));
    headers.extend(pairs.map(|(name, value): (http::HeaderName, HeaderValue)| (Some(name), value)));
    if let (true, Some(key)) =
        (headers.is_empty(), data.qrmk.as_deref().and_then(|key| HeaderValue::from_str(key).ok()))
    {
        headers.insert("x-amz-server-side-encryption-customer-algorithm", HeaderValue::from_static("AES256"));
        headers.insert("x-amz-server-side-encryption-customer-key", key);
    }
    headers
}
