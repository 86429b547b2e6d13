//! Loads of one file.

use std::sync::Arc;

use super::kit::*;
use crate::{Ledger, LoadLine, LoadOutcome, LoadStatus, Warehouse, WarehouseError};

/// The rows of a load show in the view, with what millrace adds.
pub async fn rows_show_in_the_view(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "watch::b", 1, "mes/b.csv", hour(1)), 2, "new").await;
    assert_eq!(
        ask(&warehouse, "SELECT ID, STATE, LOAD_ID, SOURCE_FILE, SOURCE_ROW FROM RAW.BATCHES ORDER BY SOURCE_ROW")
            .await,
        ["1 new watch::b mes/b.csv 1", "2 new watch::b mes/b.csv 2"]
    );
    let columns = warehouse.query("SELECT * FROM RAW.BATCHES", 1).await.unwrap().columns;
    let columns: Vec<_> = columns.iter().map(|name| name.to_uppercase()).collect();
    assert_eq!(columns, ["ID", "STATE", "LOAD_ID", "SOURCE_FILE", "SOURCE_ROW", "LOADED_AT"]);
    assert_eq!(ask(&warehouse, "SELECT COUNT(LOADED_AT) FROM RAW.BATCHES").await, ["2"]);
}

/// A newer command for a LOAD_ID replaces its rows and no others.
pub async fn reload_replaces_only_its_slice(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "a", 1, "b.csv", hour(1)), 3, "a").await;
    load(&warehouse, &slice(&batches(), "b", 2, "b.csv", hour(2)), 4, "b").await;
    load(&warehouse, &slice(&batches(), "b", 3, "b.csv", hour(2)), 5, "b again").await;
    assert_eq!(held(&warehouse, &batches()).await, ["a 3", "b again 5"]);
    assert_eq!(shown(&warehouse, &batches()).await, ["b again 5"]);
}

/// A backfill or a late worker never moves the view backwards.
pub async fn older_data_never_moves_the_view(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "noon", 1, "b.csv", hour(12)), 3, "noon").await;
    load(&warehouse, &slice(&batches(), "morning", 2, "b.csv", hour(6)), 4, "morning").await;
    load(&warehouse, &slice(&batches(), "morning", 3, "b.csv", hour(6)), 4, "morning again").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["noon 3"]);
    load(&warehouse, &slice(&batches(), "evening", 4, "b.csv", hour(18)), 1, "evening").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["evening 1"]);
    // Of two as new as each other, the newer command's.
    load(&warehouse, &slice(&batches(), "also evening", 5, "b.csv", hour(18)), 1, "also evening").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["also evening 1"]);
}

/// A source that fails midway leaves neither rows nor a line, and the same slice loads afterwards.
pub async fn failing_source_leaves_nothing(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    let failing = Memory::new(pairs(300_000, "bad")).fail_after(250_000);
    let failed = warehouse.load(&slice, failing.boxed(), None).await;
    assert!(
        matches!(&failed, Err(WarehouseError::Source(why)) if why.message == "the file is bad in line 7"),
        "{failed:?}"
    );
    assert!(held(&warehouse, &batches()).await.is_empty());
    assert_eq!(ask(&warehouse, "SELECT COUNT(*) FROM RAW.RAW_LOAD_AUDIT").await, ["0"]);
    load(&warehouse, &slice, 2, "good").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["good 2"]);
}

/// So does one that fails when all rows are read.
pub async fn failing_end_leaves_nothing(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 2, "good").await;
    let failing = Memory::new(pairs(5, "bad")).fail_at_end().boxed();
    let failed = warehouse.load(&slice(&batches(), "l", 2, "b.csv", hour(1)), failing, None).await;
    assert!(matches!(failed, Err(WarehouseError::Source(_))), "{failed:?}");
    assert_eq!(held(&warehouse, &batches()).await, ["good 2"]);
}

/// The warehouse's own count must be the source's.
pub async fn count_mismatch_fails(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    let slice = slice(&batches(), "l", 1, "mes/b.csv", hour(1));
    let failed = warehouse.load(&slice, Memory::new(pairs(5, "bad")).claims(6).boxed(), None).await;
    assert!(matches!(&failed, Err(WarehouseError::Statement(why)) if why.contains("mes/b.csv")), "{failed:?}");
    assert!(held(&warehouse, &batches()).await.is_empty());
}

/// A second delivery of a command changes nothing.
pub async fn same_command_loads_once(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    load(&warehouse, &slice, 3, "first").await;
    assert_eq!(try_load(&warehouse, &slice, 4, "second").await.unwrap(), LoadOutcome::AlreadyLoaded);
    assert_eq!(held(&warehouse, &batches()).await, ["first 3"]);
    assert_eq!(ask(&warehouse, "SELECT COUNT(*) FROM RAW.RAW_LOAD_AUDIT").await, ["1"]);
}

