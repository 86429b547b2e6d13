//! Jaeger's query API over HTTP: the one that its user interface reads.

use std::time::Duration;

use serde_json::{Map, Value};
use ureq::Agent;
use url::Url;

pub struct Query {
    port: u16,
    agent: Agent,
}

impl Query {
    pub fn new(port: u16) -> Self {
        // A refusal is an answer here: its text tells why.
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
        Self { port, agent: config.build().into() }
    }

    #[track_caller]
    pub fn services(&self) -> Vec<String> {
        let all = self.get("services", &[]).unwrap_or_default();
        all.into_iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect()
    }

    #[track_caller]
    pub fn trace(&self, trace_id: &str) -> Option<Value> {
        self.get(&format!("traces/{trace_id}"), &[])?.into_iter().next()
    }

    #[track_caller]
    pub fn search(&self, service: &str, tags: &[(&str, &str)]) -> Vec<String> {
        let tags: Map<_, _> = tags.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        let tags = Value::from(tags).to_string();
        let query = [("service", service), ("tags", &tags), ("start", "0"), ("limit", "1000")];
        let all = self.get("traces", &query).unwrap_or_default();
        all.iter().map(|trace| trace["traceID"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The answer's list, or `None` where there is no such thing.
    #[track_caller]
    fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<Vec<Value>> {
        let mut url = Url::parse(&format!("http://127.0.0.1:{}/api/{path}", self.port)).unwrap();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let sent = self.agent.get(url.as_str()).call();
        let mut response = sent.unwrap_or_else(|error| panic!("GET {url}: Jaeger can't be reached: {error}"));
        let status = response.status();
        let text = response.body_mut().read_to_string().unwrap_or_else(|error| panic!("GET {url}: {error}"));
        if status.as_u16() == 404 {
            return None;
        }
        assert!(status.is_success(), "GET {url}: Jaeger answered {status}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("GET {url}: {error}: {text}"));
        // It writes null for an empty list.
        Some(answer["data"].as_array().cloned().unwrap_or_default())
    }
}
