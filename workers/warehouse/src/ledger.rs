//! The ledger: what was loaded, by which rules it counts, and what the later stages did.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use messages::{Failure, LoadId, MessageId, Stage};

use crate::{LoadLine, QualityLine, Slice, StageLine, Warehouse, WarehouseError};

/// The three audits over any warehouse.
#[derive(Clone)]
pub struct Ledger {
    warehouse: Arc<dyn Warehouse>,
}

/// Where a run stands: the newest line of each of its files.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    /// The newest line of each file under this command.
    pub files: Vec<LoadLine>,
    /// Files that the run has.
    pub run_files: u32,
}

#[allow(unused_variables, missing_docs, clippy::todo)]
impl Ledger {
    pub fn new(warehouse: Arc<dyn Warehouse>) -> Self {
        Self { warehouse }
    }

    pub fn warehouse(&self) -> &Arc<dyn Warehouse> {
        &self.warehouse
    }

    /// Records which files a run has, once: if the command has a plan already, that one is the answer.
    pub async fn plan(&self, lines: &[LoadLine]) -> Result<Vec<LoadLine>, WarehouseError> {
        todo!()
    }

    /// Records that a slice could not be loaded.
    pub async fn record_failure(
        &self,
        slice: &Slice,
        bytes: u64,
        failure: &Failure,
    ) -> Result<(), WarehouseError> {
        todo!()
    }

    /// Appends a line as it is (a file without a contract, say).
    pub async fn record_load(&self, line: &LoadLine) -> Result<(), WarehouseError> {
        todo!()
    }

    /// Where the run of this command stands; `None` if nothing of it is known.
    pub async fn run_state(
        &self,
        load_id: &LoadId,
        command_id: MessageId,
    ) -> Result<Option<RunState>, WarehouseError> {
        todo!()
    }

    /// All lines of one load, oldest first.
    pub async fn load_lines(&self, load_id: &LoadId) -> Result<Vec<LoadLine>, WarehouseError> {
        todo!()
    }

    /// The newest line of each file of the newest loads, newest first, at most `limit` lines.
    pub async fn recent(&self, limit: usize) -> Result<Vec<LoadLine>, WarehouseError> {
        todo!()
    }

    /// For reconciliation: of every file ever seen (path below the raw folder), its newest line.
    pub async fn newest_by_file(&self) -> Result<Vec<LoadLine>, WarehouseError> {
        todo!()
    }

    /// The commands of `stage` messages already handled: the line of this message, if there is one.
    pub async fn stage_line(
        &self,
        stage: Stage,
        message_id: MessageId,
    ) -> Result<Option<StageLine>, WarehouseError> {
        todo!()
    }

    /// Records stage lines, and quality lines with them, in one transaction.
    pub async fn record_stages(
        &self,
        stages: &[StageLine],
        quality: &[QualityLine],
    ) -> Result<(), WarehouseError> {
        todo!()
    }

    /// What the later stages did for a load, oldest first.
    pub async fn stage_lines(&self, load_id: &LoadId) -> Result<Vec<StageLine>, WarehouseError> {
        todo!()
    }

    /// Stage lines finished at or after `since`, oldest first (for the summary of `up --once`).
    pub async fn stage_lines_since(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<StageLine>, WarehouseError> {
        todo!()
    }

    /// What the checks found for a load, oldest first.
    pub async fn quality_lines(&self, load_id: &LoadId) -> Result<Vec<QualityLine>, WarehouseError> {
        todo!()
    }
}