/// An older command that comes late is fenced out.
pub async fn older_command_is_fenced(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 1, "oldest").await;
    load(&warehouse, &slice(&batches(), "l", 3, "b.csv", hour(1)), 3, "newer").await;
    for (number, file) in [(1, "b.csv"), (2, "b.csv"), (2, "other.csv")] {
        let late = slice(&batches(), "l", number, file, hour(1));
        assert_eq!(try_load(&warehouse, &late, 4, "late").await.unwrap(), LoadOutcome::Fenced { by: command(3) });
    }
    assert_eq!(held(&warehouse, &batches()).await, ["newer 3"]);
}

/// A newer command's plan fences too, for the tables that it plans.
pub async fn newer_plan_fences(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches(), readings()]).await.unwrap();
    let newer = slice(&batches(), "l", 2, "b.csv", hour(1));
    let planned = LoadLine { status: LoadStatus::Planned, ..LoadLine::failure(&newer, 0, "", hour(1)) };
    Ledger::new(Arc::clone(&warehouse)).plan(&[planned]).await.unwrap();
    let older = slice(&batches(), "l", 1, "b.csv", hour(1));
    assert_eq!(try_load(&warehouse, &older, 1, "x").await.unwrap(), LoadOutcome::Fenced { by: command(2) });
    load(&warehouse, &slice(&readings(), "l", 1, "r.csv", hour(1)), 1, "x").await;
    load(&warehouse, &newer, 1, "x").await;
}

/// Quotes, backslashes, 500 characters and any script.
pub async fn any_load_id_survives(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    let ids = [
        "it's; DROP TABLE x --",
        r"back\slash\' and \",
        "\"quoted\"",
        "dag::2026-11-23T12:00:00+00:00",
        "фрезер::轴承::🏭",
        "100%_done",
        "$$ ${x} {{ y }}",
    ];
    let long: String = "é".repeat(502);
    for (number, id) in ids.into_iter().chain([long.as_str()]).enumerate() {
        let number = number as u32 + 1;
        let slice = slice(&batches(), id, number, &format!("mes/{id}.csv"), hour(number));
        load(&warehouse, &slice, 2, "x").await;
        let found = warehouse.query("SELECT DISTINCT LOAD_ID, SOURCE_FILE FROM RAW.BATCHES", 9).await.unwrap().rows;
        assert_eq!(found, [[Some(id.to_owned()), Some(format!("mes/{id}.csv"))]]);
        assert_eq!(try_load(&warehouse, &slice, 2, "x").await.unwrap(), LoadOutcome::AlreadyLoaded);
    }
}

/// Two workers with the same slice at the same moment leave one.
pub async fn two_loads_of_one_slice_leave_one(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    let (one, two) = tokio::join!(try_load(&warehouse, &slice, 5_000, "x"), try_load(&warehouse, &slice, 5_000, "x"));
    let loaded = [&one, &two].into_iter().filter(|end| matches!(end, Ok(LoadOutcome::Loaded(_)))).count();
    assert_eq!(loaded, 1, "{one:?} {two:?}");
    assert_eq!(held(&warehouse, &batches()).await, ["x 5000"]);
}

/// NULL stays NULL.
pub async fn empty_is_null(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    let rows = vec![("1".into(), String::new()), (String::new(), "x".into()), (String::new(), String::new())];
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    warehouse.load(&slice, Memory::new(rows).boxed(), None).await.unwrap();
    assert_eq!(
        ask(&warehouse, "SELECT ID, STATE FROM RAW.BATCHES ORDER BY SOURCE_ROW").await,
        ["1 NULL", "NULL x", "NULL NULL"]
    );
}

/// Texts of every length, in batches of any size, arrive as they were.
pub async fn many_rows(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    let rows: Pairs = (0..70_000).map(|row: usize| (row.to_string(), "äb'c\\\n\"d".repeat(row % 9))).collect();
    let sum: usize = rows.iter().map(|row| row.1.chars().count()).sum();
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    warehouse.load(&slice, Memory::new(rows).batches_of(5_000).boxed(), None).await.unwrap();
    assert_eq!(
        ask(
            &warehouse,
            "SELECT COUNT(*), COUNT(STATE), SUM(LENGTH(STATE)), COUNT(DISTINCT SOURCE_ROW), \
            SUM(CASE WHEN CAST(ID AS BIGINT) + 1 = SOURCE_ROW THEN 1 ELSE 0 END) FROM RAW.BATCHES"
        )
        .await,
        [format!("70000 {} {sum} 70000 70000", 70_000 - 70_000_usize.div_ceil(9))]
    );
    let text = warehouse.query("SELECT STATE FROM RAW.BATCHES WHERE ID = '8'", 1).await.unwrap().rows;
    assert_eq!(text, [[Some("äb'c\\\n\"d".repeat(8))]]);
}
