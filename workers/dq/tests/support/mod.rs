//! What the tests are made with: a fresh warehouse, contracts from JSON, rows from memory.
#![allow(dead_code)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use chrono::{DateTime, Utc};
use messages::{
    CheckOutcome, CheckStatus, DqRequested, Envelope, Failure, LoadId, Message, MessageId, Stage, TransformCompleted,
};
use millrace_dq::{DqHandler, compile};
use runtime::{Contracts, Handler, Work};
use serde_json::{Value, json};
use warehouse::snowflake::{Snowflake, SnowflakeSettings};
use warehouse::{
    FileFacts, Ledger, LoadOutcome, QualityLine, RowSource, Slice, StageLine, StageStatus, Warehouse, WarehouseSettings,
};

/// A warehouse with tables for the contracts, and a handler that judges by them.
pub struct Mill {
    pub ledger: Ledger,
    pub handler: DqHandler,
    pub contracts: Contracts,
    _folder: tempfile::TempDir,
}

/// Where the data is.
#[derive(Clone, Copy, Debug)]
pub enum On {
    DuckDb,
    /// A database of its own at the emulator.
    Snowflake,
}

/// A contract: its source, columns and checks.
pub fn contract(source: &str, columns: &[&str], checks: Value) -> Value {
    json!({"source": source, "files": [format!("**/{source}.csv")], "columns": columns, "checks": checks})
}

/// A LOAD_ID.
pub fn id(text: &str) -> LoadId {
    LoadId::new(text).unwrap()
}

/// A moment.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Mill {
    /// With these contracts, on DuckDB.
    pub async fn new(contracts: impl IntoIterator<Item = Value>) -> Self {
        Self::on(On::DuckDb, contracts).await
    }

    /// With these contracts.
    pub async fn on(on: On, contracts: impl IntoIterator<Item = Value>) -> Self {
        let mut all = Contracts::default();
        for contract in contracts {
            all.add(serde_json::from_value(contract).unwrap()).unwrap();
        }
        Self::over_on(on, all).await
    }

    /// With contracts that are there already, on DuckDB.
    pub async fn over(contracts: Contracts) -> Self {
        Self::over_on(On::DuckDb, contracts).await
    }

    async fn over_on(on: On, contracts: Contracts) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = match on {
            On::DuckDb => {
                let path = folder.path().join("w.duckdb");
                warehouse::open(&WarehouseSettings::new(format!("duckdb:{}", path.display()))).await.unwrap()
            }
            On::Snowflake => snowflake(),
        };
        warehouse.prepare(&contracts.table_specs()).await.unwrap();
        let ledger = Ledger::new(warehouse);
        let handler = Self::handler_of(&ledger, &contracts);
        Self { ledger, handler, contracts, _folder: folder }
    }

    fn handler_of(ledger: &Ledger, contracts: &Contracts) -> DqHandler {
        DqHandler::new(ledger.clone(), Arc::new(compile(contracts).unwrap()), "test", 500)
    }

    /// The warehouse.
    pub fn warehouse(&self) -> &Arc<dyn Warehouse> {
        self.ledger.warehouse()
    }

    /// Loads rows as a load of one file, as new as `as_of`; an empty text is NULL.
    pub async fn load(&self, source: &str, load_id: &str, as_of: DateTime<Utc>, rows: &[&[&str]]) {
        let rows = rows.iter().map(|row| row.iter().map(|&value| value.to_owned()).collect()).collect();
        self.load_rows(source, load_id, as_of, rows).await;
    }

    /// The same with rows of any origin.
    pub async fn load_rows(&self, source: &str, load_id: &str, as_of: DateTime<Utc>, rows: Vec<Vec<String>>) {
        let outcome = self.load_slice(&self.slice(source, load_id, as_of), rows, &[]).await;
        assert!(matches!(outcome, LoadOutcome::Loaded(_)), "{outcome:?}");
    }

    /// The slice of a load of one file, which is as new as its data.
    pub fn slice(&self, source: &str, load_id: &str, as_of: DateTime<Utc>) -> Slice {
        Slice {
            load_id: id(load_id),
            command_id: MessageId::fresh(),
            table: self.contracts.source(source).unwrap().table_spec(),
            source: source.into(),
            uri: format!("{source}.csv"),
            modified_at: as_of,
            as_of,
            attempt: 1,
            run_files: 1,
            table_files: 1,
            started_at: Utc::now(),
            worker: "test".into(),
            trace_id: String::new(),
        }
    }

    /// Loads rows as a slice; for these reasons it is `held` back.
    pub async fn load_slice(&self, slice: &Slice, rows: Vec<Vec<String>>, held: &[&str]) -> LoadOutcome {
        let held = held.iter().map(|&why| why.to_owned()).collect();
        let rows = Memory { columns: slice.table.columns.clone(), rows, given: 0, held };
        self.warehouse().load(slice, Box::new(rows), None).await.unwrap()
    }

    /// The audit says that the models were built for a load.
    pub async fn built(&self, load_id: &str) {
        self.built_with(load_id, &[]).await;
    }

    /// The same of a build that began then, and was announced so.
    pub async fn built_at(&self, load_id: &str, started_at: DateTime<Utc>, announced: Value) {
        let line = StageLine { started_at, announced, ..built(load_id) };
        assert!(self.ledger.record_stages(&[line], &[]).await.unwrap());
    }

    /// The same with what dbt's tests found.
    pub async fn built_with(&self, load_id: &str, tests: &[QualityLine]) {
        let line = built(load_id);
        let checked_at = Utc::now();
        let tests: Vec<QualityLine> = tests.iter().map(|test| QualityLine { checked_at, ..test.clone() }).collect();
        assert!(self.ledger.record_stages(&[line], &tests).await.unwrap());
    }

    /// Judges sources for a load; what is announced.
    pub async fn judge(&mut self, load_id: &str, sources: &[&str]) -> Message {
        self.handle(&[requested(load_id, sources)]).await.remove(0).message
    }

    /// Judges a load's sources; the outcome of every check.
    pub async fn outcomes(&mut self, load_id: &str, sources: &[&str]) -> Vec<CheckOutcome> {
        checks(&self.judge(load_id, sources).await).to_vec()
    }

    /// Handles messages; what is announced of each.
    pub async fn handle(&mut self, work: &[Work]) -> Vec<Envelope> {
        let results = self.handler.handle(work).await;
        results.into_iter().map(|result| result.unwrap().announce.remove(0)).collect()
    }

    /// The first column of a query's rows.
    pub async fn ask(&self, sql: &str) -> Vec<String> {
        let rows = self.warehouse().query(sql, 10_000).await.unwrap().rows;
        rows.into_iter().map(|mut row| row.remove(0).unwrap_or_default()).collect()
    }
}

