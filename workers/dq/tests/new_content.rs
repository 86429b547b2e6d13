//! What counts as delivered again, on both warehouses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use chrono::TimeDelta;
use messages::CheckStatus::{Pass, Warn};
use messages::{CheckStatus, MessageId};
use serde_json::{Value, json};
use support::{Mill, On, at, contract, id};
use warehouse::{LoadLine, LoadOutcome, LoadStatus, Slice};

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
    a_file_that_comes_again_is_found,
    the_same_delivery_is_no_other,
    the_same_file_loaded_under_another_load_is_no_delivery,
    what_nobody_has_seen_came_not_before,
    files_of_a_load_and_files_without_rows,
    what_is_long_ago_may_be_forgotten
);

const NEW: (CheckStatus, &str) = (Pass, "all content is new");

async fn mill(on: On, mode: &str, more: Value) -> Mill {
    let mut check = json!({"kind": "new_content", "severity": "warn"});
    check.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut contract = contract("t", &["x"], json!([check]));
    contract["mode"] = mode.into();
    Mill::on(on, [contract]).await
}

/// A load of one file, as it lay there on a day of November.
fn file(mill: &Mill, load_id: &str, uri: &str, day: u32) -> Slice {
    Slice { uri: uri.into(), ..mill.slice("t", load_id, at(&format!("2026-11-{day:02}T12:00:00Z"))) }
}

/// Loads a file with one row that holds `content`.
async fn load(mill: &Mill, slice: &Slice, content: &str) {
    let outcome = mill.load_slice(slice, vec![vec![content.to_owned()]], &[]).await;
    assert!(matches!(outcome, LoadOutcome::Loaded(_)), "{outcome:?}");
}

async fn found(mill: &mut Mill, load_id: &str) -> (CheckStatus, String) {
    let outcome = mill.outcomes(load_id, &["t"]).await.remove(0);
    assert_eq!(outcome.value, Some(f64::from(u8::from(outcome.status != Pass))));
    (outcome.status, outcome.observed)
}

async fn is_new(mill: &mut Mill, load_id: &str) {
    let (status, observed) = found(mill, load_id).await;
    assert_eq!((status, observed.as_str()), NEW, "{load_id}");
}

async fn a_file_that_comes_again_is_found(on: On) {
    for mode in ["snapshot", "increment"] {
        let mut mill = mill(on, mode, json!({})).await;
        load(&mill, &file(&mill, "mon", "t_mon.csv", 2), "monday").await;
        is_new(&mut mill, "mon").await;
        // Under another name, with the time it had.
        load(&mill, &file(&mill, "copied", "t_tue.csv", 2), "monday").await;
        let copied = (Warn, "t_tue.csv has the content of t_mon.csv, which came with mon".to_owned());
        assert_eq!(found(&mut mill, "copied").await, copied);
        // Under its name, at another time.
        load(&mill, &file(&mill, "wed", "t_wed.csv", 4), "wednesday").await;
        is_new(&mut mill, "wed").await;
        load(&mill, &file(&mill, "touched", "t_wed.csv", 5), "wednesday").await;
        assert_eq!(found(&mut mill, "touched").await.0, Warn);
        // Who was first is so whenever it is judged, and a load that brought nothing of it repeats nothing.
        is_new(&mut mill, "mon").await;
        assert_eq!(found(&mut mill, "another").await, (Pass, "the load brought nothing of it".into()));
    }
}

async fn the_same_delivery_is_no_other(on: On) {
    let mut mill = mill(on, "snapshot", json!({})).await;
    let first = file(&mill, "mon", "t.csv", 2);
    load(&mill, &first, "monday").await;
    // Delivered twice, and asked for again by a newer command: the same LOAD_ID.
    assert!(matches!(mill.load_slice(&first, vec![vec!["monday".into()]], &[]).await, LoadOutcome::AlreadyLoaded));
    is_new(&mut mill, "mon").await;
    load(&mill, &file(&mill, "tue", "t.csv", 3), "monday").await;
    load(&mill, &Slice { command_id: MessageId::fresh(), ..first }, "monday").await;
    is_new(&mut mill, "mon").await;
    assert_eq!(found(&mut mill, "tue").await.0, Warn);
}

