//! The kinds of check that measure a number, look into other layers or bring SQL of their own, and thresholds for each severity,
//! on both warehouses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use chrono::{TimeDelta, Utc};
use messages::{CheckOutcome, CheckStatus, Severity};
use serde_json::{Value, json};
use support::{Mill, On, at, contract, told};

use CheckStatus::{Error, Fail, Pass, Warn};

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
    matches,
    patterns_are_read_alike,
    sums_and_means,
    custom_sql,
    custom_sql_that_fails_spoils_no_other,
    schema_change,
    reconcile,
    reconcile_asks_for_a_build_of_its_own_source,
    reconcile_takes_no_other_word_for_its_source,
    thresholds_for_each_severity,
    what_changed_against_history,
    history_is_what_other_loads_were_before,
);

const NOON: &str = "2026-11-23T12:00:00Z";

/// Judges rows of one column `x` by these checks.
async fn judged(on: On, checks: Value, values: &[&str]) -> Vec<CheckOutcome> {
    let mut mill = Mill::on(on, [contract("t", &["x"], checks)]).await;
    let rows: Vec<Vec<String>> = values.iter().map(|&value| vec![value.to_owned()]).collect();
    mill.load_rows("t", "load", at(NOON), rows).await;
    mill.outcomes("load", &["t"]).await
}

async fn matches(on: On) {
    let checks = json!([
        {"kind": "matches", "name": "a", "column": "x", "pattern": "B-\\d{3}"},
        {"kind": "matches", "name": "b", "column": "x", "pattern": "B-\\d{3}", "ignore_case": true},
        {"kind": "matches", "name": "c", "column": "x", "pattern": "[Bb]-.*", "max_failed_share": 0.25},
    ]);
    let found = judged(on, checks, &["B-001", "b-002", " B-003 ", "B-0001", "", "  "]).await;
    assert_eq!(told(&found[0]), (Fail, Some(3), "3 of 4 rows (75 %)"));
    assert_eq!(told(&found[1]), (Fail, Some(1), "1 of 4 rows (25 %)"));
    assert_eq!(told(&found[2]), (Pass, Some(1), "1 of 4 rows (25 %)"));
    assert_eq!((found[0].kind.as_str(), found[0].value), ("matches", Some(0.75)));
}

/// What the patterns' own tests say of the `regex` crate, of the warehouse.
async fn patterns_are_read_alike(on: On) {
    for (pattern, good, bad) in [
        (r"a\.b", "a.b", "acb"),
        (r"[\]\-^a]+", "]-^a", "b"),
        (r"[\^]", "^", "a"),
        (r"[^\^]", "a", "^"),
        (r"(ab|c){2}d?", "abcd", "abd"),
        ("ä.", "äö", "ao"),
        ("a.b", "a b", "a\nb"),
        ("ab", "ab", "ab\n"),
        (r"\w+\s\d", "a_1 2", "a-1 2"),
        (r"a\\b'\$", r"a\b'$", "ab'$"),
    ] {
        let checks = json!([{"kind": "matches", "column": "x", "pattern": pattern}]);
        let found = judged(on, checks, &[good, bad]).await;
        assert_eq!(told(&found[0]), (Fail, Some(1), "1 of 2 rows (50 %)"), "{pattern}");
    }
}

async fn sums_and_means(on: On) {
    let checks = json!([
        {"kind": "sum_between", "name": "a", "column": "x", "min": 10, "max": 10},
        {"kind": "mean_between", "name": "b", "column": "x", "min": 2.6},
        {"kind": "mean_between", "name": "c", "column": "x", "max": 2.5},
    ]);
    let found = judged(on, checks.clone(), &["1", " 2 ", "3", "4e0", "", "n/a", "nan", "inf"]).await;
    let strange = "; 3 rows have no number";
    assert_eq!(told(&found[0]), (Pass, None, &*format!("sum 10{strange}")));
    assert_eq!(told(&found[1]), (Fail, None, &*format!("mean 2.5{strange}")));
    assert_eq!((told(&found[2]).0, found[2].value), (Pass, Some(2.5)));
    let nothing = judged(on, checks, &["", "n/a"]).await;
    assert_eq!(told(&nothing[0]), (Fail, None, "sum 0; 1 row has no number"));
    assert_eq!(told(&nothing[1]), (Fail, None, "x has no numbers; 1 row has no number"));
}

