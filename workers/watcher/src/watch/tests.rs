//! Overdue sources while the warehouse is away.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bus::{BusSettings, Consumer};
use chrono::{DateTime, TimeDelta};
use messages::{LoadId, Message, MessageId, SourceOverdue};
use runtime::Contract;
use serde_json::json;
use warehouse::{
    Gate, Lent, LoadOutcome, RowSource, Rows, Slice, TableSpec, Warehouse, WarehouseError, WarehouseSettings, sql,
};

use super::*;

/// A warehouse that can be away.
struct Flaky {
    inner: Arc<dyn Warehouse>,
    is_away: AtomicBool,
    /// How often it was asked how fresh the data is.
    asked: AtomicUsize,
}

#[async_trait]
impl Warehouse for Flaky {
    fn system(&self) -> &'static str {
        self.inner.system()
    }
    async fn prepare(&self, tables: &[TableSpec]) -> Result<(), WarehouseError> {
        self.inner.prepare(tables).await
    }
    async fn load(
        &self,
        slice: &Slice,
        rows: Box<dyn RowSource>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<LoadOutcome, WarehouseError> {
        self.inner.load(slice, rows, gate).await
    }
    async fn transact(&self, statements: &[String], alone: Option<&str>) -> Result<u64, WarehouseError> {
        self.inner.transact(statements, alone).await
    }
    async fn query(&self, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
        self.asked.fetch_add(sql.matches("RAW.CURRENT_LOADS").count(), Ordering::SeqCst);
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(WarehouseError::Unavailable("the warehouse is away".into())),
            false => self.inner.query(sql, max_rows).await,
        }
    }
    async fn lend(&self) -> Result<Lent, WarehouseError> {
        self.inner.lend().await
    }
    async fn reach(&self) -> Result<(), WarehouseError> {
        self.inner.reach().await
    }
    async fn check(&self) -> Result<String, WarehouseError> {
        self.inner.check().await
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

/// A watcher of `parts`, expected every hour.
struct Scene {
    watcher: Watcher,
    warehouse: Arc<Flaky>,
    said: Box<dyn Consumer>,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let contract = json!({
            "source": "parts", "files": ["**/parts*.csv"], "columns": ["id"], "owner": "plant", "arrival": {"every_hours": 1.0}
        });
        let mut contracts = Contracts::default();
        contracts.add(serde_json::from_value::<Contract>(contract).unwrap()).unwrap();
        let contracts = Arc::new(contracts);
        let settings = WarehouseSettings::new(format!("duckdb:{}", folder.path().join("w.duckdb").display()));
        let inner = warehouse::open(&settings).await.unwrap();
        inner.prepare(&contracts.table_specs()).await.unwrap();
        let warehouse = Arc::new(Flaky { inner, is_away: AtomicBool::new(false), asked: AtomicUsize::new(0) });
        let bus = BusSettings::new(format!("sqlite:{}", folder.path().join("bus.sqlite").display()));
        let bus = bus::open(&bus, "test").await.unwrap();
        let said = bus.listen_to_all(&["source.overdue"]).await.unwrap();
        let settings = WatcherSettings {
            root: folder.path().into(),
            rescan: Duration::from_secs(5),
            settle: Duration::ZERO,
            ignore: Vec::new(),
        };
        let ledger = Ledger::new(warehouse.clone());
        let retry =
            RetryPolicy { max_attempts: 3, first_delay: Duration::from_millis(10), max_delay: Duration::from_secs(1) };
        let watcher = Watcher::new(&settings, contracts, ledger, bus, retry).unwrap();
        Self { watcher, warehouse, said, _folder: folder }
    }

    /// The audit says that a delivery of that time was loaded.
    async fn delivered(&self, as_of: DateTime<Utc>) {
        let line = [
            ("LOAD_ID", sql::literal(LoadId::new(format!("parts::{as_of}")).unwrap().as_str())),
            ("COMMAND_ID", sql::literal(&MessageId::fresh().to_string())),
            ("TABLE_NAME", sql::literal("PARTS")),
            ("SOURCE_NAME", sql::literal("parts")),
            ("SOURCE_FILE", sql::literal("parts.csv")),
            ("STATUS", sql::literal("SUCCESS")),
            ("AS_OF", sql::timestamp(as_of)),
            ("FINISHED_AT", sql::timestamp(as_of)),
            ("RUN_FILES", "1".into()),
            ("TABLE_FILES", "1".into()),
        ];
        let (names, values): (Vec<&str>, Vec<String>) = line.into_iter().unzip();
        let insert = format!("INSERT INTO RAW.RAW_LOAD_AUDIT ({}) VALUES ({})", names.join(", "), values.join(", "));
        self.warehouse.inner.transact(&[insert], None).await.unwrap();
    }

    fn away(&self, is_away: bool) {
        self.warehouse.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Looks, and tells what was said by then.
    async fn look(&mut self) -> Option<SourceOverdue> {
        self.watcher.look_for_arrivals().await;
        let heard = self.said.next_within(Duration::from_millis(300)).await.unwrap()?;
        match heard.envelope().unwrap().message {
            Message::SourceOverdue(overdue) => Some(overdue),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_told_once_the_warehouse_is_back() {
    let mut scene = Scene::new().await;
    let delivered = Utc::now() - TimeDelta::minutes(90);
    scene.delivered(delivered).await;
    scene.away(true);
    assert_eq!((scene.look().await, scene.look().await), (None, None), "nobody knows");
    scene.away(false);
    let told = scene.look().await.unwrap();
    assert_eq!(told.newest_as_of.map(|at| at.timestamp()), Some(delivered.timestamp()));
    assert_eq!(told.expected_at.timestamp(), (delivered + TimeDelta::hours(1)).timestamp());
    assert_eq!(scene.look().await, None, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_the_warehouse_was_away_is_not_told_as_missed() {
    let mut scene = Scene::new().await;
    scene.delivered(Utc::now() - TimeDelta::minutes(90)).await;
    scene.away(true);
    assert_eq!(scene.look().await, None);
    scene.delivered(Utc::now()).await;
    scene.away(false);
    assert_eq!(scene.look().await, None);
}

/// The folder can't be compared with the audit either then, and that must not keep it from finding out that nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_looked_also_where_the_audit_can_not_be_read() {
    let Scene { watcher, warehouse, mut said, _folder } = Scene::new().await;
    warehouse.is_away.store(true, Ordering::SeqCst);
    let stop = CancellationToken::new();
    let running = tokio::spawn(watcher.run(stop.clone()));
    let looks = async {
        while warehouse.asked.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looks).await.unwrap();
    assert!(said.next_within(Duration::from_millis(100)).await.unwrap().is_none());
    stop.cancel();
    running.await.unwrap().unwrap();
}
