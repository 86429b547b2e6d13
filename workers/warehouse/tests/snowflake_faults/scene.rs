//! One emulator that the tests break in turn.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use messages::FailureClass;
use millrace_warehouse::conformance::kit::{ask, batches, hour, pairs, slice};
use millrace_warehouse::conformance::kit::{held, shown, try_load};
use millrace_warehouse::snowflake::{Snowflake, SnowflakeSettings};
use millrace_warehouse::{LoadOutcome, Slice, Warehouse, WarehouseError};
use testkit::{Emulator, EmulatorFault};
use tokio::sync::{Mutex, MutexGuard};

/// A database with the table of batches, and the emulator for oneself.
pub struct Scene {
    pub emulator: &'static Emulator,
    pub name: String,
    pub warehouse: Arc<dyn Warehouse>,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    /// A fresh one. Waits until the tests before it are done.
    pub async fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::const_new(());
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let alone = ALONE.lock().await;
        let emulator = Emulator::shared();
        emulator.clear();
        let name = format!("FAULTS_{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let warehouse = open(emulator, &name);
        warehouse.prepare(&[batches()]).await.unwrap();
        emulator.forget_statements(&name);
        Self { emulator, name, warehouse, _alone: alone }
    }

    /// Another process's handle on the database.
    pub fn another(&self) -> Arc<dyn Warehouse> {
        open(self.emulator, &self.name)
    }

    /// The statements that were sent, by their first words.
    pub fn sent(&self) -> Vec<String> {
        let words = |sql: &str| sql.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        self.emulator.statements(&self.name).iter().map(|statement| words(&statement.sql)).collect()
    }

    pub fn fault(&self, fault: EmulatorFault) {
        self.emulator.fault(&fault);
    }

    /// Loads three rows, and expects that they stand once.
    pub async fn loads_once(&self) {
        let outcome = self.try_load().await.unwrap();
        assert!(matches!(outcome, LoadOutcome::Loaded(_)), "{outcome:?}");
        self.stands_once().await;
    }

    pub async fn try_load(&self) -> Result<LoadOutcome, WarehouseError> {
        try_load(&self.warehouse, &a_slice(), 3, "x").await
    }

    /// The three rows stand, and there is one line that says so.
    pub async fn stands_once(&self) {
        self.emulator.clear();
        assert_eq!(held(&self.warehouse, &batches()).await, ["x 3"]);
        assert_eq!(shown(&self.warehouse, &batches()).await, ["x 3"]);
        let lines = ask(&self.warehouse, "SELECT STATUS, ROWS_LOADED FROM RAW.RAW_LOAD_AUDIT").await;
        assert_eq!(lines, ["SUCCESS 3"]);
        self.stage_is_empty().await;
    }

    /// Nothing of a load is there.
    pub async fn stands_not(&self) {
        self.emulator.clear();
        assert!(held(&self.warehouse, &batches()).await.is_empty());
        assert!(ask(&self.warehouse, "SELECT STATUS FROM RAW.RAW_LOAD_AUDIT").await.is_empty());
    }

    pub async fn stage_is_empty(&self) {
        let left: Vec<_> = walk(self.emulator, &self.name);
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The slice of most tests.
pub fn a_slice() -> Slice {
    slice(&batches(), "it's a::load", 1, "b.csv", hour(1))
}

/// Three rows and no more than a failure that can be tried again.
pub fn is_transient(error: &WarehouseError) {
    assert_eq!(error.class(), FailureClass::Transient, "{error}");
}

/// Settings for the database, with some variables changed.
pub fn settings(
    emulator: &Emulator,
    name: &str,
    changes: &[(&str, &str)],
) -> Result<SnowflakeSettings, WarehouseError> {
    let mut variables: HashMap<String, String> = emulator.variables(name).into_iter().collect();
    variables.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    SnowflakeSettings::read(|name| variables.get(name).cloned())
}

fn open(emulator: &Emulator, name: &str) -> Arc<dyn Warehouse> {
    Snowflake::open(settings(emulator, name, &[]).unwrap()).unwrap()
}

/// Parts that lie in the stage of the database.
fn walk(emulator: &Emulator, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![emulator.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(".csv.gz") && path.to_string_lossy().contains(name) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// Rows in plenty, for results in parts.
pub async fn many(scene: &Scene, count: usize) {
    let rows = millrace_warehouse::conformance::kit::Memory::new(pairs(count, "x")).boxed();
    scene.warehouse.load(&a_slice(), rows, None).await.unwrap();
}