async fn custom_sql(on: On) {
    let checks = json!([
        {"kind": "custom_sql", "name": "a", "sql": "SELECT * FROM {rows} R WHERE R.X > 'b' -- later ones"},
        {"kind": "custom_sql", "name": "b", "sql": "WITH D AS (SELECT X FROM {rows} R) SELECT X FROM D WHERE X = 'c'",
         "max_failed_share": 0.5, "describe": "hardly any c"},
        {"kind": "custom_sql", "name": "c", "count_sql": "SELECT COUNT(*) FROM {rows} R WHERE R.X = 'a'", "severity": "warn"},
        {"kind": "custom_sql", "name": "d", "count_sql": "SELECT MAX(5) FROM {rows} R WHERE R.X = 'none'"},
        {"kind": "custom_sql", "name": "e", "sql": "SELECT 1 FROM {rows} A CROSS JOIN {rows} B"},
    ]);
    let found = judged(on, checks, &["a", "b", "c"]).await;
    assert_eq!(told(&found[0]), (Fail, Some(1), "1 of 3 rows (33.3333 %)"));
    assert_eq!(told(&found[1]), (Pass, Some(1), "1 of 3 rows (33.3333 %)"));
    assert_eq!(found[1].expected, "hardly any c, but for at most 50 %");
    assert_eq!(told(&found[2]), (Warn, Some(1), "1 of 3 rows (33.3333 %)"));
    assert_eq!(told(&found[3]), (Error, None, "could not be judged: the query gave no number"));
    assert_eq!(told(&found[4]), (Fail, Some(9), "9 rows found, 3 judged"));
}

async fn custom_sql_that_fails_spoils_no_other(on: On) {
    let checks = json!([
        {"kind": "row_count", "min": 1},
        {"kind": "custom_sql", "name": "a", "sql": "SELECT * FROM {rows} R WHERE CAST(R.X AS INTEGER) > 1"},
        {"kind": "custom_sql", "name": "b", "sql": "SELECT * FROM {rows} R WHERE R.NO_SUCH_COLUMN = 1", "severity": "warn"},
        {"kind": "custom_sql", "name": "c", "sql": "SELECT * FROM {rows} R WHERE R.X = 'none'"},
    ]);
    let found = judged(on, checks, &["1", "Jane Doe"]).await;
    assert_eq!(found.iter().map(|outcome| outcome.status).collect::<Vec<_>>(), [Pass, Error, Error, Pass]);
    assert!(!found[1].observed.contains("Jane"), "{}", found[1].observed);
}

async fn schema_change(on: On) {
    let checks = json!([
        {"kind": "schema_change", "name": "a", "severity": "warn"},
        {"kind": "schema_change", "name": "b", "allow": ["new_column"]},
    ]);
    let mut mill = Mill::on(on, [contract("t", &["x"], checks)]).await;
    mill.load("t", "load", at(NOON), &[&["1"]]).await;
    assert_eq!(told(&mill.outcomes("load", &["t"]).await[0]), (Pass, None, "no change"));
    let note = |change: &str, column: &str, load: &str| {
        format!(
            "INSERT INTO RAW.SCHEMA_CHANGES SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_FILE, '{change}', '{column}', 'accept', \
            FINISHED_AT FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '{load}'"
        )
    };
    let noted = [note("NEW_COLUMN", "y", "load"), note("NEW_COLUMN", "y", "load")];
    mill.warehouse().transact(&noted, None).await.unwrap();
    let found = mill.outcomes("load", &["t"]).await;
    assert_eq!(told(&found[0]), (Warn, None, "new column y"));
    assert_eq!(told(&found[1]), (Pass, None, "no change"));
    mill.warehouse().transact(&[note("MISSING_COLUMN", "x", "load")], None).await.unwrap();
    let found = mill.outcomes("load", &["t"]).await;
    assert_eq!(told(&found[0]), (Warn, None, "2 changes: missing column x, new column y"));
    assert_eq!((told(&found[1]), found[1].value), ((Fail, None, "missing column x"), Some(1.0)));
    // Another generation of the load, and another load, have shapes of their own.
    mill.load("t", "load", at(NOON), &[&["1"]]).await;
    assert_eq!(told(&mill.outcomes("load", &["t"]).await[1]), (Pass, None, "no change"));
    assert_eq!(told(&mill.outcomes("other", &["t"]).await[0]), (Pass, None, "the load brought nothing of it"));
}