/// The line of a build that has just been.
fn built(load_id: &str) -> StageLine {
    StageLine {
        load_id: id(load_id),
        stage: Stage::Transform,
        message_id: MessageId::fresh(),
        status: StageStatus::Success,
        attempt: 1,
        started_at: Utc::now(),
        finished_at: Utc::now(),
        error: None,
        announced: json!({}),
        trace_id: String::new(),
        worker: "test".into(),
    }
}

fn snowflake() -> Arc<dyn Warehouse> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let database = format!("DQ_{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let variables = testkit::Emulator::shared().variables(&database);
    let given = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    Snowflake::open(SnowflakeSettings::read(given).unwrap()).unwrap()
}

/// `dq.requested`.
pub fn requested(load_id: &str, sources: &[&str]) -> Work {
    let sources = sources.iter().map(|&source| source.to_owned()).collect();
    Work::new(Envelope::new("test", DqRequested { load_id: id(load_id), sources }), 1)
}

/// `transform.completed`.
pub fn transformed(load_id: &str, sources: &[&str]) -> Work {
    let sources = sources.iter().map(|&source| source.to_owned()).collect();
    let message = TransformCompleted { load_id: id(load_id), sources, nodes: vec![], invocation_id: "i".into() };
    Work::new(Envelope::new("test", message), 1)
}

/// The outcomes that a message reports.
pub fn checks(message: &Message) -> &[CheckOutcome] {
    match message {
        Message::DqCompleted(data) => &data.checks,
        Message::DqFailed(data) => &data.checks,
        other => panic!("{other:?}"),
    }
}

/// Status, failed rows and what was observed, of one outcome.
pub fn told(outcome: &CheckOutcome) -> (CheckStatus, Option<u64>, &str) {
    (outcome.status, outcome.failed_rows, &outcome.observed)
}

struct Memory {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    given: usize,
    held: Vec<String>,
}

impl RowSource for Memory {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        let end = self.rows.len().min(self.given + 2048);
        let rows = &self.rows[self.given..end];
        if rows.is_empty() {
            return Ok(None);
        }
        let value = |row: &Vec<String>, at: usize| (!row[at].is_empty()).then(|| row[at].clone());
        let mut columns: Vec<(String, ArrayRef, bool)> = Vec::new();
        for (at, name) in self.columns.iter().enumerate() {
            let values: StringArray = rows.iter().map(|row| value(row, at)).collect();
            columns.push((name.clone(), Arc::new(values), true));
        }
        let numbers = Int64Array::from_iter_values(self.given as i64 + 1..=end as i64);
        columns.push(("SOURCE_ROW".into(), Arc::new(numbers), true));
        self.given = end;
        Ok(Some(RecordBatch::try_from_iter_with_nullable(columns).unwrap()))
    }

    fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
        let rows = self.rows.len() as u64;
        // Not SHA-256, and the same for the same rows: that is all that is asked of it.
        let mut hasher = DefaultHasher::new();
        self.rows.hash(&mut hasher);
        let facts = FileFacts::plain(rows, 0, format!("sha256:{:016x}", hasher.finish()));
        Ok(FileFacts { held: self.held, ..facts })
    }
}
