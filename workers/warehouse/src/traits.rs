//! What a warehouse owes, and what its callers owe.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::{Gate, LoadOutcome, RowSource, Slice, TableSpec, WarehouseError};

/// A warehouse: few primitives, so that the audit and its rules are written once, above it.
#[async_trait]
pub trait Warehouse: Send + Sync + 'static {
    /// What it is, as OpenTelemetry's `db.system.name` names it: `duckdb`, `snowflake`.
    fn system(&self) -> &'static str;

    /// Makes schemas, audit tables, `RAW_RUN` tables and `RAW` views where they are missing, and adds columns that a
    /// contract has gained. Safe to call twice and from several processes; changes no row.
    async fn prepare(&self, tables: &[TableSpec]) -> Result<(), WarehouseError>;

    /// Loads one file as a slice: rows and line in one transaction, or neither. Decides inside that
    /// transaction whether the load is [already there](LoadOutcome::AlreadyLoaded) or
    /// [fenced out](LoadOutcome::Fenced), in which case `rows` is not read. The warehouse counts what it wrote and
    /// fails if `rows` counted otherwise. After an `Err` nothing of the slice is visible, unless the error says that
    /// the outcome is unknown: call again with the same slice, it finds out.
    ///
    /// Once all rows of the generation are there, `gate` is asked about them. What it or the file's reader objects to
    /// [is kept and held back](LoadOutcome::Quarantined): its line says QUARANTINED, and what it would have replaced stays. A
    /// question that the warehouse refuses is for the gate to judge, and no error.
    async fn load(
        &self,
        slice: &Slice,
        rows: Box<dyn RowSource>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<LoadOutcome, WarehouseError>;

    /// Runs statements in one transaction: all of them or none. Of two that name the same `alone`, one waits for the other,
    /// so that it sees what that one wrote; statements whose condition asks for lines of their own kind need it. Write text
    /// with [`crate::sql`]'s functions only. The answer is how many rows they wrote in all. After an error that says that the warehouse is unavailable it is not known
    /// whether they were done.
    async fn transact(&self, statements: &[String], alone: Option<&str>) -> Result<u64, WarehouseError>;

    /// Reads. Refuses whatever could write. At most `max_rows` rows come back, every value as text.
    async fn query(&self, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError>;

    /// Lends the warehouse to another program (dbt). Where one process at a time may write, the handle is given up
    /// before this returns, other calls wait until the answer is dropped, and a second lend waits too. Elsewhere it
    /// costs nothing.
    async fn lend(&self) -> Result<Lent, WarehouseError>;

    /// Proves that the warehouse can be written; the answer says what it is, for people and without secrets.
    async fn check(&self) -> Result<String, WarehouseError>;

    /// Finds out whether it can be reached, as cheaply as can be: probes ask again and again, and where computing is paid for
    /// they must not keep it awake.
    async fn reach(&self) -> Result<(), WarehouseError>;

    /// Gives up handles. Whatever was begun is finished first. Later calls open them again.
    async fn close(&self);
}

/// What a query gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// Column names, as the warehouse spells them.
    pub columns: Vec<String>,
    /// Values as text; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there were more rows than asked for.
    pub truncated: bool,
}

/// The warehouse is lent to another program until this is dropped.
pub struct Lent {
    _guard: Box<dyn std::any::Any + Send>,
}

impl Lent {
    /// Lends for as long as `guard` lives.
    pub fn new(guard: impl std::any::Any + Send) -> Self {
        Self { _guard: Box::new(guard) }
    }
}
