//! What the audit knows of a slice before it is loaded: fenced, taken back, already there, or what it replaces.

use messages::{LoadId, MessageId, Stage};

use crate::layout::run_table;
use crate::sql::literal;
use crate::{LoadOutcome, Slice, StageStatus, WarehouseError};

/// Where a slice stands among the generations of its LOAD_ID. Read inside the load's transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// A newer command that has planned or loaded this LOAD_ID and table.
    pub newer: Option<MessageId>,
    /// This command has loaded this file, be it held back.
    pub loaded: bool,
    /// Why the file is held back, or was until somebody decided.
    pub held: Option<String>,
    /// Older commands have loaded something that is to be replaced.
    pub older: bool,
    /// Other files of the table that this command has loaded, and that nothing holds back.
    pub others: u32,
    /// The same with those that are held back: their rows stand too.
    pub others_standing: u32,
    /// Why the file is not to be loaded any more: it was cancelled, or its command was taken back before it had ended. One
    /// that had failed by then had ended, and whoever replays it wants it loaded.
    pub cancelled: Option<String>,
}

/// What the loads of one LOAD_ID into one table take turns by, where many may write.
pub fn turn(load_id: &LoadId, table: &str) -> String {
    format!("{load_id}|{}", table.to_uppercase())
}

/// A condition on lines of `RAW.STAGE_AUDIT`: somebody takes this command of `stage` back.
pub fn is_taken_back(stage: Stage, load_id: &LoadId, command_id: MessageId) -> String {
    format!(
        "STAGE = {} AND STATUS = {} AND LOAD_ID = {} AND MESSAGE_ID = {}",
        literal(stage.as_str()),
        literal(StageStatus::CancelRequested.as_str()),
        literal(load_id.as_str()),
        literal(&command_id.to_string())
    )
}

impl Standing {
    /// The query whose one row [`Standing::read`] takes.
    pub fn query(slice: &Slice) -> String {
        let load_id = literal(slice.load_id.as_str());
        let table = literal(&slice.table.table.to_uppercase());
        let command = literal(&slice.command_id.to_string());
        let file = literal(&slice.uri);
        let taken_back = is_taken_back(Stage::Ingest, &slice.load_id, slice.command_id);
        format!(
            "SELECT MAX(CASE WHEN COMMAND_ID > {command} AND STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED') \
            THEN COMMAND_ID END), \
            COUNT(CASE WHEN COMMAND_ID = {command} AND SOURCE_FILE = {file} \
            AND STATUS IN ('SUCCESS', 'QUARANTINED') THEN 1 END), \
            COUNT(CASE WHEN COMMAND_ID < {command} AND STATUS IN ('SUCCESS', 'QUARANTINED') THEN 1 END), \
            COUNT(DISTINCT CASE WHEN COMMAND_ID = {command} AND SOURCE_FILE <> {file} AND STATUS = 'SUCCESS' \
            THEN SOURCE_FILE END), \
            MAX(CASE WHEN COMMAND_ID = {command} AND SOURCE_FILE = {file} AND STATUS = 'CANCELLED' THEN ERROR END), \
            COUNT(CASE WHEN COMMAND_ID = {command} AND SOURCE_FILE = {file} AND STATUS = 'FAILED' THEN 1 END), \
            (SELECT MAX(ERROR) FROM RAW.STAGE_AUDIT WHERE {taken_back}), \
            MAX(CASE WHEN COMMAND_ID = {command} AND SOURCE_FILE = {file} AND STATUS = 'QUARANTINED' THEN ERROR END), \
            COUNT(DISTINCT CASE WHEN COMMAND_ID = {command} AND SOURCE_FILE <> {file} \
            AND STATUS IN ('SUCCESS', 'QUARANTINED') THEN SOURCE_FILE END) \
            FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = {load_id} AND TABLE_NAME = {table}"
        )
    }

    /// A condition that holds if the query would find nothing that a load must heed, as for an ordinary load.
    pub fn nothing(slice: &Slice) -> String {
        let command = literal(&slice.command_id.to_string());
        format!(
            "NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = {} AND TABLE_NAME = {} \
            AND ((COMMAND_ID > {command} AND STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED')) \
            OR (COMMAND_ID = {command} AND SOURCE_FILE = {} AND STATUS IN ('SUCCESS', 'QUARANTINED', 'CANCELLED')) \
            OR (COMMAND_ID < {command} AND STATUS IN ('SUCCESS', 'QUARANTINED')))) \
            AND NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT WHERE {})",
            literal(slice.load_id.as_str()),
            literal(&slice.table.table.to_uppercase()),
            literal(&slice.uri),
            is_taken_back(Stage::Ingest, &slice.load_id, slice.command_id),
        )
    }

    /// What became of the load, if nothing is left to do.
    pub fn outcome(&self) -> Option<LoadOutcome> {
        match (&self.cancelled, self.newer) {
            (Some(why), _) if !self.loaded => Some(LoadOutcome::Cancelled { why: why.clone() }),
            (_, Some(by)) => Some(LoadOutcome::Fenced { by }),
            (_, None) => self.loaded.then_some(LoadOutcome::AlreadyLoaded),
        }
    }

    /// Takes the row that [`Standing::query`] gave.
    pub fn read(row: &[Option<String>]) -> Result<Self, WarehouseError> {
        let count = |at: usize| -> Result<u32, WarehouseError> {
            row.get(at).and_then(Option::as_deref).and_then(|text| text.parse().ok()).ok_or_else(|| {
                WarehouseError::Statement(format!("the audit gave no count where one was asked for: {row:?}"))
            })
        };
        let text = |at: usize| row.get(at).and_then(Option::clone);
        let failed = count(5)? > 0;
        Ok(Self {
            newer: row.first().and_then(Option::as_deref).and_then(MessageId::parse),
            loaded: count(1)? > 0,
            held: text(7),
            others_standing: count(8)?,
            older: count(2)? > 0,
            others: count(3)?,
            cancelled: text(4).or_else(|| text(6).filter(|_| !failed)),
        })
    }

    /// Whether the table's set of files is complete once this slice stands and is not held back.
    pub fn completes(&self, slice: &Slice) -> bool {
        self.others + 1 >= slice.table_files
    }

    /// Whether all rows of the generation are there once those of this slice are: then a gate can judge them.
    pub fn is_last(&self, slice: &Slice) -> bool {
        self.others_standing + 1 >= slice.table_files
    }
}

/// Removes what this command may have left for the file. Its COMMAND_ID skips nearly all row groups.
pub fn delete_leftovers(slice: &Slice) -> String {
    format!(
        "DELETE FROM {} WHERE LOAD_ID = {} AND COMMAND_ID = {} AND SOURCE_FILE = {}",
        run_table(&slice.table),
        literal(slice.load_id.as_str()),
        literal(&slice.command_id.to_string()),
        literal(&slice.uri),
    )
}

/// The rows of the slice's generation, all its files', to stand behind FROM. Its COMMAND_ID skips nearly all row groups.
pub fn generation(slice: &Slice) -> String {
    format!(
        "(SELECT * FROM {} WHERE LOAD_ID = {} AND COMMAND_ID = {})",
        run_table(&slice.table),
        literal(slice.load_id.as_str()),
        literal(&slice.command_id.to_string()),
    )
}

/// Removes the older generations of the LOAD_ID.
pub fn delete_older(slice: &Slice) -> String {
    format!(
        "DELETE FROM {} WHERE LOAD_ID = {} AND COMMAND_ID < {}",
        run_table(&slice.table),
        literal(slice.load_id.as_str()),
        literal(&slice.command_id.to_string()),
    )
}