async fn reconcile(on: On) {
    let checks = json!([
        {"kind": "reconcile", "name": "rows", "with": "CORE.CORE_T", "compare": "rows"},
        {"kind": "reconcile", "name": "keys", "with": "CORE.CORE_T", "columns": ["id"]},
        {"kind": "reconcile", "name": "renamed", "with": "core.core_t", "columns": ["id"], "with_columns": ["T_ID"]},
        {"kind": "reconcile", "name": "sum", "with": "CORE.CORE_T", "compare": "sum", "column": "x", "max_difference": 1},
        {"kind": "reconcile", "name": "none", "with": "CORE.NO_SUCH_MODEL", "compare": "rows", "severity": "warn"},
    ]);
    let mut mill = Mill::on(on, [contract("t", &["id", "x"], checks)]).await;
    assert_eq!(told(&mill.outcomes("load", &["t"]).await[0]), (Warn, None, "not judged: nothing was ever delivered"));
    mill.load("t", "load", at(NOON), &[&["A", "1"], &["a ", "2"], &["B", "0.5"], &["", ""]]).await;
    mill.warehouse()
        .transact(
            &["CREATE SCHEMA IF NOT EXISTS CORE".into(),
              "CREATE TABLE CORE.CORE_T AS SELECT DISTINCT UPPER(TRIM(ID)) AS ID, UPPER(TRIM(ID)) AS T_ID, 1.25 AS X FROM RAW.T WHERE ID IS NOT NULL".into()],
            None,
        )
        .await
        .unwrap();
    let found = mill.outcomes("load", &["t"]).await;
    for outcome in &found[..4] {
        assert_eq!(told(outcome), (Warn, None, "not judged: the models were not built since it was loaded"));
    }
    mill.built("load").await;
    let found = mill.outcomes("load", &["t"]).await;
    assert_eq!(told(&found[0]), (Fail, None, "2 against 4 in RAW (2 apart)"));
    assert_eq!((told(&found[1]), found[1].value), ((Pass, None, "2 against 2 in RAW"), Some(0.0)));
    assert_eq!(told(&found[2]), (Pass, None, "2 against 2 in RAW"));
    assert_eq!(told(&found[3]), (Pass, None, "2.5 against 3.5 in RAW (1 apart)"));
    assert_eq!(found[4].status, Error);
    // Once a newer load is current, there is nothing to compare with the older one's.
    mill.load("t", "newer", at(NOON) + TimeDelta::days(1), &[&["C", "1"]]).await;
    let found = mill.outcomes("load", &["t"]).await;
    assert_eq!(told(&found[1]), (Pass, None, "not compared: a newer load is current"));
    let found = mill.outcomes("newer", &["t"]).await;
    assert_eq!(told(&found[1]), (Warn, None, "not judged: the models were not built since it was loaded"));
}

