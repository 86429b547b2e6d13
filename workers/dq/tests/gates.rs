//! What gates ask of rows that are not current yet, and what they answer, on both warehouses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use messages::CheckStatus::{Error, Fail, Pass, Warn};
use millrace_dq::compile;
use serde_json::{Value, json};
use support::{Mill, On, at, contract, told};
use warehouse::{Gate, GateVerdict};

macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod duckdb {
            $(#[tokio::test(flavor = "multi_thread")] async fn $case() { super::$case(super::On::DuckDb).await; })+
        }
        mod snowflake {
            $(#[tokio::test(flavor = "multi_thread")] async fn $case() { super::$case(super::On::Snowflake).await; })+
        }
    };
}

on_both!(what_is_not_as_expected_holds, a_relationship_looks_at_what_raw_shows);

const NOON: &str = "2026-11-23T12:00:00Z";

/// What the gate of `source` says about the rows of a load.
async fn gated(mill: &Mill, source: &str, load_id: &str) -> GateVerdict {
    let gate = compile(&mill.contracts).unwrap().gate(source).unwrap();
    let rows = format!("(SELECT * FROM RAW_RUN.{source}_RUN WHERE LOAD_ID = '{load_id}')");
    let mut answers = Vec::new();
    for question in gate.questions(&rows) {
        let rows = mill.warehouse().query(&question, 2).await;
        answers.push(rows.map(|mut rows| rows.rows.remove(0)).map_err(|error| error.to_string()));
    }
    gate.judge(&answers)
}

async fn what_is_not_as_expected_holds(on: On) {
    let checks: Value = json!([
        {"kind": "row_count", "min": 3, "gate": true},
        {"kind": "row_count", "name": "no_gate", "min": 1_000_000},
        {"kind": "null_share", "column": "x", "max": 0.1, "severity": "warn", "gate": true},
        {"kind": "unique", "columns": ["x"], "gate": true},
    ]);
    let mill = Mill::on(on, [contract("t", &["x"], checks)]).await;
    mill.load("t", "bad", at(NOON), &[&["1"], &[""]]).await;
    mill.load("t", "good", at(NOON), &[&["1"], &[""], &["2"]]).await;
    let bad = gated(&mill, "t", "bad").await;
    let found: Vec<_> = bad.checks.iter().map(|outcome| (outcome.check.as_str(), told(outcome))).collect();
    assert_eq!(
        found,
        [
            ("row_count", (Fail, None, "2 rows")),
            ("null_share_x", (Warn, Some(1), "1 of 2 rows (50 %)")),
            ("unique_x", (Pass, Some(0), "0 of 1 row (0 %)"))
        ]
    );
    assert_eq!(bad.held, ["row_count: 2 rows (expected: at least 3 rows)"]);
    assert_eq!(gated(&mill, "t", "good").await.held, [""; 0]);
    // Whatever could not be judged holds.
    let gate = compile(&mill.contracts).unwrap().gate("t").unwrap();
    let unanswered = gate.judge(&[Err("no such table".into())]);
    assert_eq!((unanswered.held.len(), unanswered.checks[1].status), (3, Error));
    assert_eq!(gate.judge(&[]).held.len(), 3);
    assert!(compile(&mill.contracts).unwrap().gate("nobody").is_none());
}

async fn a_relationship_looks_at_what_raw_shows(on: On) {
    let checks = json!([
        {"kind": "relationship", "name": "a", "column": "m", "to": "materials.id", "gate": true},
        {"kind": "relationship", "name": "b", "column": "parent", "to": "orders.m", "gate": true},
    ]);
    let orders = contract("orders", &["m", "parent"], checks);
    let mill = Mill::on(on, [orders, contract("materials", &["id"], json!([]))]).await;
    mill.load("orders", "first", at(NOON), &[&["A", ""], &["B", "A"]]).await;
    let before = gated(&mill, "orders", "first").await;
    assert_eq!(told(&before.checks[0]), (Warn, None, "not judged: materials has never been loaded"));
    assert_eq!(told(&before.checks[1]), (Pass, Some(0), "0 of 1 row (0 %)"));
    assert!(before.held.is_empty());
    mill.load("materials", "second", at(NOON), &[&["A"]]).await;
    let after = gated(&mill, "orders", "first").await;
    assert_eq!(told(&after.checks[0]), (Fail, Some(1), "1 of 2 rows (50 %)"));
    assert_eq!(after.held.len(), 1);
}
