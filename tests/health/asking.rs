//! Asking a process over its port.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::harness::{Mill, Running};

/// A process with a port.
pub struct Asked {
    pub process: Running,
    /// `127.0.0.1:40123`
    pub address: String,
}

/// An answer's status and body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub body: String,
}

/// A mill whose processes have a port each.
pub fn mill() -> Mill {
    let mut mill = Mill::new();
    listen_anywhere(&mut mill);
    mill
}

pub fn listen_anywhere(mill: &mut Mill) {
    mill.set("HTTP__LISTEN", "127.0.0.1:0");
}

/// Starts a role and waits until it can be asked.
pub fn start(mill: &Mill, role: &str) -> Asked {
    let before = addresses(mill).len();
    Asked::of(mill, mill.start(&[role]), before)
}

/// Where the processes of a mill listen, in the order in which they said so.
pub fn addresses(mill: &Mill) -> Vec<String> {
    let lines = mill.log();
    let told = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    told.filter(|line| line["message"] == "listening")
        .map(|line| line["address"].as_str().unwrap().to_owned())
        .collect()
}

fn agent() -> Agent {
    Agent::config_builder().timeout_global(Some(Duration::from_secs(20))).http_status_as_error(false).build().into()
}

impl Asked {
    /// A process that was just started, once it says where it listens; `before` others have said so.
    pub fn of(mill: &Mill, process: Running, before: usize) -> Self {
        mill.wait("a port", || addresses(mill).len() > before);
        Self { process, address: addresses(mill)[before].clone() }
    }

    /// What a path answers. One that gives no answer fails the test.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        let mut answer = self.try_get(path).unwrap();
        Answer {
            status: answer.status().as_u16(),
            kind: answer.headers()["content-type"].to_str().unwrap().to_owned(),
            body: answer.body_mut().read_to_string().unwrap(),
        }
    }

    pub fn try_get(&self, path: &str) -> Result<Response<Body>, ureq::Error> {
        agent().get(format!("http://{}{path}", self.address)).call()
    }

    #[track_caller]
    pub fn post(&self, path: &str) -> u16 {
        agent().post(format!("http://{}{path}", self.address)).send_empty().unwrap().status().as_u16()
    }

    /// `/readyz`: its status, and what it says of each part.
    #[track_caller]
    pub fn readiness(&self) -> (u16, Value) {
        let answer = self.get("/readyz");
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// The lines of `/metrics` that begin so.
    #[track_caller]
    pub fn metrics(&self, beginning: &str) -> Vec<String> {
        let text = self.get("/metrics").body;
        text.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
    }

    /// The value of the one series with this name and these labels.
    #[track_caller]
    pub fn metric(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let lines = self.metrics(name);
        let named = |line: &&String| line[name.len()..].starts_with(['{', ' ']);
        let mut found = lines.iter().filter(named).filter(|line| labels.iter().all(|label| line.contains(label)));
        let value = found.next()?.rsplit(' ').next()?.parse().ok();
        assert!(found.next().is_none(), "{name} {labels:?} is not one: {lines:#?}");
        value
    }
}