async fn reconcile_asks_for_a_build_of_its_own_source(on: On) {
    let checks = json!([{"kind": "reconcile", "with": "CORE.CORE_T", "compare": "rows"}]);
    let contracts = [contract("t", &["x"], checks), contract("u", &["x"], json!([]))];
    let mut mill = Mill::on(on, contracts).await;
    mill.load("t", "load", at(NOON), &[&["1"]]).await;
    mill.load("u", "of_u", at(NOON), &[&["1"], &["2"]]).await;
    let made =
        ["CREATE SCHEMA IF NOT EXISTS CORE".into(), "CREATE TABLE CORE.CORE_T AS SELECT X FROM RAW.T".to_owned()];
    mill.warehouse().transact(&made, None).await.unwrap();
    let not_judged = "not judged: the models were not built since it was loaded";
    let judged = "1 against 1 in RAW";
    let hour = TimeDelta::hours(1);
    // Builds for other loads: of another source, of this one before it was loaded, of this one, of all.
    for (sources, began, told_then) in [
        (json!(["u"]), TimeDelta::zero(), not_judged),
        (json!(["t"]), -hour, not_judged),
        (json!(["u", "t"]), TimeDelta::zero(), judged),
        (json!([]), TimeDelta::zero(), judged),
    ] {
        mill.load("t", "load", at(NOON), &[&["1"]]).await;
        mill.built_at("of_u", Utc::now() + began, json!({"load_id": "of_u", "nodes": [], "sources": sources})).await;
        let found = mill.outcomes("load", &["t"]).await;
        assert_eq!(told(&found[0]).2, told_then, "{sources}, {began}");
    }
}

async fn reconcile_takes_no_other_word_for_its_source(on: On) {
    let checks = json!([{"kind": "reconcile", "with": "CORE.CORE_T", "compare": "rows"}]);
    let sources = ["t_a", "nodes", "success"];
    let mut mill = Mill::on(on, sources.map(|source| contract(source, &["x"], checks.clone()))).await;
    let made = ["CREATE SCHEMA IF NOT EXISTS CORE".into(), "CREATE TABLE CORE.CORE_T AS SELECT 1 AS X".to_owned()];
    mill.warehouse().transact(&made, None).await.unwrap();
    for source in sources {
        mill.load(source, source, at(NOON), &[&["1"]]).await;
    }
    let nodes = json!([{"unique_id": "model.m", "status": "success"}]);
    mill.built_at("other", Utc::now(), json!({"load_id": "other", "nodes": nodes, "sources": ["txa"]})).await;
    for source in sources {
        let found = mill.outcomes(source, &[source]).await;
        assert_eq!(told(&found[0]).2, "not judged: the models were not built since it was loaded", "{source}");
    }
    mill.built_at("other", Utc::now(), json!({"load_id": "other", "nodes": nodes, "sources": ["u", "nodes"]})).await;
    assert_eq!(told(&mill.outcomes("nodes", &["nodes"]).await[0]).2, "1 against 1 in RAW");
}

async fn thresholds_for_each_severity(on: On) {
    let checks = json!([
        {"kind": "accepted_values", "column": "x", "values": ["a"],
         "warn": {"max_failed_share": 0.2}, "error": {"max_failed_share": 0.5}},
        {"kind": "row_count", "warn": {"min": 4}, "error": {"min": 2}},
    ]);
    let found = |values: &'static [&'static str]| judged(on, checks.clone(), values);
    let good = found(&["a", "a", "a", "a", "b"]).await;
    assert_eq!((told(&good[0]), good[0].severity), ((Pass, Some(1), "1 of 5 rows (20 %)"), Severity::Error));
    let expected = "error: each x is one of a, but for at most 50 %; warn: each x is one of a, but for at most 20 %";
    assert_eq!(good[0].expected, expected);
    let warned = found(&["a", "a", "b"]).await;
    assert_eq!((told(&warned[0]), warned[0].severity), ((Warn, Some(1), "1 of 3 rows (33.3333 %)"), Severity::Warn));
    assert_eq!((told(&warned[1]), warned[1].severity), ((Warn, None, "3 rows"), Severity::Warn));
    let failed = found(&["b"]).await;
    assert_eq!(
        failed.iter().map(|outcome| (outcome.status, outcome.severity)).collect::<Vec<_>>(),
        [(Fail, Severity::Error); 2]
    );
}

