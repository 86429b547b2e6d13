//! Every kind of check on both warehouses: what it lets pass and what it finds.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use chrono::{TimeDelta, Utc};
use messages::{CheckStatus, Verdict};
use serde_json::{Value, json};
use support::{Mill, On, at, contract, told};

use CheckStatus::{Error, Fail, Pass, Warn};

/// A test of each case on each warehouse.
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

on_both!(
    row_count,
    null_share,
    unique,
    unique_over_several_columns,
    accepted_values,
    accepted_range_of_numbers,
    accepted_range_of_times,
    relationship,
    freshness_of_a_source,
    freshness_of_a_delivery,
    a_check_whose_sql_fails_spoils_no_other
);

const NOON: &str = "2026-11-23T12:00:00Z";

/// Judges rows of one column `x` by these checks.
async fn judged(on: On, checks: Value, values: &[&str]) -> Vec<(CheckStatus, Option<u64>, String)> {
    let mut mill = Mill::on(on, [contract("t", &["x"], checks)]).await;
    let rows: Vec<Vec<String>> = values.iter().map(|&value| vec![value.to_owned()]).collect();
    mill.load_rows("t", "load", at(NOON), rows).await;
    let outcomes = mill.outcomes("load", &["t"]).await;
    outcomes
        .iter()
        .map(|outcome| {
            let told = told(outcome);
            (told.0, told.1, told.2.to_owned())
        })
        .collect()
}

fn line(status: CheckStatus, failed: impl Into<Option<u64>>, observed: &str) -> (CheckStatus, Option<u64>, String) {
    (status, failed.into(), observed.into())
}

async fn row_count(on: On) {
    let checks = json!([
        {"kind": "row_count", "name": "a", "min": 2}, {"kind": "row_count", "name": "b", "min": 3},
        {"kind": "row_count", "name": "c", "max": 1},
    ]);
    let found = judged(on, checks, &["1", "2"]).await;
    assert_eq!(found, [line(Pass, None, "2 rows"), line(Fail, None, "2 rows"), line(Fail, None, "2 rows")]);
}

async fn null_share(on: On) {
    let checks = json!([
        {"kind": "null_share", "name": "a", "column": "x", "max": 0.5},
        {"kind": "null_share", "name": "b", "column": "x", "max": 0.49},
    ]);
    let found = judged(on, checks, &["1", "", "  ", "2"]).await;
    assert_eq!(found, [line(Pass, 2, "2 of 4 rows (50 %)"), line(Fail, 2, "2 of 4 rows (50 %)")]);
}

async fn unique(on: On) {
    let checks = json!([
        {"kind": "unique", "name": "a", "columns": ["x"]},
        {"kind": "unique", "name": "b", "columns": ["x"], "ignore_case": true, "max_failed_rows": 2},
        {"kind": "unique", "name": "c", "columns": ["x"], "ignore_case": true, "max_failed_rows": 3},
    ]);
    // Two surplus rows as written, three as STAGING reads them; what is missing is not judged.
    let found = judged(on, checks, &["a", "a", "a", " A", "b", "", ""]).await;
    assert_eq!(
        found,
        [line(Fail, 2, "2 of 5 rows (40 %)"), line(Fail, 3, "3 of 5 rows (60 %)"), line(Pass, 3, "3 of 5 rows (60 %)")]
    );
    let pass = judged(on, json!([{"kind": "unique", "columns": ["x"]}]), &["a", "b", "", ""]).await;
    assert_eq!(pass, [line(Pass, 0, "0 of 2 rows (0 %)")]);
}

async fn unique_over_several_columns(on: On) {
    let checks = json!([{"kind": "unique", "columns": ["x", "y"]}]);
    let mut mill = Mill::on(on, [contract("t", &["x", "y"], checks)]).await;
    mill.load("t", "load", at(NOON), &[&["1", "a"], &["1", "b"], &["2", "a"], &["1", "a"], &["1", ""]]).await;
    assert_eq!(told(&mill.outcomes("load", &["t"]).await[0]), (Fail, Some(1), "1 of 4 rows (25 %)"));
}

async fn accepted_values(on: On) {
    let checks = json!([
        {"kind": "accepted_values", "name": "a", "column": "x", "values": ["OPEN", "it's", 3]},
        {"kind": "accepted_values", "name": "b", "column": "x", "values": ["OPEN", "it's", 3], "ignore_case": true},
        {"kind": "accepted_values", "name": "c", "column": "x", "values": ["OPEN", "it's", 3], "max_failed_share": 0.2},
    ]);
    let found = judged(on, checks, &["OPEN", "it's", "3", " open ", "", "OPEN"]).await;
    assert_eq!(
        found,
        [line(Fail, 1, "1 of 5 rows (20 %)"), line(Pass, 0, "0 of 5 rows (0 %)"), line(Pass, 1, "1 of 5 rows (20 %)")]
    );
}

async fn accepted_range_of_numbers(on: On) {
    let checks = json!([
        {"kind": "accepted_range", "name": "a", "column": "x", "min": 0, "max": 10},
        {"kind": "accepted_range", "name": "b", "column": "x", "min": 0},
        {"kind": "accepted_range", "name": "c", "column": "x", "max": 10, "max_failed_rows": 4},
    ]);
    let found = judged(on, checks, &["0", " 10 ", "1e1", "-0.1", "11", "n/a", "nan", "inf", "", "5"]).await;
    let of_nine = |count: u64, share: &str| format!("{count} of 9 rows ({share} %)");
    assert_eq!(
        found,
        [
            line(Fail, 5, &of_nine(5, "55.5556")),
            line(Fail, 4, &of_nine(4, "44.4444")),
            line(Pass, 4, &of_nine(4, "44.4444"))
        ]
    );
}

