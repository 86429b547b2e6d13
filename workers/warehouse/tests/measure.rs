//! What the audit costs when it has grown, and what opening and closing cost. Run by hand:
//! `cargo test -p millrace-warehouse --release --test measure -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Instant;

use millrace_warehouse::conformance::kit::*;
use millrace_warehouse::{Ledger, Warehouse, WarehouseSettings, open};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn an_audit_of_100_000_lines() {
    let folder = tempfile::tempdir().unwrap();
    let settings = WarehouseSettings {
        idle_close_millis: 60_000,
        ..WarehouseSettings::new(format!("duckdb:{}", folder.path().join("w.duckdb").display()))
    };
    let warehouse: Arc<dyn Warehouse> = open(&settings).await.unwrap();
    let tables = [batches(), readings()];
    warehouse.prepare(&tables).await.unwrap();
    let ledger = Ledger::new(Arc::clone(&warehouse));
    // One real load's line, multiplied.
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 5_000, "x").await;
    let columns = "SOURCE_NAME, 'mes/' || N || '.csv', FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, \
        STARTED_AT, FINISHED_AT + INTERVAL (N) SECOND, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER";
    warehouse
        .transact(
            &[format!(
                "INSERT INTO RAW.RAW_LOAD_AUDIT SELECT 'watch::mes/' || N || '.csv::2026-11-23T12:00:00Z::1a2b3c4d', \
                '01935a00-0000-7000-8000-' || LPAD(CAST(N AS VARCHAR), 12, '0'), TABLE_NAME, {columns} \
                FROM RAW.RAW_LOAD_AUDIT, (SELECT range AS N FROM range(10, 100010))"
            )],
            None,
        )
        .await
        .unwrap();
    warehouse.close().await;
    let mut began = Instant::now();
    let mut lap = |what: &str| {
        println!("{what}: {} ms", began.elapsed().as_millis());
        began = Instant::now();
    };
    warehouse.check().await.unwrap();
    lap("open and check");
    warehouse.close().await;
    lap("close, nothing to write");
    warehouse.prepare(&tables).await.unwrap();
    lap("open and prepare, nothing missing");
    warehouse.prepare(&tables).await.unwrap();
    lap("prepare, nothing missing");
    assert_eq!(ledger.newest_by_file().await.unwrap().len(), 100_001);
    lap("newest_by_file");
    ledger.recent(20).await.unwrap();
    lap("recent(20)");
    ledger.run_state(&load_id("l"), command(1)).await.unwrap();
    lap("run_state");
    for number in 200_001..200_004 {
        load(&warehouse, &slice(&batches(), &format!("n{number}"), number, "b.csv", hour(3)), 5_000, "y").await;
        lap("load of 5,000 rows");
        assert_eq!(shown(&warehouse, &batches()).await, ["y 5000"]);
        lap("view");
        warehouse.close().await;
        lap("close");
        drop(warehouse.lend().await.unwrap());
        warehouse.query("SELECT 1", 1).await.unwrap();
        lap("lend and open");
    }
    load(&warehouse, &slice(&readings(), "r", 300_000, "r.csv", hour(3)), 5_000, "z").await;
    lap("load of 5,000 rows, increment");
    assert_eq!(shown(&warehouse, &readings()).await, ["z 5000"]);
    lap("view, increment");
}
