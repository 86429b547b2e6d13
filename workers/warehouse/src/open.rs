//! From an address to a warehouse.

use std::sync::Arc;

use crate::duckdb::DuckDb;
use crate::{Warehouse, WarehouseError};

/// How to reach a warehouse and what it may use.
#[derive(Clone, Debug)]
pub struct WarehouseSettings {
    /// `duckdb:<path>`: the file is made if it is not there.
    pub url: String,
    /// Memory that DuckDB may use, in bytes.
    pub memory_limit_bytes: u64,
    /// Threads that DuckDB may use.
    pub threads: usize,
    /// How long to wait for a file that another process holds, in seconds.
    pub lock_wait_secs: u64,
    /// How long an unused handle stays open, in milliseconds: others can open the file after that.
    pub idle_close_millis: u64,
}

impl WarehouseSettings {
    /// The warehouse at `url`, on half a gigabyte and two threads, waited for as long as a small machine may need.
    pub fn new(url: impl Into<String>) -> Self {
        let (memory_limit_bytes, threads) = (500_000_000, 2);
        Self { url: url.into(), memory_limit_bytes, threads, lock_wait_secs: 10, idle_close_millis: 100 }
    }
}

/// Opens the warehouse at `settings.url`. Two calls with one address in one process share one handle, made with the
/// first call's settings, for as long as anybody keeps it.
pub async fn open(settings: &WarehouseSettings) -> Result<Arc<dyn Warehouse>, WarehouseError> {
    let path = duckdb_path(&settings.url)?;
    Ok(DuckDb::open(path, settings, false)?)
}

/// Opens the warehouse only to look: several processes can do so at once while none writes, and nothing is made.
/// Whatever would write is refused.
pub async fn open_read_only(settings: &WarehouseSettings) -> Result<Arc<dyn Warehouse>, WarehouseError> {
    let path = duckdb_path(&settings.url)?;
    Ok(DuckDb::open(path, settings, true)?)
}

fn duckdb_path(url: &str) -> Result<&str, WarehouseError> {
    match url.split_once(':') {
        Some(("duckdb", path)) if !path.is_empty() && path != ":memory:" => Ok(path),
        _ => Err(WarehouseError::Configuration(format!(
            "unknown warehouse {url:?}: write duckdb:<path of the file>, such as duckdb:data/millrace.duckdb"
        ))),
    }
}
