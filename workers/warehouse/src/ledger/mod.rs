//! The ledger: what was loaded, by which rules it counts, and what the later stages did.
//!
//! It is written over [`Warehouse::transact`] and [`Warehouse::query`] alone, so that every warehouse has it.

mod decisions;
mod freshness;
mod loads;
mod read;
mod samples;
mod stages;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::sql::literal;
use crate::{LoadLine, Warehouse, WarehouseError};
use messages::LoadId;
use read::{ReadLine, columns, lines};

pub use decisions::{Held, taken_over};
pub use freshness::Freshness;
pub use samples::SampleLine;
pub use stages::Known;
pub(crate) use write::{insert, insert_where};

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
    /// Tables of which a newer command has planned or loaded files under this LOAD_ID: what this one has not loaded of them
    /// is fenced out.
    pub overtaken: BTreeSet<String>,
}

impl Ledger {
    /// The ledger of `warehouse`.
    pub fn new(warehouse: Arc<dyn Warehouse>) -> Self {
        Self { warehouse }
    }

    /// The warehouse that it is kept in.
    pub fn warehouse(&self) -> &Arc<dyn Warehouse> {
        &self.warehouse
    }

    /// The lines of `L` that `rest` (from WHERE on) selects.
    async fn select<L: ReadLine>(&self, rest: &str) -> Result<Vec<L>, WarehouseError> {
        let sql = format!("SELECT {} FROM RAW.{} {rest}", columns::<L>(), L::TABLE.name);
        lines(&self.warehouse.query(&sql, usize::MAX).await?)
    }
}

fn of_load(load_id: &LoadId) -> String {
    format!("WHERE LOAD_ID = {}", literal(load_id.as_str()))
}
