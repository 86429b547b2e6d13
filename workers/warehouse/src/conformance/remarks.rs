//! What is kept of odd files: rows that were set aside, and changes of shape.

use std::sync::Arc;

use super::kit::*;
use crate::{Ledger, LoadOutcome, LoadStatus, RejectedRow, ShapeChange, ShapeKind, Slice, Warehouse};

async fn ledger(warehouse: &Arc<dyn Warehouse>) -> Ledger {
    warehouse.prepare(&[batches()]).await.unwrap();
    Ledger::new(Arc::clone(warehouse))
}

fn rejected(line: u64, raw: &str) -> RejectedRow {
    RejectedRow { line, reason: format!("line {line}: 3 fields, 2 expected"), raw: raw.into(), truncated: line == 7 }
}

async fn load_rejecting(warehouse: &Arc<dyn Warehouse>, slice: &Slice, rows: Vec<RejectedRow>) {
    let source = Memory::new(pairs(2, "x")).rejecting(rows).boxed();
    assert!(matches!(warehouse.load(slice, source, None).await, Ok(LoadOutcome::Loaded(_))));
}

/// Word for word; a newer generation has its own, or none.
pub async fn rejected_rows_are_kept(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let hard = "1,it's;\"a\"\\n\r\n\t\u{1f3ed},\u{7f}";
    let slice_of = |number| slice(&batches(), "l", number, "b.csv", hour(1));
    load_rejecting(&warehouse, &slice_of(1), vec![rejected(7, hard), rejected(3, "")]).await;
    load_rejecting(&warehouse, &slice(&batches(), "other", 2, "b.csv", hour(1)), vec![rejected(1, "x")]).await;
    let found = ledger.rejected(&load_id("l"), 10).await.unwrap();
    let told: Vec<_> = found.iter().map(|row| (row.line, row.raw.as_str(), row.truncated)).collect();
    assert_eq!(told, [(3, "", false), (7, hard, true)]);
    assert_eq!((found[0].uri.as_str(), found[0].reason.as_str()), ("b.csv", "line 3: 3 fields, 2 expected"));
    assert_eq!(ledger.rejected(&load_id("l"), 1).await.unwrap().len(), 1);
    let line = ledger.file_line(&load_id("l"), command(1), "b.csv").await.unwrap().unwrap();
    assert_eq!((line.status, line.rows_loaded, line.rows_rejected), (LoadStatus::Success, 2, 2));
    load_rejecting(&warehouse, &slice_of(3), Vec::new()).await;
    assert!(ledger.rejected(&load_id("l"), 10).await.unwrap().is_empty(), "the file was mended");
}

/// More than a statement holds, by their number and by their length.
pub async fn many_rejected_rows(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let rows: Vec<_> = (1..=500).map(|line| rejected(line, &"\\".repeat(if line > 480 { 2_000 } else { 1 }))).collect();
    load_rejecting(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), rows.clone()).await;
    let found = ledger.rejected(&load_id("l"), 1_000).await.unwrap();
    assert_eq!(found.len(), 500);
    assert!(found.iter().zip(&rows).all(|(found, row)| (found.line, &found.raw) == (row.line, &row.raw)));
}

/// Of each file, with what was done about it.
pub async fn shape_changes_are_kept(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let change = |kind, column: &str, policy: &str| ShapeChange { kind, column: column.into(), policy: policy.into() };
    let shape = vec![
        change(ShapeKind::NewColumn, "grade", "evolve"),
        change(ShapeKind::ReorderedColumns, "state,id", "accept"),
        change(ShapeKind::MissingColumn, "it's", "quarantine"),
    ];
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    let source = Memory::new(pairs(2, "x")).shaped(shape.clone()).boxed();
    warehouse.load(&slice, source, None).await.unwrap();
    let found = ledger.shape_changes(&load_id("l")).await.unwrap();
    let told: Vec<_> = found.iter().map(|line| change(line.change, &line.column, &line.policy)).collect();
    assert_eq!(told, [shape[2].clone(), shape[0].clone(), shape[1].clone()]);
    assert!(ledger.shape_changes(&load_id("other")).await.unwrap().is_empty());
}
