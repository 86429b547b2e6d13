//! What the cases are made with.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use chrono::{DateTime, TimeZone, Utc};
use messages::{Failure, LoadId, MessageId};

use crate::{
    FileFacts, LoadOutcome, Mode, RejectedRow, RowSource, ShapeChange, Slice, TableSpec, Warehouse, WarehouseError,
};

/// Rows of two texts.
pub type Pairs = Vec<(String, String)>;

/// The table of most cases: two columns, snapshot.
pub fn batches() -> TableSpec {
    TableSpec { table: "BATCHES".into(), columns: vec!["id".into(), "state".into()], mode: Mode::Snapshot }
}

/// The same as increments.
pub fn readings() -> TableSpec {
    TableSpec { table: "READINGS".into(), mode: Mode::Increment, ..batches() }
}

/// A moment, by its hour.
pub fn hour(hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, hour, 0, 0).unwrap()
}

/// The `number`-th command: greater numbers are newer.
pub fn command(number: u32) -> MessageId {
    MessageId::parse(&format!("01935a00-0000-7000-8000-{number:012}")).unwrap()
}

/// A LOAD_ID.
pub fn load_id(text: &str) -> LoadId {
    LoadId::new(text).unwrap()
}

/// A slice of one file, the only one of its run.
pub fn slice(table: &TableSpec, load: &str, number: u32, uri: &str, as_of: DateTime<Utc>) -> Slice {
    Slice {
        load_id: load_id(load),
        command_id: command(number),
        table: table.clone(),
        source: table.table.to_lowercase(),
        uri: uri.into(),
        modified_at: hour(1),
        as_of,
        attempt: 1,
        run_files: 1,
        table_files: 1,
        started_at: Utc::now(),
        worker: "conformance".into(),
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
    }
}

/// The same slice as one of `files`.
pub fn of_run(slice: Slice, files: u32) -> Slice {
    Slice { run_files: files, table_files: files, ..slice }
}

/// `count` rows whose second column is `state`.
pub fn pairs(count: usize, state: &str) -> Pairs {
    (1..=count).map(|number| (number.to_string(), state.to_owned())).collect()
}

/// Rows from memory.
#[derive(Clone)]
pub struct Memory {
    columns: usize,
    rows: Pairs,
    given: usize,
    batch_rows: usize,
    fail_after: Option<usize>,
    fail_at_end: bool,
    claims: Option<u64>,
    rejected: Vec<RejectedRow>,
    shape: Vec<ShapeChange>,
    held: Vec<String>,
}

impl Memory {
    /// These rows, in batches of 2,048. A third column and those behind it are NULL.
    pub fn new(rows: Pairs) -> Self {
        Self {
            columns: 2,
            rows,
            given: 0,
            batch_rows: 2048,
            fail_after: None,
            fail_at_end: false,
            claims: None,
            rejected: Vec::new(),
            shape: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Sets these rows aside.
    pub fn rejecting(self, rejected: Vec<RejectedRow>) -> Self {
        Self { rejected, ..self }
    }

    /// Tells of these changes of shape.
    pub fn shaped(self, shape: Vec<ShapeChange>) -> Self {
        Self { shape, ..self }
    }

    /// Says that it must not become current.
    pub fn held(self, why: &str) -> Self {
        Self { held: vec![why.into()], ..self }
    }

    /// With so many columns.
    pub fn columns(self, columns: usize) -> Self {
        Self { columns, ..self }
    }

    /// In batches of so many rows.
    pub fn batches_of(self, batch_rows: usize) -> Self {
        Self { batch_rows, ..self }
    }

    /// Fails once so many rows are given.
    pub fn fail_after(self, rows: usize) -> Self {
        Self { fail_after: Some(rows), ..self }
    }

    /// Fails when it is finished.
    pub fn fail_at_end(self) -> Self {
        Self { fail_at_end: true, ..self }
    }

    /// Says that it gave so many rows.
    pub fn claims(self, rows: u64) -> Self {
        Self { claims: Some(rows), ..self }
    }

    /// As a source.
    pub fn boxed(self) -> Box<dyn RowSource> {
        Box::new(self)
    }
}

impl RowSource for Memory {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        if self.fail_after.is_some_and(|rows| self.given >= rows) {
            return Err(Failure::permanent("the file is bad in line 7"));
        }
        let end = self.rows.len().min(self.given + self.batch_rows);
        let rows = &self.rows[self.given..end];
        if rows.is_empty() {
            return Ok(None);
        }
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("a".into(), Arc::new(rows.iter().map(|row| text(&row.0)).collect::<StringArray>())),
            ("b".into(), Arc::new(rows.iter().map(|row| text(&row.1)).collect::<StringArray>())),
        ];
        for number in 2..self.columns {
            columns.push((format!("c{number}"), Arc::new(StringArray::new_null(rows.len()))));
        }
        let numbers = (self.given as i64 + 1)..=(end as i64);
        columns.push(("SOURCE_ROW".into(), Arc::new(Int64Array::from_iter_values(numbers))));
        self.given = end;
        let nullable = columns.into_iter().map(|(name, column)| (name, column, true));
        Ok(Some(RecordBatch::try_from_iter_with_nullable(nullable).unwrap()))
    }

    fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
        if self.fail_at_end {
            return Err(Failure::permanent("the file was replaced while it was loaded"));
        }
        Ok(FileFacts {
            rows_rejected: self.rejected.len() as u64,
            rejected: self.rejected,
            shape: self.shape,
            held: self.held,
            ..FileFacts::plain(self.claims.unwrap_or(self.rows.len() as u64), 100, "sha256:00")
        })
    }

    fn again(&self) -> Option<Box<dyn RowSource>> {
        Some(Box::new(self.clone()))
    }
}

/// Loads `count` rows in `state` and expects them to stand.
pub async fn load(warehouse: &Arc<dyn Warehouse>, slice: &Slice, count: usize, state: &str) {
    let outcome = try_load(warehouse, slice, count, state).await.unwrap();
    assert!(matches!(outcome, LoadOutcome::Loaded(_)), "{outcome:?}");
}

/// Loads `count` rows in `state`.
pub async fn try_load(
    warehouse: &Arc<dyn Warehouse>,
    slice: &Slice,
    count: usize,
    state: &str,
) -> Result<LoadOutcome, WarehouseError> {
    warehouse.load(slice, Memory::new(pairs(count, state)).boxed(), None).await
}

/// The rows of a query, NULL as `NULL`, values joined by a blank.
pub async fn ask(warehouse: &Arc<dyn Warehouse>, sql: &str) -> Vec<String> {
    let rows = warehouse.query(sql, 1_000_000).await.unwrap().rows;
    let text = |value: Option<String>| value.unwrap_or_else(|| "NULL".into());
    rows.into_iter().map(|row| row.into_iter().map(text).collect::<Vec<_>>().join(" ")).collect()
}

/// What `RAW.<table>` shows: rows by state, as `state count`.
pub async fn shown(warehouse: &Arc<dyn Warehouse>, table: &TableSpec) -> Vec<String> {
    let table = &table.table;
    ask(warehouse, &format!("SELECT STATE, COUNT(*) FROM RAW.{table} GROUP BY STATE ORDER BY STATE")).await
}

/// What `RAW_RUN.<table>_RUN` holds: rows by state, as `state count`.
pub async fn held(warehouse: &Arc<dyn Warehouse>, table: &TableSpec) -> Vec<String> {
    let table = &table.table;
    ask(warehouse, &format!("SELECT STATE, COUNT(*) FROM RAW_RUN.{table}_RUN GROUP BY STATE ORDER BY STATE")).await
}