async fn accepted_range_of_times(on: On) {
    let checks = json!([{"kind": "accepted_range", "column": "x", "min": "2010-01-01", "max": "2026-11-23 12:00"}]);
    let found = judged(
        on,
        checks,
        &["2010-01-01", "2026-11-23T12:00:00", "2026-11-23 12:00:01", "1999-12-31", "soon", "1790000000", ""],
    )
    .await;
    assert_eq!(found, [line(Fail, 4, "4 of 6 rows (66.6667 %)")]);
}

async fn relationship(on: On) {
    let checks = json!([
        {"kind": "relationship", "name": "a", "column": "m", "to": "materials.id"},
        {"kind": "relationship", "name": "b", "column": "m", "to": "materials.id", "ignore_case": true},
        {"kind": "relationship", "name": "c", "column": "m", "to": "materials.id", "severity": "warn"},
    ]);
    let mut mill = Mill::on(on, [contract("orders", &["m"], checks), contract("materials", &["id"], json!([]))]).await;
    mill.load("orders", "first", at(NOON), &[&["A"], &["a "], &["B"], &[""]]).await;
    let before = mill.judge("first", &["orders"]).await;
    assert!(matches!(&before, messages::Message::DqCompleted(data) if data.verdict == Verdict::Warned));
    for outcome in support::checks(&before) {
        assert_eq!(told(outcome), (Warn, None, "not judged: materials has never been loaded"));
    }
    mill.load("materials", "second", at(NOON), &[&["A"], &["C"]]).await;
    let found = mill.outcomes("first", &["orders"]).await;
    assert_eq!(told(&found[0]), (Fail, Some(2), "2 of 3 rows (66.6667 %)"));
    assert_eq!(told(&found[1]), (Fail, Some(1), "1 of 3 rows (33.3333 %)"));
    assert_eq!(told(&found[2]), (Warn, Some(2), "2 of 3 rows (66.6667 %)"));
    // A run that brings both is judged by what it brought, even when it is not the newest.
    mill.load("materials", "run", at("2020-01-01T00:00:00Z"), &[&["A"], &["B"]]).await;
    mill.load("orders", "run", at("2020-01-01T00:00:00Z"), &[&["A"], &["B"]]).await;
    assert_eq!(told(&mill.outcomes("run", &["orders"]).await[0]), (Pass, Some(0), "0 of 2 rows (0 %)"));
}

async fn freshness_of_a_source(on: On) {
    let checks = json!([{"kind": "freshness", "max_age_hours": 2}]);
    let mut mill = Mill::on(on, [contract("t", &["x"], checks)]).await;
    let never = mill.outcomes("nothing", &["t"]).await;
    assert_eq!(told(&never[0]), (Fail, None, "nothing was ever delivered"));
    mill.load("t", "old", Utc::now() - TimeDelta::hours(5), &[&["1"]]).await;
    let old = mill.outcomes("old", &["t"]).await;
    assert_eq!(old[0].status, Fail);
    assert!(old[0].observed.ends_with(", 5.0 h old"), "{}", old[0].observed);
    mill.load("t", "new", Utc::now() - TimeDelta::hours(1), &[&["1"]]).await;
    // A backfill does not make the source stale.
    for load_id in ["new", "old"] {
        assert_eq!(mill.outcomes(load_id, &["t"]).await[0].status, Pass);
    }
}

async fn freshness_of_a_delivery(on: On) {
    let checks = json!([
        {"kind": "freshness", "name": "a", "column": "x", "max_age_hours": 24},
        {"kind": "freshness", "name": "b", "column": "x", "max_age_hours": 3},
    ]);
    let found = judged(on, checks.clone(), &["2026-11-23 08:00:00", "2026-11-22", "soon"]).await;
    let observed = "the newest x is of 2026-11-23T08:00:00Z, 4.0 h old";
    assert_eq!(found, [line(Pass, None, observed), line(Fail, None, observed)]);
    let nothing = judged(on, checks, &["", "soon"]).await;
    assert_eq!(nothing[0], line(Fail, None, "no x can be read as a point in time"));
}

async fn a_check_whose_sql_fails_spoils_no_other(on: On) {
    let checks = json!([
        {"kind": "row_count", "min": 1}, {"kind": "null_share", "column": "x", "max": 1, "severity": "warn"},
        {"kind": "freshness", "max_age_hours": 876000},
    ]);
    let mut mill = Mill::on(on, [contract("t", &["x"], checks)]).await;
    mill.load("t", "load", at(NOON), &[&["1"]]).await;
    mill.warehouse().transact(&["ALTER TABLE RAW_RUN.T_RUN DROP COLUMN X".into()], None).await.unwrap();
    let found = mill.outcomes("load", &["t"]).await;
    assert_eq!(told(&found[0]), (Pass, None, "1 row"));
    assert_eq!(found[1].status, Error);
    assert!(
        found[1].observed.starts_with("could not be judged: ") && !found[1].observed.contains('\n'),
        "{}",
        found[1].observed
    );
    assert_eq!(found[2].status, Pass);
    assert_eq!(Verdict::over(&found), Verdict::Failed);
}
