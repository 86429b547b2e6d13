//! A database of one's own at the emulator that the tests share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use millrace_warehouse::Warehouse;
use millrace_warehouse::snowflake::{Snowflake, SnowflakeSettings};
use testkit::Emulator;

/// A database at the emulator.
pub struct Database {
    #[allow(dead_code, reason = "not every test that shares this file asks for it")]
    pub name: String,
    pub warehouse: Arc<dyn Warehouse>,
}

/// A database that nobody else uses.
pub fn fresh() -> Database {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("TEST_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    Database { warehouse: open(&name), name }
}

/// Another handle on the database, as another process would have it.
pub fn open(database: &str) -> Arc<dyn Warehouse> {
    Snowflake::open(settings(database)).unwrap()
}

/// The settings of the database.
pub fn settings(database: &str) -> SnowflakeSettings {
    let variables: HashMap<String, String> = Emulator::shared().variables(database).into_iter().collect();
    SnowflakeSettings::read(|name| variables.get(name).cloned()).unwrap()
}
