//! DuckDB passes the suite of every warehouse.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use millrace_warehouse::{Warehouse, WarehouseSettings, open};

fn settings(folder: &tempfile::TempDir) -> WarehouseSettings {
    WarehouseSettings {
        url: format!("duckdb:{}", folder.path().join("sub/w.duckdb").display()),
        memory_limit_bytes: 500_000_000,
        threads: 2,
        lock_wait_secs: 10,
        idle_close_millis: 100,
    }
}

async fn fresh() -> (tempfile::TempDir, Arc<dyn Warehouse>) {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(&settings(&folder)).await.unwrap();
    (folder, warehouse)
}

millrace_warehouse::conformance!(fresh);
