//! From an address to a warehouse.

use std::sync::Arc;

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

/// Opens the warehouse at `settings.url`.
pub async fn open(settings: &WarehouseSettings) -> Result<Arc<dyn Warehouse>, WarehouseError> {
    let _ = settings;
    Err(WarehouseError::Configuration("not built yet".into()))
}
