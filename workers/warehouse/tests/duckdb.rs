//! DuckDB passes the suite of every warehouse.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use millrace_warehouse::{Warehouse, WarehouseSettings, open};

fn settings(folder: &tempfile::TempDir) -> WarehouseSettings {
    WarehouseSettings::new(format!("duckdb:{}", folder.path().join("sub/w.duckdb").display()))
}

async fn fresh() -> (tempfile::TempDir, Arc<dyn Warehouse>) {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(&settings(&folder)).await.unwrap();
    (folder, warehouse)
}

millrace_warehouse::conformance!(fresh);
