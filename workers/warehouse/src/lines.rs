//! The lines of the audits. They are appended, never changed.

use chrono::{DateTime, Utc};
use messages::{CancelRequested, CheckOutcome, LoadId, MessageId, Stage};
use serde::Serialize;

use crate::{FileFacts, Slice};

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
    /// Its command was taken back before it was loaded.
    Cancelled,
    /// Its slice stands and nobody sees it: a gate or a contract's policy holds it back until somebody decides.
    Quarantined,
    /// It was held back, and somebody gave it up: its rows are gone.
    Discarded,
}

impl LoadStatus {
    /// As written in the audit: `PLANNED`, `SUCCESS`, `FAILED`, `CANCELLED`, `QUARANTINED`, `DISCARDED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "PLANNED",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Quarantined => "QUARANTINED",
            Self::Discarded => "DISCARDED",
        }
    }

    /// Takes a status as the audit writes it.
    pub fn parse(text: &str) -> Option<Self> {
        use LoadStatus::{Cancelled, Discarded, Failed, Planned, Quarantined, Success};
        let all = [Planned, Success, Failed, Cancelled, Quarantined, Discarded];
        all.into_iter().find(|status| status.as_str() == text)
    }
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
    /// Who released or discarded it, where somebody did.
    pub decided_by: Option<String>,
    /// Why they did.
    pub decided_why: Option<String>,
}

impl LoadLine {
    /// The line that says that `slice` stands.
    pub fn success(slice: &Slice, facts: &FileFacts, finished_at: DateTime<Utc>) -> Self {
        Self {
            file_id: Some(facts.file_id.clone()),
            status: LoadStatus::Success,
            rows_loaded: facts.rows,
            rows_rejected: facts.rows_rejected,
            bytes: facts.bytes,
            finished_at,
            ..Self::of(slice)
        }
    }

    /// The line that says that `slice` stands, and for what reasons it is held back, if it is.
    pub fn standing(slice: &Slice, facts: &FileFacts, held: &[String], finished_at: DateTime<Utc>) -> Self {
        let line = Self::success(slice, facts, finished_at);
        if held.is_empty() {
            return line;
        }
        Self { status: LoadStatus::Quarantined, error: Some(held.join("; ")), ..line }
    }

    /// The line that says that `slice` could not be loaded, for a file of `bytes`.
    pub fn failure(slice: &Slice, bytes: u64, error: &str, finished_at: DateTime<Utc>) -> Self {
        Self { status: LoadStatus::Failed, bytes, error: Some(error.into()), finished_at, ..Self::of(slice) }
    }

    /// What a slice alone tells of its line.
    fn of(slice: &Slice) -> Self {
        Self {
            load_id: slice.load_id.clone(),
            command_id: slice.command_id,
            table: slice.table.table.to_uppercase(),
            source: slice.source.clone(),
            uri: slice.uri.clone(),
            file_id: None,
            status: LoadStatus::Planned,
            attempt: slice.attempt,
            rows_loaded: 0,
            rows_rejected: 0,
            bytes: 0,
            modified_at: slice.modified_at,
            as_of: slice.as_of,
            started_at: slice.started_at,
            finished_at: slice.started_at,
            error: None,
            trace_id: slice.trace_id.clone(),
            run_files: slice.run_files,
            table_files: slice.table_files,
            worker: slice.worker.clone(),
            decided_by: None,
            decided_why: None,
        }
    }
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StageStatus {
    /// It did its work.
    Success,
    /// It did not, or a check of severity error failed.
    Failed,
    /// Its command was taken back before it was done.
    Cancelled,
    /// No end: somebody takes back the command that the line names as its message. What has not ended by then ends as
    /// `Cancelled`.
    CancelRequested,
}

impl StageStatus {
    /// As written in the audit: `SUCCESS`, `FAILED`, `CANCELLED`, `CANCEL_REQUESTED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::CancelRequested => "CANCEL_REQUESTED",
        }
    }

    /// Takes a status as the audit writes it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Success, Self::Failed, Self::Cancelled, Self::CancelRequested]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// A line of `RAW.STAGE_AUDIT`: what transform or dq did for one message about one load. Besides, of every stage: what was
/// taken back, and that a command of ingest ended so before its files were planned.
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

impl StageLine {
    /// The line that says that somebody takes a command of `stage` back.
    pub fn cancel_requested(
        stage: Stage,
        cancel: &CancelRequested,
        trace_id: impl Into<String>,
        worker: impl Into<String>,
    ) -> serde_json::Result<Self> {
        let now = Utc::now();
        Ok(Self {
            load_id: cancel.load_id.clone(),
            stage,
            message_id: cancel.command_id,
            status: StageStatus::CancelRequested,
            attempt: 0,
            started_at: now,
            finished_at: now,
            error: Some(cancel.failure().message),
            announced: serde_json::to_value(cancel)?,
            trace_id: trace_id.into(),
            worker: worker.into(),
        })
    }
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
    /// What asked for it.
    pub origin: QualityOrigin,
}

/// What asked for a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QualityOrigin {
    /// A check of a contract, after the models were built.
    Contract,
    /// A check of a contract that decided whether the slice becomes current.
    Gate,
    /// A test of dbt's.
    Dbt,
}

impl QualityOrigin {
    /// As written in the audit: `CONTRACT`, `GATE`, `DBT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contract => "CONTRACT",
            Self::Gate => "GATE",
            Self::Dbt => "DBT",
        }
    }

    /// Takes an origin as the audit writes it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Contract, Self::Gate, Self::Dbt].into_iter().find(|origin| origin.as_str() == text)
    }
}
