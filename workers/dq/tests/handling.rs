//! How messages are handled: exactly-once effects, verdicts, loads judged together.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use messages::{
    CheckStatus, DqDryRunCompleted, DqDryRunRequested, DqRequested, Envelope, Failure, FailureClass, Message, Stage,
    Verdict,
};
use runtime::{Handler, Work};
use serde_json::json;
use support::{Mill, On, at, checks, contract, id, requested, told, transformed};
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

/// `dq.dry_run.requested`.
fn dry_run(load_id: &str, sources: &[&str]) -> Work {
    let sources = sources.iter().map(|&source| source.to_owned()).collect();
    Work::new(Envelope::new("test", DqDryRunRequested(DqRequested { load_id: id(load_id), sources })), 1)
}

fn told_of(envelope: &Envelope) -> &DqDryRunCompleted {
    let Message::DqDryRunCompleted(told) = &envelope.message else { panic!("{envelope:?}") };
    told
}

async fn judges_without_a_trace(on: On) {
    let checks =
        json!([{"kind": "row_count", "min": 2}, {"kind": "null_share", "column": "x", "max": 0, "severity": "warn"}]);
    let mut mill = Mill::on(on, [contract("t", &["x"], checks)]).await;
    mill.load("t", "warned", at(NOON), &[&["1"], &[""]]).await;
    mill.load("t", "bad", at(NOON), &[&["1"]]).await;
    let asked = [dry_run("warned", &["t"]), dry_run("bad", &["t"]), dry_run("bad", &["nobody"])];
    let first = mill.handle(&asked).await;
    let verdicts: Vec<_> = first.iter().map(|answer| (told_of(answer).verdict, told_of(answer).checks.len())).collect();
    assert_eq!(verdicts, [(Some(Verdict::Warned), 2), (Some(Verdict::Failed), 2), (None, 0)]);
    let failures: Vec<_> = first.iter().map(|answer| told_of(answer).failure.clone()).collect();
    assert_eq!(failures[..2], [None, Some(Failure::permanent("1 of 2 checks failed: RAW.T.row_count (1 row)"))]);
    assert!(failures[2].as_ref().unwrap().message.starts_with("unknown source \"nobody\""), "{:?}", failures[2]);
    for load_id in ["warned", "bad"] {
        assert!(mill.ledger.stage_lines(&id(load_id)).await.unwrap().is_empty());
        assert!(mill.ledger.quality_lines(&id(load_id)).await.unwrap().is_empty());
    }
    // It is no memory: asked again it looks again, and says it under the same id.
    mill.load("t", "bad", at(NOON), &[&["1"], &["2"]]).await;
    let again = mill.handle(&asked[1..2]).await.remove(0);
    assert_eq!((again.id, told_of(&again).verdict), (first[1].id, Some(Verdict::Passed)));
    // And it is no obstacle.
    assert!(matches!(mill.judge("bad", &["t"]).await, Message::DqCompleted(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_the_verdict_and_records_nothing() {
    judges_without_a_trace(On::DuckDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_on_snowflake_tells_the_verdict_and_records_nothing() {
    judges_without_a_trace(On::Snowflake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_runs_wait_together_with_others_and_are_answered_apart() {
    let mut mill = mill().await;
    mill.load("t", "load", at(NOON), &[&["1"], &["2"]]).await;
    let work = [dry_run("load", &["t"]), requested("load", &["t"]), dry_run("load", &[]), transformed("load", &["u"])];
    let told: Vec<String> = mill.handle(&work).await.iter().map(|told| told.message.type_name().to_owned()).collect();
    assert_eq!(told, ["dq.dry_run.completed", "dq.completed", "dq.dry_run.completed", "dq.completed"]);
    assert_eq!(mill.ledger.stage_lines(&id("load")).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_that_is_given_up_is_answered_and_leaves_no_line() {
    let mut mill = mill().await;
    let work = dry_run("load", &["t"]);
    let away = Failure::transient("the warehouse is away");
    let answer = mill.handler.give_up(&work, &away).await.unwrap().announce.remove(0);
    assert_eq!((told_of(&answer).verdict, told_of(&answer).failure.as_ref()), (None, Some(&away)));
    assert!(mill.ledger.stage_lines(&id("load")).await.unwrap().is_empty());
}
