//! Rows that did not pass are kept, some of them, on both warehouses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use messages::{DqDryRunRequested, DqRequested, Envelope};
use runtime::Work;
use serde_json::{Value, json};
use support::{Mill, On, at, contract, id, transformed};

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

on_both!(each_kind_shows_the_rows_that_it_counts, samples_are_bounded_and_come_with_the_verdict);

const NOON: &str = "2026-11-23T12:00:00Z";

/// What is kept of a load: check, row number and row.
async fn kept(mill: &Mill, load_id: &str) -> Vec<(String, Option<u64>, Value)> {
    let samples = mill.ledger.samples(&id(load_id)).await.unwrap();
    samples.into_iter().map(|line| (line.check, line.source_row, serde_json::from_str(&line.row).unwrap())).collect()
}

async fn each_kind_shows_the_rows_that_it_counts(on: On) {
    let checks = json!([
        {"kind": "null_share", "name": "a", "column": "x", "max": 0},
        {"kind": "unique", "name": "b", "columns": ["x"]},
        {"kind": "relationship", "name": "c", "column": "x", "to": "u.k", "severity": "warn"},
        {"kind": "accepted_values", "name": "d", "column": "x", "values": ["1", "2"]},
        {"kind": "accepted_range", "name": "e", "column": "x", "max": 2},
        {"kind": "matches", "name": "f", "column": "x", "pattern": "\\d"},
        {"kind": "custom_sql", "name": "g", "sql": "SELECT X || '!' AS SHOUT, SOURCE_FILE, SOURCE_ROW FROM {rows} R WHERE X = '1'"},
        {"kind": "custom_sql", "name": "h", "count_sql": "SELECT COUNT(*) FROM {rows} R"},
        {"kind": "row_count", "name": "i", "min": 100},
        {"kind": "accepted_values", "name": "j", "column": "x", "values": ["1", "2", "it's"]},
    ]);
    let mut mill = Mill::on(on, [contract("t", &["x"], checks), contract("u", &["k"], json!([]))]).await;
    mill.load("u", "keys", at(NOON), &[&["1"], &["2"]]).await;
    mill.load("t", "load", at(NOON), &[&["1"], &["2"], &[""], &["1"], &["it's"]]).await;
    mill.judge("load", &["t"]).await;
    let found = kept(&mill, "load").await;
    let row = |check: &str, number: u64, value: Value| (check.to_owned(), Some(number), json!({"x": value}));
    let expected = [
        row("a", 3, Value::Null),
        row("b", 4, json!("1")),
        row("c", 5, json!("it's")),
        row("d", 5, json!("it's")),
        row("e", 5, json!("it's")),
        row("f", 5, json!("it's")),
        ("g".into(), Some(1), json!({"shout": "1!"})),
        ("g".into(), Some(4), json!({"shout": "1!"})),
    ];
    assert_eq!(found, expected);
    let samples = mill.ledger.samples(&id("load")).await.unwrap();
    assert_eq!((samples[0].table.as_str(), samples[0].source_file.as_deref()), ("RAW.T", Some("t.csv")));
}

async fn samples_are_bounded_and_come_with_the_verdict(on: On) {
    let checks = json!([
        {"kind": "accepted_values", "name": "five", "column": "x", "values": ["a"]},
        {"kind": "accepted_values", "name": "seven", "column": "x", "values": ["a"], "sample_rows": 7},
        {"kind": "accepted_values", "name": "none", "column": "x", "values": ["a"], "sample_rows": 0},
        {"kind": "accepted_values", "name": "passes", "column": "x", "values": ["a"], "max_failed_rows": 100},
    ]);
    let mut mill = Mill::on(on, [contract("t", &["x"], checks)]).await;
    let rows = (0..20).map(|_| vec!["ä".repeat(300)]).collect();
    mill.load_rows("t", "load", at(NOON), rows).await;
    // A dry run leaves nothing.
    let asked = DqRequested { load_id: id("load"), sources: vec!["t".into()] };
    mill.handle(&[Work::new(Envelope::new("test", DqDryRunRequested(asked)), 1)]).await;
    assert!(kept(&mill, "load").await.is_empty());
    let work = transformed("load", &["t"]);
    let told = mill.handle(std::slice::from_ref(&work)).await.remove(0);
    assert!(!format!("{:?}", told.message).contains("ää"), "an event shows a row");
    let found = kept(&mill, "load").await;
    let of = |name: &str| {
        found.iter().filter(|(check, ..)| check == name).map(|(_, row, _)| row.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((of("five"), of("seven")), ((1..=5).collect(), (1..=7).collect()));
    assert_eq!(found.len(), 12);
    assert_eq!(found[0].2, json!({"x": format!("{}…", "ä".repeat(200))}));
    // A redelivery writes nothing, and another verdict replaces what is shown.
    mill.handle(&[work]).await;
    assert_eq!(mill.ask("SELECT COUNT(*) FROM RAW.QUALITY_SAMPLES").await, ["12"]);
    mill.judge("load", &["t"]).await;
    assert_eq!(mill.ask("SELECT COUNT(*) FROM RAW.QUALITY_SAMPLES").await, ["24"]);
    assert_eq!(kept(&mill, "load").await.len(), 12);
}
