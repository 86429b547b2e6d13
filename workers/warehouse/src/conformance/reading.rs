//! Queries, transactions and lending.

use std::sync::Arc;
use std::time::Duration;

use super::kit::*;
use crate::{Warehouse, WarehouseError};

/// Every type comes as text.
pub async fn query_gives_text(warehouse: Arc<dyn Warehouse>) {
    assert_eq!(
        ask(
            &warehouse,
            "SELECT 1, CAST(NULL AS VARCHAR), 'x y', CAST('2026-11-23 12:00:00.000001' AS TIMESTAMP), \
            CAST('2026-11-23' AS DATE), CAST(1.50 AS DECIMAL(10, 2)), SUM(3) -- a comment"
        )
        .await,
        ["1 NULL x y 2026-11-23 12:00:00.000001 2026-11-23 1.50 3"]
    );
}

/// A query that writes is refused and changes nothing.
pub async fn query_refuses_writes(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 1, "x").await;
    for sql in [
        "DELETE FROM RAW_RUN.BATCHES_RUN",
        "WITH X AS (SELECT 1) DELETE FROM RAW_RUN.BATCHES_RUN",
        "SELECT 1; DELETE FROM RAW_RUN.BATCHES_RUN",
        "SELECT 1) ; DELETE FROM RAW_RUN.BATCHES_RUN; SELECT * FROM (SELECT 1",
        "EXPLAIN ANALYZE DELETE FROM RAW_RUN.BATCHES_RUN",
        "INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID) VALUES ('x')",
        "DROP VIEW RAW.BATCHES",
        "CREATE TABLE RAW.T (A INT)",
        "COMMIT",
        "",
    ] {
        let refused = warehouse.query(sql, 10).await;
        assert!(matches!(refused, Err(WarehouseError::Statement(_))), "{sql}: {refused:?}");
    }
    assert_eq!(held(&warehouse, &batches()).await, ["x 1"]);
    assert_eq!(ask(&warehouse, "SELECT COUNT(*) FROM RAW.RAW_LOAD_AUDIT").await, ["1"]);
}

/// No more rows than asked for, and it says so.
pub async fn query_stops_at_max_rows(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 100, "x").await;
    let some = warehouse.query("SELECT ID FROM RAW.BATCHES", 10).await.unwrap();
    assert_eq!((some.rows.len(), some.truncated), (10, true));
    let all = warehouse.query("SELECT ID FROM RAW.BATCHES", 100).await.unwrap();
    assert_eq!((all.rows.len(), all.truncated), (100, false));
    let none = warehouse.query("SELECT ID FROM RAW.BATCHES WHERE ID = '?'", 0).await.unwrap();
    assert_eq!((none.rows.len(), none.truncated, none.columns.len()), (0, false, 1));
}

/// What a query orders stays in order.
pub async fn order_is_kept(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 300_000, "x").await;
    for max_rows in [1_000, 250_000, usize::MAX] {
        let sql = "SELECT SOURCE_ROW FROM RAW.BATCHES ORDER BY SOURCE_ROW DESC";
        let rows = warehouse.query(sql, max_rows).await.unwrap().rows;
        let numbers: Vec<u64> = rows.into_iter().flatten().flatten().map(|text| text.parse().unwrap()).collect();
        let expected: Vec<u64> = (1..=300_000).rev().take(max_rows).collect();
        assert!(numbers == expected, "{max_rows}");
    }
}

/// Statements of a transaction: all or none.
pub async fn transact_is_all_or_nothing(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[]).await.unwrap();
    let insert = |check: &str| format!("INSERT INTO RAW.DATA_QUALITY_AUDIT (CHECK_NAME) VALUES ('{check}')");
    warehouse.transact(&[insert("a"), insert("b")], None).await.unwrap();
    let failed =
        warehouse.transact(&[insert("c"), "INSERT INTO RAW.NOT_THERE VALUES (1)".into(), insert("d")], None).await;
    assert!(matches!(failed, Err(WarehouseError::Statement(_))), "{failed:?}");
    warehouse.transact(&[], None).await.unwrap();
    assert_eq!(ask(&warehouse, "SELECT CHECK_NAME FROM RAW.DATA_QUALITY_AUDIT ORDER BY 1").await, ["a", "b"]);
}

/// Work waits while the warehouse is lent, as does a second lend, and goes on afterwards.
pub async fn lend_blocks_and_releases(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    let lent = warehouse.lend().await.unwrap();
    let work = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move { load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 3, "x").await }
    });
    let second = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move { drop(warehouse.lend().await.unwrap()) }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(lent);
    tokio::time::timeout(Duration::from_secs(30), async {
        work.await.unwrap();
        second.await.unwrap();
    })
    .await
    .unwrap();
    // One whose caller gave up waiting holds nobody.
    let lent = warehouse.lend().await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(20), warehouse.lend()).await;
    drop((lent, given_up));
    assert_eq!(shown(&warehouse, &batches()).await, ["x 3"]);
}

/// A closed warehouse opens again by itself.
pub async fn close_is_harmless(warehouse: Arc<dyn Warehouse>) {
    warehouse.close().await;
    warehouse.prepare(&[batches()]).await.unwrap();
    warehouse.close().await;
    warehouse.close().await;
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 3, "x").await;
    warehouse.close().await;
    assert_eq!(shown(&warehouse, &batches()).await, ["x 3"]);
}

/// `check` says what the warehouse is and leaves nothing behind; `reach` only finds out whether it is there.
pub async fn check_tells(warehouse: Arc<dyn Warehouse>) {
    warehouse.reach().await.unwrap();
    assert!(!warehouse.check().await.unwrap().is_empty());
    assert!(!warehouse.check().await.unwrap().is_empty());
}
