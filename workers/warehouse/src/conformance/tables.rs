//! Tables and views.

use std::sync::Arc;

use super::kit::*;
use crate::{Mode, TableSpec, Warehouse, WarehouseError};

/// A second `prepare` leaves rows and views as they are, and an unloaded table shows no rows.
pub async fn prepare_twice_changes_nothing(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches(), readings()]).await.unwrap();
    assert!(shown(&warehouse, &batches()).await.is_empty());
    assert!(shown(&warehouse, &readings()).await.is_empty());
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 3, "new").await;
    warehouse.prepare(&[batches(), readings()]).await.unwrap();
    warehouse.prepare(&[batches()]).await.unwrap();
    assert_eq!(shown(&warehouse, &batches()).await, ["new 3"]);
}

/// A gained column is NULL in old rows and shows in the view; a lost one stays in the table.
pub async fn contract_gains_a_column(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 3, "old").await;
    let mut wider = batches();
    wider.columns.push("grade".into());
    warehouse.prepare(std::slice::from_ref(&wider)).await.unwrap();
    assert_eq!(
        ask(&warehouse, "SELECT STATE, GRADE, SOURCE_ROW FROM RAW.BATCHES ORDER BY SOURCE_ROW").await,
        ["old NULL 1", "old NULL 2", "old NULL 3"]
    );
    let next = slice(&wider, "m", 2, "b.csv", hour(2));
    warehouse.load(&next, Memory::new(pairs(2, "new")).columns(3).boxed(), None).await.unwrap();
    assert_eq!(shown(&warehouse, &wider).await, ["new 2"]);
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "n", 3, "b.csv", hour(3)), 1, "newer").await;
    assert_eq!(ask(&warehouse, "SELECT COUNT(*), COUNT(GRADE) FROM RAW_RUN.BATCHES_RUN").await, ["6 0"]);
}

/// Whoever knows less of the table than it has loads into it all the same, and takes nothing out of the view.
pub async fn evolved_columns_stay_in_the_view(warehouse: Arc<dyn Warehouse>) {
    let columns = async || {
        let found = warehouse.query("SELECT * FROM RAW.BATCHES", 1).await.unwrap().columns;
        found.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>().join(" ")
    };
    let with = |more: &[&str]| {
        let mut table = batches();
        table.columns.extend(more.iter().map(|name| (*name).to_owned()));
        table
    };
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 1, "old").await;
    let wider = with(&["zone", "line"]);
    warehouse.prepare(std::slice::from_ref(&wider)).await.unwrap();
    assert_eq!(columns().await, "ID STATE ZONE LINE LOAD_ID SOURCE_FILE SOURCE_ROW LOADED_AT");
    assert_eq!(ask(&warehouse, "SELECT STATE, ZONE, LINE FROM RAW.BATCHES").await, ["old NULL NULL"]);
    // Another worker has met another column, and one knows of none.
    warehouse.prepare(&[with(&["grade"])]).await.unwrap();
    for table in [batches(), with(&["line"]), with(&["grade", "zone"])] {
        warehouse.prepare(&[table]).await.unwrap();
        assert_eq!(columns().await, "ID STATE ZONE LINE GRADE LOAD_ID SOURCE_FILE SOURCE_ROW LOADED_AT");
    }
    let next = slice(&wider, "m", 2, "b.csv", hour(2));
    warehouse.load(&next, Memory::new(pairs(2, "new")).columns(4).boxed(), None).await.unwrap();
    load(&warehouse, &slice(&batches(), "n", 3, "b.csv", hour(3)), 1, "newer").await;
    assert_eq!(ask(&warehouse, "SELECT STATE, ZONE, LINE, GRADE FROM RAW.BATCHES").await, ["newer NULL NULL NULL"]);
}

/// A contract that turns from snapshot to increment shows all files.
pub async fn contract_changes_its_mode(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "a", 1, "a.csv", hour(1)), 1, "a").await;
    load(&warehouse, &slice(&batches(), "b", 2, "b.csv", hour(2)), 2, "b").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["b 2"]);
    warehouse.prepare(&[TableSpec { mode: Mode::Increment, ..batches() }]).await.unwrap();
    assert_eq!(shown(&warehouse, &batches()).await, ["a 1", "b 2"]);
}

/// Columns and tables may be called what SQL reserves.
pub async fn names_that_sql_reserves(warehouse: Arc<dyn Warehouse>) {
    let table =
        TableSpec { table: "ORDER".into(), columns: vec!["select".into(), "group".into()], mode: Mode::Snapshot };
    warehouse.prepare(std::slice::from_ref(&table)).await.unwrap();
    load(&warehouse, &slice(&table, "l", 1, "o.csv", hour(1)), 2, "x").await;
    assert_eq!(ask(&warehouse, "SELECT \"SELECT\", \"GROUP\" FROM RAW.\"ORDER\" ORDER BY 1").await, ["1 x", "2 x"]);
}

/// What could not be a table is refused by name, and as a matter of configuration.
pub async fn contracts_that_can_not_be(warehouse: Arc<dyn Warehouse>) {
    for (table, columns) in [
        ("BATCHES", vec!["id", "load_id"]),
        ("BATCHES", vec!["id", "ID"]),
        ("BATCHES", vec![]),
        ("RAW_LOAD_AUDIT", vec!["id"]),
        ("CURRENT_LOADS", vec!["id"]),
    ] {
        let columns = columns.into_iter().map(str::to_owned).collect();
        let table = TableSpec { table: table.into(), columns, mode: Mode::Snapshot };
        let refused = warehouse.prepare(std::slice::from_ref(&table)).await;
        assert!(
            matches!(&refused, Err(WarehouseError::Configuration(why)) if why.contains(&table.table)),
            "{refused:?}"
        );
    }
}
