//! RabbitMQ's management API over HTTP.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use base64::Engine;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};
use url::Url;

/// A client of the management API.
///
/// Paths go below `/api/` and must be escaped by the caller (`%2F` is the default vhost). Numbers in the answers are up
/// to a second and a half old: wait for the one you expect.
///
/// Every method panics where the API can't be reached or refuses, with its answer.
#[derive(Clone)]
pub struct Management {
    pub(crate) user: String,
    url: Url,
    authorization: String,
    agent: Agent,
}

// Its only state is a pool of connections, and a test that panics leaves none of them half read.
impl UnwindSafe for Management {}
impl RefUnwindSafe for Management {}

impl Management {
    /// A client for `http://user:password@host:port`.
    pub fn new(url: &Url) -> Self {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        // A refusal is an answer here: its text tells why.
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
        Self { user, url: url.clone(), authorization: format!("Basic {encoded}"), agent: config.build().into() }
    }

    /// `http://user:password@host:port`, without a slash at the end.
    pub fn url(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }

    /// The answer to a GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.find(path).unwrap_or_else(|| panic!("GET {path}: there is no such thing in RabbitMQ"))
    }

    /// The answer to a GET, or `None` where there is no such thing.
    #[track_caller]
    pub fn find(&self, path: &str) -> Option<Value> {
        read("GET", path, self.agent.get(self.at(path)).header("authorization", &self.authorization).call())
    }

    /// PUT, which makes or changes a thing.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Value {
        let sent = self.agent.put(self.at(path)).header("authorization", &self.authorization).send_json(body);
        read("PUT", path, sent).unwrap_or_else(|| panic!("PUT {path}: there is no such thing in RabbitMQ"))
    }

    /// POST.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let sent = self.agent.post(self.at(path)).header("authorization", &self.authorization).send_json(body);
        read("POST", path, sent).unwrap_or_else(|| panic!("POST {path}: there is no such thing in RabbitMQ"))
    }

    /// DELETE. Answers whether the thing was there.
    #[track_caller]
    pub fn delete(&self, path: &str) -> bool {
        read("DELETE", path, self.send_delete(path)).is_some()
    }

    /// DELETE, whatever comes of it.
    pub(crate) fn try_delete(&self, path: &str) {
        let _ = self.send_delete(path);
    }

    /// Whether a GET succeeds, whatever the reason if not: for waiting until RabbitMQ is back.
    pub fn is_ok(&self, path: &str) -> bool {
        let sent = self.agent.get(self.at(path)).header("authorization", &self.authorization).call();
        sent.is_ok_and(|response| response.status().is_success())
    }

    fn send_delete(&self, path: &str) -> Result<Response<Body>, ureq::Error> {
        self.agent.delete(self.at(path)).header("authorization", &self.authorization).call()
    }

    fn at(&self, path: &str) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{}://{host}:{}/api/{path}", self.url.scheme(), self.url.port_or_known_default().unwrap_or(15672))
    }
}

#[track_caller]
fn read(method: &str, path: &str, sent: Result<Response<Body>, ureq::Error>) -> Option<Value> {
    let mut response = sent.unwrap_or_else(|error| panic!("{method} {path}: RabbitMQ can't be reached: {error}"));
    let status = response.status();
    let text = response.body_mut().read_to_string().unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    if status.as_u16() == 404 {
        return None;
    }
    assert!(status.is_success(), "{method} {path}: RabbitMQ answered {status}: {text}");
    // A thing that was made or deleted has an empty answer.
    Some(serde_json::from_str(&text).unwrap_or(Value::Null))
}
