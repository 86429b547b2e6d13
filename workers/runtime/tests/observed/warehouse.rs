use std::sync::Arc;

use millrace_runtime::observed::ObservedWarehouse;
use warehouse::{Warehouse, WarehouseSettings, open};

async fn fresh() -> (tempfile::TempDir, Arc<dyn Warehouse>) {
    let folder = tempfile::tempdir().unwrap();
    let settings = WarehouseSettings::new(format!("duckdb:{}", folder.path().join("w.duckdb").display()));
    let warehouse = ObservedWarehouse::new(open(&settings).await.unwrap());
    (folder, warehouse)
}

warehouse::conformance!(fresh);
