//! Messages whose command was taken back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use messages::{CancelRequested, DqCancelRequested, Envelope, Failure, FailureClass, Message, Stage, TraceContext};
use runtime::{Cancels, Handler, Work};
use serde_json::json;
use support::{Mill, at, contract, id, requested, transformed};
use warehouse::StageStatus;

const NOON: &str = "2026-11-23T12:00:00Z";

async fn mill() -> Mill {
    let mill = Mill::new([contract("t", &["x"], json!([{"kind": "row_count", "min": 1}]))]).await;
    mill.load("t", "load", at(NOON), &[&["1"]]).await;
    mill
}

fn cancel(of: &Work) -> CancelRequested {
    let (load_id, command_id) = (of.envelope.load_id().clone(), of.envelope.id);
    CancelRequested { load_id, command_id, reason: Some("a typo".into()) }
}

/// Takes a command back, as the worker does it that finds the cancel in its queue.
async fn take_back(mill: &mut Mill, of: &Work) {
    let cancel = cancel(of);
    let work = Work::new(Envelope::new("test", DqCancelRequested(cancel.clone())), 1);
    mill.handler.cancel(&work, &cancel).await.unwrap();
}

/// Handles it as the loop does, and expects that it ends as cancelled.
async fn cancelled(mill: &mut Mill, work: &Work) -> Envelope {
    let failure = mill.handler.handle(std::slice::from_ref(work)).await.remove(0).unwrap_err();
    assert_eq!(failure, Failure::cancelled("cancelled: a typo"));
    let told = mill.handler.give_up(work, &failure).await.unwrap().announce.remove(0);
    let Message::DqFailed(failed) = &told.message else { panic!("{told:?}") };
    assert_eq!((failed.failure.class, failed.checks.len()), (FailureClass::Cancelled, 0));
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_is_not_judged_and_its_neighbours_are() {
    let mut mill = mill().await;
    let (work, neighbour) = (transformed("load", &["t"]), requested("load", &["t"]));
    take_back(&mut mill, &work).await;
    let results = mill.handler.handle(&[work.clone(), neighbour]).await;
    assert!(results[0].is_err() && results[1].is_ok());
    let told = cancelled(&mut mill, &work).await;
    let again = cancelled(&mut mill, &work).await;
    assert_eq!((again.id, &again.message), (told.id, &told.message));
    let line = mill.ledger.stage_line(Stage::Dq, work.envelope.id).await.unwrap().unwrap();
    assert_eq!((line.status, line.error.as_deref()), (StageStatus::Cancelled, Some("cancelled: a typo")));
    assert_eq!(mill.ledger.quality_lines(&id("load")).await.unwrap().len(), 1, "the neighbour's");
}

/// No worker has found it in the queue yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_heard_of_counts_too() {
    let mut mill = mill().await;
    let cancels = Cancels::default();
    let work = requested("load", &["t"]).heeding(&cancels);
    cancels.hear(&cancel(&work), TraceContext::root());
    cancelled(&mut mill, &work).await;
    // And then it holds for those that have not heard of it.
    cancelled(&mut mill, &Work::new(work.envelope.clone(), 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_judged_stays_judged() {
    let mut mill = mill().await;
    let work = requested("load", &["t"]);
    let verdict = mill.handle(std::slice::from_ref(&work)).await.remove(0);
    take_back(&mut mill, &work).await;
    let again = mill.handle(std::slice::from_ref(&work)).await.remove(0);
    assert_eq!((again.id, &again.message), (verdict.id, &verdict.message));
    // One who has not seen that, because another worker judged it meanwhile, says what stands.
    let late = mill.handler.give_up(&work, &cancel(&work).failure()).await.unwrap().announce.remove(0);
    assert_eq!((late.id, &late.message), (verdict.id, &verdict.message));
    assert_eq!(mill.ledger.stage_lines(&id("load")).await.unwrap().len(), 2, "a verdict and a cancel");
}

/// Another worker had it in hand too, and was quicker: a bad verdict is an end as a good one is, and so is none at all.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_worker_could_not_find_good_is_not_cancelled_besides() {
    let mut mill = Mill::new([contract("t", &["x"], json!([{"kind": "row_count", "min": 7}]))]).await;
    mill.load("t", "load", at(NOON), &[&["1"]]).await;
    let (judged, unjudged) = (requested("load", &["t"]), requested("load", &["t"]));
    let verdict = mill.handle(std::slice::from_ref(&judged)).await.remove(0);
    let away = Failure::transient("the warehouse was away for too long");
    let given_up = mill.handler.give_up(&unjudged, &away).await.unwrap().announce.remove(0);
    for (work, end) in [(&judged, verdict), (&unjudged, given_up)] {
        assert!(matches!(end.message, Message::DqFailed(_)), "{end:?}");
        let late = mill.handler.give_up(work, &cancel(work).failure()).await.unwrap().announce.remove(0);
        assert_eq!((late.id, &late.message), (end.id, &end.message));
        assert_eq!(
            mill.ledger.stage_line(Stage::Dq, work.envelope.id).await.unwrap().unwrap().status,
            StageStatus::Failed
        );
    }
    assert_eq!(mill.ledger.stage_lines(&id("load")).await.unwrap().len(), 2);
}

/// Given up because it could not be judged, taken back too late, and replayed.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_judged_is_judged_when_somebody_replays_it() {
    let mut mill = mill().await;
    let cancels = Cancels::default();
    let work = requested("load", &["t"]).heeding(&cancels);
    mill.handler.give_up(&work, &Failure::transient("the warehouse was away for too long")).await.unwrap();
    take_back(&mut mill, &work).await;
    cancels.hear(&cancel(&work), TraceContext::root());
    let verdict = mill.handle(std::slice::from_ref(&work)).await.remove(0);
    assert!(matches!(verdict.message, Message::DqCompleted(_)), "{verdict:?}");
}
