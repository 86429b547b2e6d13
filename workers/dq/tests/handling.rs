//! How messages are handled: exactly-once effects, verdicts, loads judged together.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use messages::{CheckStatus, Failure, FailureClass, Message, Stage, Verdict};
use runtime::{Handler, Work};
use serde_json::json;
use support::{Mill, at, checks, contract, id, requested, told, transformed};
use warehouse::StageStatus;

const NOON: &str = "2026-11-23T12:00:00Z";

async fn mill() -> Mill {
    let checks = json!([
        {"kind": "row_count", "min": 2},
        {"kind": "null_share", "column": "x", "max": 0, "severity": "warn"},
    ]);
    let others = json!([{"kind": "row_count", "min": 1, "severity": "warn"}]);
    Mill::new([contract("t", &["x"], checks), contract("u", &["x"], others)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_by_severity() {
    let mut mill = mill().await;
    mill.load("t", "good", at(NOON), &[&["1"], &["2"]]).await;
    mill.load("t", "warned", at(NOON), &[&["1"], &[""]]).await;
    mill.load("t", "bad", at(NOON), &[&["1"]]).await;
    let Message::DqCompleted(good) = mill.judge("good", &["t"]).await else { panic!() };
    assert_eq!(good.verdict, Verdict::Passed);
    let Message::DqCompleted(warned) = mill.judge("warned", &["t"]).await else { panic!() };
    assert_eq!(warned.verdict, Verdict::Warned);
    let Message::DqFailed(bad) = mill.judge("bad", &["t"]).await else { panic!() };
    assert_eq!(bad.verdict, Verdict::Failed);
    assert_eq!(bad.failure, Failure::permanent("1 of 2 checks failed: RAW.T.row_count (1 row)"));
    let lines = mill.ledger.stage_lines(&id("bad")).await.unwrap();
    assert_eq!(lines[0].status, StageStatus::Failed);
    assert_eq!(lines[0].error.as_deref(), Some("1 of 2 checks failed: RAW.T.row_count (1 row)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivery_writes_nothing_and_says_the_same() {
    let mut mill = mill().await;
    let load_id = r#"dag'; DROP TABLE RAW."T"; --::run+1\"#;
    mill.load("t", load_id, at(NOON), &[&["1"]]).await;
    let mut work = transformed(load_id, &["t"]);
    let first = mill.handle(std::slice::from_ref(&work)).await.remove(0);
    assert_eq!(first.correlation_id, Some(work.envelope.id));
    assert_eq!(first.trace.trace_id(), work.envelope.trace.trace_id());
    // What came meanwhile does not change what was announced.
    mill.load("t", load_id, at(NOON), &[&["1"], &["2"], &["3"]]).await;
    work.attempt = 2;
    // The second copy may wait together with a third.
    for again in mill.handle(&[work.clone(), work]).await {
        assert_eq!((again.id, &again.message), (first.id, &first.message));
    }
    assert_eq!(mill.ledger.stage_lines(&id(load_id)).await.unwrap().len(), 1);
    assert_eq!(mill.ledger.quality_lines(&id(load_id)).await.unwrap().len(), 2);
    // Another message about the load is another question.
    assert!(matches!(mill.judge(load_id, &["t"]).await, Message::DqCompleted(_)));
    assert_eq!(mill.ledger.quality_lines(&id(load_id)).await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_in_one_batch_are_judged_once() {
    let mut mill = mill().await;
    mill.load("t", "load", at(NOON), &[&["1"], &["2"]]).await;
    let work = requested("load", &["t"]);
    let told = mill.handle(&[work.clone(), work]).await;
    assert_eq!(told[0].id, told[1].id);
    assert_eq!(mill.ledger.stage_lines(&id("load")).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_that_wait_are_judged_together_each_by_its_own_rows() {
    let mut mill = mill().await;
    let mut work: Vec<Work> = Vec::new();
    for number in 0..20 {
        let load_id = format!("load {number}");
        let rows = vec![vec!["1".to_owned()]; number + 1];
        mill.load_rows("t", &load_id, at(NOON), rows).await;
        work.push(transformed(&load_id, &["t"]));
    }
    work.push(requested("none of its own", &[]));
    let told = mill.handle(&work).await;
    assert!(matches!(told[0].message, Message::DqFailed(_)));
    assert!(matches!(told[1].message, Message::DqCompleted(_)));
    for (number, envelope) in told[..20].iter().enumerate() {
        assert_eq!(envelope.load_id().as_str(), format!("load {number}"));
        let rows = if number == 0 { "1 row".into() } else { format!("{} rows", number + 1) };
        assert_eq!(checks(&envelope.message)[0].observed, rows);
        assert_eq!(mill.ledger.quality_lines(envelope.load_id()).await.unwrap().len(), 2);
    }
    // All sources, by what RAW shows: of loads as new as each other the last one.
    let all = checks(&told[20].message);
    assert_eq!(all.iter().map(|check| check.table.as_str()).collect::<Vec<_>>(), ["RAW.T", "RAW.T", "RAW.U"]);
    assert_eq!(all[0].observed, "20 rows");
    assert_eq!(support::told(&all[2]), (CheckStatus::Warn, None, "0 rows"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_complete_generation_of_a_load_counts() {
    let mut mill = mill().await;
    mill.load("t", "run", at(NOON), &[&["1"]]).await;
    mill.load("t", "run", at(NOON), &[&["1"], &["2"], &["3"]]).await;
    mill.load("t", "newer", at("2026-11-24T12:00:00Z"), &[&["1"]]).await;
    assert_eq!(told(&mill.outcomes("run", &["t"]).await[0]), (CheckStatus::Pass, None, "3 rows"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_source_is_refused_and_given_up() {
    let mut mill = mill().await;
    mill.load("t", "load", at(NOON), &[&["1"], &["2"]]).await;
    let (good, unknown) = (requested("load", &["T"]), requested("load", &["nobody"]));
    let results = mill.handler.handle(&[unknown.clone(), good]).await;
    assert!(results[1].is_ok(), "its neighbour is judged all the same");
    let failure = results[0].as_ref().unwrap_err();
    assert_eq!(failure.class, FailureClass::Permanent);
    assert_eq!(
        failure.message,
        "unknown source \"nobody\": the contracts know t, u; ask for one of these, or add a contract"
    );
    let told = mill.handler.give_up(&unknown, failure).await.unwrap().announce.remove(0);
    let Message::DqFailed(announced) = &told.message else { panic!("{told:?}") };
    assert_eq!((&announced.failure, announced.checks.len()), (failure, 0));
    // Given up twice is given up once.
    let again = mill.handler.give_up(&unknown, failure).await.unwrap().announce.remove(0);
    assert_eq!((again.id, again.message), (told.id, told.message));
    let line = mill.ledger.stage_line(Stage::Dq, unknown.envelope.id).await.unwrap().unwrap();
    assert_eq!((line.status, line.error), (StageStatus::Failed, Some(failure.message.clone())));
    assert_eq!(mill.ledger.stage_lines(&id("load")).await.unwrap().len(), 2);
}
