//! What was remarkable about a file that was loaded: the rows that were set aside, and where its shape was not its contract's.

use chrono::{DateTime, Utc};
use messages::{LoadId, MessageId};
use serde::Serialize;

use crate::{FileFacts, ShapeKind, Slice};

/// A line of `RAW.REJECTED_ROWS`: a row that was set aside.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RejectedLine {
    /// The load.
    pub load_id: LoadId,
    /// Who asked.
    pub command_id: MessageId,
    /// The table, in capitals.
    pub table: String,
    /// The file: its path below the raw folder.
    pub uri: String,
    /// The line of the file that the row begins in, from 1; in a file without lines its row, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
    /// Its text as the file has it; at most [`crate::MAX_REJECTED_BYTES`].
    pub raw: String,
    /// Whether the text goes on.
    pub truncated: bool,
    /// When it was set aside.
    pub rejected_at: DateTime<Utc>,
}

/// A line of `RAW.SCHEMA_CHANGES`: a place where a file's shape was not its contract's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShapeLine {
    /// The load.
    pub load_id: LoadId,
    /// Who asked.
    pub command_id: MessageId,
    /// The table, in capitals.
    pub table: String,
    /// The file: its path below the raw folder.
    pub uri: String,
    /// What was different.
    pub change: ShapeKind,
    /// The column, in lower case; of a new order, all of them with commas between.
    pub column: String,
    /// What was done about it, in the contract's word.
    pub policy: String,
    /// When it was noted.
    pub noted_at: DateTime<Utc>,
}

impl RejectedLine {
    /// The lines of all rows of `slice` that were set aside.
    pub fn all(slice: &Slice, facts: &FileFacts, rejected_at: DateTime<Utc>) -> Vec<Self> {
        let line = |row: &crate::RejectedRow| Self {
            load_id: slice.load_id.clone(),
            command_id: slice.command_id,
            table: slice.table.table.to_uppercase(),
            uri: slice.uri.clone(),
            line: row.line,
            reason: row.reason.clone(),
            raw: row.raw.clone(),
            truncated: row.truncated,
            rejected_at,
        };
        facts.rejected.iter().map(line).collect()
    }
}

impl ShapeLine {
    /// The lines of all changes of shape of `slice`.
    pub fn all(slice: &Slice, facts: &FileFacts, noted_at: DateTime<Utc>) -> Vec<Self> {
        let line = |change: &crate::ShapeChange| Self {
            load_id: slice.load_id.clone(),
            command_id: slice.command_id,
            table: slice.table.table.to_uppercase(),
            uri: slice.uri.clone(),
            change: change.kind,
            column: change.column.clone(),
            policy: change.policy.clone(),
            noted_at,
        };
        facts.shape.iter().map(line).collect()
    }
}
