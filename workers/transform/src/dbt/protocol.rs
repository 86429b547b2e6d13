//! The lines of the sidecar, see `sidecar/README.md`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{BuildRequest, NodeResult, NodeStatus};

/// The version that this driver speaks. The sidecar comes from the same commit, so another one is an installation
/// that was mixed.
pub(super) const PROTOCOL: u32 = 1;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    /// Build.
    Build,
    /// Tell what that would build, and build nothing.
    Plan,
}

/// A line to the sidecar.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    id: &'a str,
    op: Op,
    select: &'a [String],
    full_refresh: bool,
}

impl<'a> Request<'a> {
    pub(super) fn new(id: &'a str, op: Op, request: &'a BuildRequest) -> Self {
        Self { id, op, select: &request.select, full_refresh: request.full_refresh }
    }
}

/// A line from the sidecar.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Event {
    /// It parsed the project.
    Ready { protocol: u32, dbt_version: String, nodes: u32 },
    /// It could not, and ends.
    Fatal { message: String },
    /// A node has ended.
    Node(NodeLine),
    /// The request has ended.
    Done { id: Option<String>, invocation_id: Option<String>, error: Option<String> },
}

/// A node as the sidecar tells it.
#[derive(Deserialize)]
pub(super) struct NodeLine {
    unique_id: String,
    name: String,
    resource_type: String,
    materialization: Option<String>,
    relation: Option<String>,
    status: NodeStatus,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    message: Option<String>,
    failures: Option<u64>,
    #[serde(default)]
    tested: Option<String>,
    #[serde(default)]
    severity: Option<String>,
}

impl From<NodeLine> for NodeResult {
    fn from(line: NodeLine) -> Self {
        Self {
            unique_id: line.unique_id,
            name: line.name,
            resource_type: line.resource_type,
            materialization: line.materialization,
            relation: line.relation,
            status: line.status,
            started_at: line.started_at,
            finished_at: line.finished_at,
            message: line.message,
            failures: line.failures,
            tested: line.tested,
            is_warning: line.severity.as_deref() == Some("warn"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_of_json() {
        let request = BuildRequest::of_sources(["batches"], true);
        assert_eq!(
            serde_json::to_string(&Request::new("7", Op::Build, &request)).ok().as_deref(),
            Some(r#"{"id":"7","op":"build","select":["source:raw.batches+"],"full_refresh":true}"#)
        );
    }

    #[test]
    fn a_node_that_never_ran_has_no_times() -> Result<(), serde_json::Error> {
        let line = r#"{"event":"node","id":"7","unique_id":"model.m.x","name":"x","resource_type":"model",
            "materialization":"table","relation":null,"status":"skipped","started_at":null,"finished_at":null,
            "message":null,"failures":null}"#;
        let Event::Node(line) = serde_json::from_str(line)? else { panic!("not a node") };
        let node = NodeResult::from(line);
        assert_eq!((node.status, node.started_at, node.elapsed_secs()), (NodeStatus::Skipped, None, 0.0));
        Ok(())
    }

    #[test]
    fn a_word_that_dbt_invents_later_is_an_error() {
        assert_eq!(NodeStatus::from("partial success".to_owned()), NodeStatus::Error);
    }
}
