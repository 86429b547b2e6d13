use std::sync::Arc;

use millrace_runtime::observed::ObservedWarehouse;
use warehouse::{Warehouse, WarehouseSettings, open};

async fn fresh() -> (tempfile::TempDir, Arc<dyn Warehouse>) {
    let folder = tempfile::tempdir().unwrap();
    let settings = WarehouseSettings {
        url: format!("duckdb:{}", folder.path().join("w.duckdb").display()),
        memory_limit_bytes: 500_000_000,
        threads: 2,
        lock_wait_secs: 10,
        idle_close_millis: 100,
    };
    let warehouse = ObservedWarehouse::new(open(&settings).await.unwrap());
    (folder, warehouse)
}

warehouse::conformance!(fresh);
