//! What has happened. Every event repeats the LOAD_ID of what led to it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CheckOutcome, Failure, FileFault, LoadId, MessageId, NodeOutcome, TableLoad, Verdict};

/// A file is there to be loaded: found by the watcher, or one of a run's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceFileDiscovered {
    /// The load that the file belongs to.
    pub load_id: LoadId,
    /// The source, as its contract names it; absent when no contract matched where the file was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The file: its path below the raw folder, `/` between the parts.
    pub uri: String,
    /// `sha256:` and the hash of its content, in hexadecimal. Absent in a run over many files, which are hashed
    /// while they are loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// Its size when it was found.
    pub size_bytes: u64,
    /// Its modification time when it was found.
    pub modified_at: DateTime<Utc>,
    /// How new the data is. The load with the greatest value is the current one.
    pub as_of: DateTime<Utc>,
    /// The command that asked for the load; the event's own id when the watcher found the file. Of two for one
    /// LOAD_ID the greater wins.
    pub command_id: MessageId,
    /// Files that the whole run has: it is complete when as many are loaded.
    pub run_files: u32,
    /// Files that the run has for this file's table.
    pub table_files: u32,
}

/// A source has not delivered when it should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceOverdue {
    /// Made of the source and the time at which it was expected: no load, because none came.
    pub load_id: LoadId,
    /// The source, as its contract names it.
    pub source: String,
    /// By when a delivery was expected.
    pub expected_at: DateTime<Utc>,
    /// How new the newest delivery is; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_as_of: Option<DateTime<Utc>>,
    /// Who answers for the source, as its contract says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
}

/// A load's slices stand, and the views show them if they are the newest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IngestCompleted {
    /// The load.
    pub load_id: LoadId,
    /// How new the data is.
    pub as_of: DateTime<Utc>,
    /// What was loaded, by table.
    pub tables: Vec<TableLoad>,
}

/// A load, or a file of it, could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IngestFailed {
    /// The load.
    pub load_id: LoadId,
    /// What was loaded all the same, by table.
    pub tables: Vec<TableLoad>,
    /// The file at fault, if it is one file: its path below the raw folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Why.
    pub failure: Failure,
}

/// The models that depend on a load are built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransformCompleted {
    /// The load.
    pub load_id: LoadId,
    /// The sources whose models were built.
    pub sources: Vec<String>,
    /// What dbt built and tested.
    pub nodes: Vec<NodeOutcome>,
    /// dbt's id of the build. Loads that waited together share one.
    pub invocation_id: String,
}

/// The build failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransformFailed {
    /// The load.
    pub load_id: LoadId,
    /// The sources whose models were to be built.
    pub sources: Vec<String>,
    /// What dbt built, tested, failed and skipped.
    pub nodes: Vec<NodeOutcome>,
    /// Why.
    pub failure: Failure,
}

/// The data is judged, and good enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DqCompleted {
    /// The load.
    pub load_id: LoadId,
    /// `passed` or `warned`.
    pub verdict: Verdict,
    /// Every check's result.
    pub checks: Vec<CheckOutcome>,
}

/// The data is judged and not good enough, or could not be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DqFailed {
    /// The load.
    pub load_id: LoadId,
    /// Always `failed`.
    pub verdict: Verdict,
    /// Every check's result; none if the checks could not run.
    pub checks: Vec<CheckOutcome>,
    /// Why: the checks that failed, by name.
    pub failure: Failure,
}

/// What a command would load. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IngestDryRunCompleted {
    /// The load.
    pub load_id: LoadId,
    /// How new the data would be.
    pub as_of: DateTime<Utc>,
    /// What would be loaded, by table. Rows of files that would be held back for their shape are counted too.
    pub tables: Vec<TableLoad>,
    /// Files that would not be loaded, or would be held back for their shape (class `quarantined`), the first hundred of them.
    pub faults: Vec<FileFault>,
    /// Gates that could hold the load back: the load asks them over its rows in the warehouse, and a dry run does not, so that
    /// they may object yet. By table and check: `BATCHES.row_count`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates_not_asked: Vec<String>,
    /// Why the command would fail, if it would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What a command would build. Nothing was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransformDryRunCompleted {
    /// The load.
    pub load_id: LoadId,
    /// The sources whose models would be built.
    pub sources: Vec<String>,
    /// What dbt would build and test.
    pub nodes: Vec<NodeOutcome>,
    /// Why the command would fail, if it would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How the data is judged at this moment. Nothing was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DqDryRunCompleted {
    /// The load.
    pub load_id: LoadId,
    /// What the verdict would be; absent if the checks could not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Every check's result; none if the checks could not run.
    pub checks: Vec<CheckOutcome>,
    /// Why the command would fail, if it would: the checks that failed, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}