fn changes() -> Value {
    json!([
        {"kind": "change", "metric": "row_count", "training_loads": 3},
        {"kind": "change", "metric": "mean", "column": "x", "training_loads": 3, "severity": "warn"},
        {"kind": "change", "metric": "null_share", "column": "x", "training_loads": 3},
        {"kind": "change", "metric": "sum", "column": "x", "training_loads": 3},
        {"kind": "change", "metric": "distinct", "column": "x", "training_loads": 3},
    ])
}

async fn what_changed_against_history(on: On) {
    let mut mill = Mill::on(on, [contract("t", &["x"], changes())]).await;
    let rows = |values: &[f64]| values.iter().map(|value| vec![value.to_string()]).collect::<Vec<_>>();
    for day in 0..3 {
        let load_id = format!("day {day}");
        mill.load_rows("t", &load_id, at(NOON) + TimeDelta::days(day), rows(&[1.0, 2.0, 3.0, 4.0])).await;
        let found = mill.outcomes(&load_id, &["t"]).await;
        assert_eq!(told(&found[0]), (Pass, None, &*format!("4; training, {day} of 3 loads")));
        assert_eq!(found.iter().filter_map(|outcome| outcome.value).collect::<Vec<_>>(), [4.0, 2.5, 0.0, 10.0, 4.0]);
    }
    mill.load_rows("t", "same", at(NOON) + TimeDelta::days(3), rows(&[1.0, 2.0, 3.0, 4.0])).await;
    let same = mill.outcomes("same", &["t"]).await;
    assert!(same.iter().all(|outcome| outcome.status == Pass), "{same:?}");
    assert_eq!(same[0].observed, "4; usual is 4, from 4 to 4 (3 loads)");
    mill.load("t", "other", at(NOON) + TimeDelta::days(4), &[&["9"], &[""]]).await;
    let other = mill.outcomes("other", &["t"]).await;
    assert_eq!(other.iter().map(|outcome| outcome.status).collect::<Vec<_>>(), [Fail, Warn, Fail, Pass, Fail]);
    assert_eq!(other[2].observed, "50 %; usual is 0 %, from 0 % to 1 % (4 loads)");
    mill.load("t", "empty", at(NOON) + TimeDelta::days(5), &[&["n/a"]]).await;
    let empty = mill.outcomes("empty", &["t"]).await;
    assert!(empty[1].observed.starts_with("no numbers; usual is 2.5, "), "{}", empty[1].observed);
    assert_eq!((empty[1].status, empty[1].value), (Warn, None));
}

async fn history_is_what_other_loads_were_before(on: On) {
    let mut mill = Mill::on(on, [contract("t", &["x"], changes()), contract("u", &["x"], changes())]).await;
    for day in 0..4 {
        let load_id = format!("day {day}");
        mill.load("t", &load_id, at(NOON) + TimeDelta::days(day), &[&["1"], &["2"]]).await;
        // Judged twice, it is one load; and what it is of one table it is not of another.
        mill.judge(&load_id, &["t"]).await;
        mill.judge(&load_id, &["t", "u"]).await;
    }
    let training = |have: usize| format!("2; training, {have} of 3 loads");
    // An older load is compared with older ones, whenever it is judged, and never with itself.
    assert_eq!(mill.outcomes("day 1", &["t"]).await[0].observed, training(1));
    assert_eq!(mill.outcomes("day 0", &["t"]).await[0].observed, training(0));
    assert_eq!(mill.outcomes("day 3", &["t"]).await[0].observed, "2; usual is 2, from 2 to 2 (3 loads)");
    mill.load("u", "of u", at(NOON) + TimeDelta::days(9), &[&["1"], &["2"]]).await;
    assert_eq!(mill.outcomes("of u", &["u"]).await[0].observed, training(0));
    // What never became complete is no history.
    mill.warehouse()
        .transact(&["UPDATE RAW.RAW_LOAD_AUDIT SET STATUS = 'QUARANTINED' WHERE LOAD_ID = 'day 0'".into()], None)
        .await
        .unwrap();
    assert_eq!(mill.outcomes("day 3", &["t"]).await[0].observed, training(2));
}
