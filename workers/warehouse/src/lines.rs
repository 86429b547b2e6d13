//! The lines of the three audits. They are appended, never changed.

use chrono::{DateTime, Utc};
use messages::{CheckOutcome, LoadId, MessageId, Stage};
use serde::Serialize;

/// The state of one file in a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LoadStatus {
    /// One of a run's files, not loaded yet.
    Planned,
    /// Its slice stands.
    Success,
    /// It could not be loaded.
    Failed,
}

/// A line of `RAW.RAW_LOAD_AUDIT`: one file, one command, one state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoadLine {
    /// The load.
    pub load_id: LoadId,
    /// Who asked.
    pub command_id: MessageId,
    /// The table, in capitals; empty when no contract matches the file.
    pub table: String,
    /// The source, as its contract names it; empty when no contract matches the file.
    pub source: String,
    /// The file: its path below the raw folder.
    pub uri: String,
    /// `sha256:` and the hash of its content, where it was read to its end.
    pub file_id: Option<String>,
    /// Its state.
    pub status: LoadStatus,
    /// Which try this was, from 1; 0 for a plan.
    pub attempt: u32,
    /// Rows that stand in the slice.
    pub rows_loaded: u64,
    /// Rows set aside.
    pub rows_rejected: u64,
    /// The file's size.
    pub bytes: u64,
    /// The file's modification time.
    pub modified_at: DateTime<Utc>,
    /// How new the data is.
    pub as_of: DateTime<Utc>,
    /// When the worker began.
    pub started_at: DateTime<Utc>,
    /// When it was done.
    pub finished_at: DateTime<Utc>,
    /// Why it failed.
    pub error: Option<String>,
    /// The trace.
    pub trace_id: String,
    /// Files of the whole run.
    pub run_files: u32,
    /// Files of the run that belong to this table.
    pub table_files: u32,
    /// Who did it: host, process and role.
    pub worker: String,
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StageStatus {
    /// It did its work.
    Success,
    /// It did not, or a check of severity error failed.
    Failed,
}

/// A line of `RAW.STAGE_AUDIT`: what transform or dq did for one message about one load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageLine {
    /// The load.
    pub load_id: LoadId,
    /// The stage.
    pub stage: Stage,
    /// The message that was handled: a second delivery of it finds this line and does nothing twice.
    pub message_id: MessageId,
    /// How it ended.
    pub status: StageStatus,
    /// Which try this was, from 1.
    pub attempt: u32,
    /// When the worker began.
    pub started_at: DateTime<Utc>,
    /// When it was done.
    pub finished_at: DateTime<Utc>,
    /// Why it failed.
    pub error: Option<String>,
    /// The data of the event that announces it, so that it can be announced again word for word.
    pub announced: serde_json::Value,
    /// The trace.
    pub trace_id: String,
    /// Who did it: host, process and role.
    pub worker: String,
}

/// A line of `RAW.DATA_QUALITY_AUDIT`: one check for one load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QualityLine {
    /// The load.
    pub load_id: LoadId,
    /// What was found.
    pub outcome: CheckOutcome,
    /// When.
    pub checked_at: DateTime<Utc>,
}