async fn the_same_file_loaded_under_another_load_is_no_delivery(on: On) {
    let mut mill = mill(on, "snapshot", json!({})).await;
    let lies_there = file(&mill, "watch", "t.csv", 20);
    load(&mill, &lies_there, "content").await;
    // A backfill loads it for several intervals, as old as these.
    for day in 2..6 {
        let load_id = format!("backfill {day}");
        let as_of = at(&format!("2026-11-{day:02}T00:00:00Z"));
        load(
            &mill,
            &Slice { load_id: id(&load_id), command_id: MessageId::fresh(), as_of, ..lies_there.clone() },
            "content",
        )
        .await;
        is_new(&mut mill, &load_id).await;
    }
    // Delivered again it is found, and so it is for the interval that takes it from there.
    let again = file(&mill, "again", "t.csv", 21);
    load(&mill, &again, "content").await;
    assert_eq!(found(&mut mill, "again").await.0, Warn);
    load(&mill, &Slice { load_id: id("day 21"), command_id: MessageId::fresh(), ..again }, "content").await;
    assert_eq!(found(&mut mill, "day 21").await.0, Warn);
}

/// Somebody's decision about a file that is held back.
async fn decide(mill: &Mill, slice: &Slice, status: LoadStatus) {
    let lines = mill.ledger.load_lines(&slice.load_id).await.unwrap();
    let held = lines.into_iter().find(|line| line.status == LoadStatus::Quarantined).unwrap();
    let why = Some("looked at".to_owned());
    let line = LoadLine { status, error: None, decided_by: Some("test".into()), decided_why: why, ..held };
    mill.ledger.decide(&[line]).await.unwrap();
}

async fn what_nobody_has_seen_came_not_before(on: On) {
    let mut mill = mill(on, "snapshot", json!({})).await;
    let held = |mill: &Mill, load_id: &str, day| file(mill, load_id, "t.csv", day);
    let first = held(&mill, "discarded", 2);
    mill.load_slice(&first, vec![vec!["a".into()]], &["a policy"]).await;
    load(&mill, &file(&mill, "after held", "t.csv", 3), "a").await;
    is_new(&mut mill, "after held").await;
    decide(&mill, &first, LoadStatus::Discarded).await;
    is_new(&mut mill, "after held").await;
    // Of what is released the rows are shown: from then on it is a delivery like another.
    let second = held(&mill, "released", 4);
    mill.load_slice(&second, vec![vec!["b".into()]], &["a policy"]).await;
    decide(&mill, &second, LoadStatus::Success).await;
    is_new(&mut mill, "released").await;
    load(&mill, &file(&mill, "after released", "t.csv", 5), "b").await;
    assert_eq!(found(&mut mill, "after released").await.0, Warn);
    // Of a run of two files one is there: nothing of it is shown.
    load(&mill, &Slice { run_files: 2, table_files: 2, ..file(&mill, "half", "t_1.csv", 6) }, "c").await;
    load(&mill, &file(&mill, "after half", "t.csv", 7), "c").await;
    is_new(&mut mill, "after half").await;
}

async fn files_of_a_load_and_files_without_rows(on: On) {
    let mut mill = mill(on, "increment", json!({})).await;
    let of_run = |mill: &Mill, load_id: &str, command_id, number: u32, day| {
        let slice = file(mill, load_id, &format!("t_{number}.csv"), day);
        Slice { command_id, run_files: 3, table_files: 3, ..slice }
    };
    let command = MessageId::fresh();
    for (number, content) in [(1, "a"), (2, "a"), (3, "b")] {
        load(&mill, &of_run(&mill, "run", command, number, 2), content).await;
    }
    is_new(&mut mill, "run").await;
    let command = MessageId::fresh();
    for (number, content) in [(1, "new"), (2, "a"), (3, "b")] {
        load(&mill, &of_run(&mill, "next", command, number, 3), content).await;
    }
    let outcome = mill.outcomes("next", &["t"]).await.remove(0);
    assert_eq!((outcome.status, outcome.value), (Warn, Some(2.0)));
    assert!(outcome.observed.starts_with("2 files came before: t_2.csv has the content of t_"), "{}", outcome.observed);
    for day in [4, 5] {
        mill.load_slice(&file(&mill, &format!("empty {day}"), "t_empty.csv", day), Vec::new(), &[]).await;
        is_new(&mut mill, &format!("empty {day}")).await;
    }
}

async fn what_is_long_ago_may_be_forgotten(on: On) {
    let mut mill = mill(on, "snapshot", json!({"within_days": 7})).await;
    load(&mill, &file(&mill, "first", "t.csv", 2), "a").await;
    let last = file(&mill, "a week later", "t.csv", 9);
    load(&mill, &last, "a").await;
    assert_eq!(found(&mut mill, "a week later").await.0, Warn);
    let later = last.as_of + TimeDelta::days(7) + TimeDelta::microseconds(1);
    load(
        &mill,
        &Slice { load_id: id("and later"), as_of: later, modified_at: later, command_id: MessageId::fresh(), ..last },
        "a",
    )
    .await;
    is_new(&mut mill, "and later").await;
}
