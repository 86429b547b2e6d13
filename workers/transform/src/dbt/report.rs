//! What to build, and what came of it.

use chrono::{DateTime, Utc};
use messages::NodeOutcome;
use serde::Deserialize;

use super::DbtError;

/// What to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// dbt selectors; a node is built if one of them matches.
    pub select: Vec<String>,
    /// Build incremental models anew instead of adding to them. Needed after a column of one changed its type.
    pub full_refresh: bool,
}

impl BuildRequest {
    /// Everything that reads these sources, directly or not; without any, the whole project.
    pub fn of_sources<'a>(sources: impl IntoIterator<Item = &'a str>, full_refresh: bool) -> Self {
        let mut select: Vec<String> = sources.into_iter().map(|name| format!("source:raw.{name}+")).collect();
        if select.is_empty() {
            select.push("*".into());
        }
        Self { select, full_refresh }
    }
}

/// How a build was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By the sidecar, which had the project parsed.
    Warm,
    /// By a process of its own.
    Cold,
}

/// dbt's word for what became of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum NodeStatus {
    /// A model was built.
    Success,
    /// A test found nothing.
    Pass,
    /// A test of severity warn found something.
    Warn,
    /// A test of severity error found something.
    Fail,
    /// Its SQL could not be run, or dbt said a word we do not know.
    Error,
    /// Something it reads failed, so it was not tried.
    Skipped,
    /// It would be built: this was a dry run.
    Selected,
}

/// One model or test of a build.
#[derive(Clone, Debug)]
pub struct NodeResult {
    /// Such as `model.millrace.stg_batches`.
    pub unique_id: String,
    /// Such as `stg_batches`.
    pub name: String,
    /// `model` or `test`; `seed` and `snapshot` in projects that have some.
    pub resource_type: String,
    /// `table`, `view`, `incremental`; none for tests, and none from a cold build.
    pub materialization: Option<String>,
    /// The table or view, quoted for SQL; none for tests.
    pub relation: Option<String>,
    /// What became of it.
    pub status: NodeStatus,
    /// When it began; none if it was not tried.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended; none if it was not tried.
    pub finished_at: Option<DateTime<Utc>>,
    /// What dbt said about it. May quote a value of the data.
    pub message: Option<String>,
    /// Rows that a test found; none for models and for tests that did not run.
    pub failures: Option<u64>,
    /// The table or view that a test looks at, quoted for SQL, where that is one.
    pub tested: Option<String>,
    /// Whether it is a test whose findings are warnings.
    pub is_warning: bool,
}

/// What came of a build that ran.
#[derive(Clone, Debug)]
pub struct BuildReport {
    /// dbt's id of the run.
    pub invocation_id: String,
    /// From asking to the answer, in seconds.
    pub elapsed_secs: f64,
    /// In the order in which they ended.
    pub nodes: Vec<NodeResult>,
    /// Warm or cold.
    pub how: How,
}

impl NodeStatus {
    /// As dbt writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Selected => "selected",
        }
    }
}

impl From<String> for NodeStatus {
    fn from(word: String) -> Self {
        match word.as_str() {
            "success" | "no-op" => Self::Success,
            "pass" => Self::Pass,
            "warn" => Self::Warn,
            "fail" => Self::Fail,
            "skipped" => Self::Skipped,
            "selected" => Self::Selected,
            _ => Self::Error,
        }
    }
}

impl NodeResult {
    /// Whether it is a test, so that its failure is about data rather than about SQL.
    pub fn is_test(&self) -> bool {
        matches!(self.resource_type.as_str(), "test" | "unit_test")
    }

    /// Time it ran, in seconds; 0 if it was not tried.
    pub fn elapsed_secs(&self) -> f64 {
        match (self.started_at, self.finished_at) {
            (Some(start), Some(end)) => end.signed_duration_since(start).as_seconds_f64(),
            _ => 0.0,
        }
    }
}

impl From<&NodeResult> for NodeOutcome {
    fn from(node: &NodeResult) -> Self {
        Self {
            unique_id: node.unique_id.clone(),
            resource_type: node.resource_type.clone(),
            status: node.status.as_str().into(),
            elapsed_secs: node.elapsed_secs(),
            message: node.message.clone().filter(|_| !matches!(node.status, NodeStatus::Success | NodeStatus::Pass)),
        }
    }
}

impl BuildReport {
    /// Models that failed.
    pub fn errors(&self) -> impl Iterator<Item = &NodeResult> {
        self.nodes.iter().filter(|node| node.status == NodeStatus::Error && !node.is_test())
    }

    /// Tests of severity error that found something, and tests that could not be run.
    pub fn failed_tests(&self) -> impl Iterator<Item = &NodeResult> {
        let failed = |node: &&NodeResult| matches!(node.status, NodeStatus::Fail | NodeStatus::Error);
        self.nodes.iter().filter(|node| node.is_test()).filter(failed)
    }

    /// Models that were not tried, because a model they read failed or a test on it did: they show older data.
    pub fn skipped_models(&self) -> impl Iterator<Item = &NodeResult> {
        self.nodes.iter().filter(|node| node.status == NodeStatus::Skipped && !node.is_test())
    }

    /// The report, unless models failed.
    pub(super) fn judged(self) -> Result<Self, DbtError> {
        if self.errors().next().is_none() { Ok(self) } else { Err(DbtError::of_failed(self)) }
    }
}
