//! What an emulator is told and asked beside what the service knows.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use super::fault::EmulatorFault;

/// A statement that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The session's number.
    pub session: u64,
    /// Its text.
    pub sql: String,
    /// Whether a transaction was open when it came.
    pub in_transaction: bool,
    /// Why it failed, if it did.
    pub code: Option<String>,
}

pub struct Control {
    port: u16,
    agent: Agent,
}

impl Control {
    pub fn new(port: u16) -> Self {
        // A refusal is an answer here: its text tells why.
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
        Self { port, agent: config.build().into() }
    }

    #[track_caller]
    pub fn fault(&self, fault: &EmulatorFault) {
        let sent = self.agent.post(self.url("faults")).send(fault.json().to_string());
        text("the fault", sent);
    }

    #[track_caller]
    pub fn clear(&self) {
        text("the end of faults", self.agent.delete(self.url("faults")).call());
    }

    #[track_caller]
    pub fn statements(&self, database: &str) -> Vec<Statement> {
        let answer = self.get(&format!("statements?database={database}"));
        answer.as_array().unwrap().iter().map(statement).collect()
    }

    #[track_caller]
    pub fn forget_statements(&self, database: &str) {
        let url = self.url(&format!("statements?database={database}"));
        text("the end of statements", self.agent.delete(url).call());
    }

    #[track_caller]
    pub fn count(&self, name: &str) -> u64 {
        self.get("counts")[name].as_u64().unwrap_or_else(|| panic!("the emulator of Snowflake counts no {name}"))
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        serde_json::from_str(&text(path, self.agent.get(self.url(path)).call())).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/emulator/{path}", self.port)
    }
}

#[track_caller]
fn text(what: &str, sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> String {
    let mut response =
        sent.unwrap_or_else(|error| panic!("{what}: the emulator of Snowflake can't be reached: {error}"));
    let text = response.body_mut().with_config().limit(1 << 30).read_to_string().unwrap();
    assert!(response.status().is_success(), "{what}: the emulator of Snowflake answered: {text}");
    text
}

fn statement(value: &Value) -> Statement {
    Statement {
        session: value["session"].as_u64().unwrap(),
        sql: value["sql"].as_str().unwrap().into(),
        in_transaction: value["in_transaction"].as_bool().unwrap(),
        code: value["code"].as_str().map(str::to_owned),
    }
}
