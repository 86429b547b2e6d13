//! What is loaded: a table's description, a slice of it, and where its rows come from.

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use messages::{Failure, LoadId, MessageId};

/// How a source delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Each delivery is the whole truth: `RAW.<T>` shows the current load.
    Snapshot,
    /// Each file adds: `RAW.<T>` shows every file's newest successful load.
    Increment,
}

/// A table as its contract describes it. Names are checked identifiers: letters, digits and `_`, no leading digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// `RAW.<table>` is the view, `RAW_RUN.<table>_RUN` holds the rows. In capitals.
    pub table: String,
    /// The contracted columns in their order, all text, in lower case.
    pub columns: Vec<String>,
    /// How the source delivers.
    pub mode: Mode,
}

/// One file's share of a load. Its identity is LOAD_ID, table and file; `command_id` says which asking it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// The load.
    pub load_id: LoadId,
    /// Who asked. Of two for one LOAD_ID the greater wins, the other is fenced out.
    pub command_id: MessageId,
    /// Where the rows go.
    pub table: TableSpec,
    /// The source, as its contract names it.
    pub source: String,
    /// The file: its path below the raw folder.
    pub uri: String,
    /// The file's modification time when it was found.
    pub modified_at: DateTime<Utc>,
    /// How new the data is. The view shows the successful load with the greatest value.
    pub as_of: DateTime<Utc>,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Files of the whole run.
    pub run_files: u32,
    /// Files of the run that belong to this table. Their slices become current together, when all are loaded.
    pub table_files: u32,
    /// When the worker began.
    pub started_at: DateTime<Utc>,
    /// Who loads: host, process and role.
    pub worker: String,
    /// The trace it belongs to.
    pub trace_id: String,
}

/// A file's rows, parsed. It is read on a thread of its own and may block.
pub trait RowSource: Send {
    /// The next rows: the table's columns in order, each `Utf8` and NULL for what is empty, then
    /// `SOURCE_ROW`, an `Int64` that counts the file's data rows from 1. `None` after the last.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure>;

    /// What the file was, once all is read. An error here (the file changed meanwhile) undoes the load.
    fn finish(self: Box<Self>) -> Result<FileFacts, Failure>;

    /// The same rows from their beginning, asked for before the first is taken: a gate's question that the warehouse refuses
    /// may break the transaction off, and then the load is done once more. `None`: they can be had only once, and such a
    /// load fails.
    fn again(&self) -> Option<Box<dyn RowSource>> {
        None
    }
}

/// What a file was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Rows handed over.
    pub rows: u64,
    /// Rows set aside.
    pub rows_rejected: u64,
    /// Bytes read.
    pub bytes: u64,
    /// `sha256:` and the hash of the content, in hexadecimal.
    pub file_id: String,
    /// The rows set aside, in the order of the file. All of them: a file with more than a contract may allow
    /// ([`MAX_REJECTED_ROWS`]) is refused as a whole.
    pub rejected: Vec<RejectedRow>,
    /// Where the file's shape is not the contract's.
    pub shape: Vec<ShapeChange>,
    /// Why the slice must not become current before somebody has looked at it; nothing if it may.
    pub held: Vec<String>,
}

/// Rows of one file that can be set aside, at most.
pub const MAX_REJECTED_ROWS: u64 = 10_000;
/// Bytes of a rejected row's text that are kept, at most.
pub const MAX_REJECTED_BYTES: usize = 8 * 1024;

/// A row that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// The line of the file that it begins in, from 1; in a file without lines its row, from 1.
    pub line: u64,
    /// What is wrong with it, in words for whoever mends it. Holds no contents.
    pub reason: String,
    /// Its text as the file has it, as far as it can be shown; at most [`MAX_REJECTED_BYTES`].
    pub raw: String,
    /// Whether the text goes on.
    pub truncated: bool,
}

/// A place where a file's shape is not its contract's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeChange {
    /// What is different.
    pub kind: ShapeKind,
    /// The column, in lower case; of a new order, all of them with commas between.
    pub column: String,
    /// What was done about it, in the contract's word: `accept`, `evolve`, `quarantine`.
    pub policy: String,
}

/// How a file's shape differs from its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShapeKind {
    /// A column that the contract does not name.
    NewColumn,
    /// A column of the contract that the file does not have.
    MissingColumn,
    /// The columns stand in another order.
    ReorderedColumns,
}

impl ShapeKind {
    /// As written in the audit: `NEW_COLUMN`, `MISSING_COLUMN`, `REORDERED_COLUMNS`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewColumn => "NEW_COLUMN",
            Self::MissingColumn => "MISSING_COLUMN",
            Self::ReorderedColumns => "REORDERED_COLUMNS",
        }
    }

    /// Takes a kind as the audit writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::NewColumn, Self::MissingColumn, Self::ReorderedColumns];
        all.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl FileFacts {
    /// A file of which nothing is remarkable.
    pub fn plain(rows: u64, bytes: u64, file_id: impl Into<String>) -> Self {
        Self {
            rows,
            rows_rejected: 0,
            bytes,
            file_id: file_id.into(),
            rejected: Vec::new(),
            shape: Vec::new(),
            held: Vec::new(),
        }
    }
}

/// What became of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadOutcome {
    /// The slice stands.
    Loaded(FileFacts),
    /// The slice stands and is held back: nobody sees it until somebody releases it.
    Quarantined {
        /// What the file was.
        facts: FileFacts,
        /// Why.
        held: Vec<String>,
    },
    /// The same command had loaded it before, be it held back; nothing happened.
    AlreadyLoaded,
    /// Its command was taken back before it was loaded; nothing happened.
    Cancelled {
        /// Why, for whoever finds it so.
        why: String,
    },
    /// A newer command for the same LOAD_ID has loaded or planned it; nothing happened.
    Fenced {
        /// The newer command.
        by: MessageId,
    },
}
