//! The loop around a stage's queue, on the embedded bus: what is acknowledged, tried again, given up.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cancelled;
mod deadly;
mod deaths;
mod fixture;
mod panics;

use std::time::Duration;

use bus::Bus;
use fixture::{Fixture, Script};
use messages::{Failure, FailureClass, LoadId, Message, Stage};

#[tokio::test]
async fn what_is_handled_is_announced_and_gone() {
    let fixture = Fixture::start().await;
    let load_id = LoadId::new("good").unwrap();
    let mut answers = fixture.bus.listen(&load_id, &["dq.completed"]).await.unwrap();
    fixture.ask("good").await;
    let answer = answers.next_within(Duration::from_secs(30)).await.unwrap().expect("an answer");
    assert_eq!(answer.envelope().unwrap().load_id(), &load_id);
    fixture.until_settled().await;
    assert_eq!(fixture.tries("good"), [1]);
    fixture.stop.cancel();
    fixture.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn transient_failures_are_tried_again_and_then_given_up() {
    let fixture = Fixture::start().await;
    fixture.ask("later").await;
    fixture.ask("never").await;
    fixture.until_settled().await;
    assert_eq!(fixture.tries("later"), [1, 2, 3]);
    assert_eq!(fixture.tries("never"), [1, 2, 3, 4]);
    assert_eq!(fixture.given_up(), ["never"]);
    let dead = fixture.bus.dead(None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].attempts, dead[0].cause.class), (1, 4, FailureClass::Transient));
}

#[tokio::test]
async fn permanent_failures_are_given_up_at_once_and_replayed_when_asked() {
    let fixture = Fixture::start().await;
    fixture.ask("bad").await;
    fixture.until_settled().await;
    assert_eq!(fixture.tries("bad"), [1]);
    let dead = fixture.bus.dead(Some(Stage::Dq), 10).await.unwrap();
    assert_eq!(dead[0].cause, Failure::permanent("bad input"));
    assert_eq!(fixture.bus.replay(&[dead[0].dead_id.clone()]).await.unwrap().len(), 1);
    fixture.until_settled().await;
    assert_eq!(fixture.tries("bad"), [1, 1]);
}

#[tokio::test]
async fn a_dry_run_that_is_given_up_is_answered_and_never_dead_lettered() {
    let fixture = Fixture::start().await;
    for (load_id, tries, cause) in
        [("never", vec![1, 2, 3, 4], "not yet"), ("panics", vec![1], "a wheel of panics is missing")]
    {
        let asked = LoadId::new(load_id).unwrap();
        let mut answers = fixture.bus.listen(&asked, &["dq.dry_run.completed"]).await.unwrap();
        fixture.ask_dry(load_id).await;
        let answer =
            answers.next_within(Duration::from_secs(30)).await.unwrap().expect("an answer").envelope().unwrap();
        let Message::DqDryRunCompleted(told) = answer.message else { panic!("{answer:?}") };
        assert!(told.failure.as_ref().is_some_and(|failure| failure.message.contains(cause)), "{told:?}");
        fixture.until_settled().await;
        assert_eq!(fixture.tries(load_id), tries);
    }
    assert!(fixture.bus.dead(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn garbage_is_kept_and_does_not_stop_the_loop() {
    let fixture = Fixture::start().await;
    fixture.bus.publish_raw(Stage::Dq, b"\xff not a message".to_vec()).await.unwrap();
    fixture.ask("good").await;
    fixture.until_settled().await;
    assert_eq!(fixture.tries("good"), [1]);
    assert_eq!(fixture.bus.dead(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_fatal_failure_ends_the_loop_and_keeps_the_message() {
    let fixture = Fixture::start().await;
    fixture.ask("wrong").await;
    let failure = fixture.running.await.unwrap().unwrap_err();
    assert_eq!(failure, Failure::fatal("no configuration for this"));
    let depths = fixture.bus.depths().await.unwrap();
    assert_eq!(depths.iter().map(|depth| depth.unsettled() + depth.dead).sum::<u64>(), 1);
}

#[tokio::test]
async fn a_patient_handler_gets_what_comes_meanwhile_and_an_impatient_one_waits_for_nobody() {
    let fixture = Fixture::start_after(&["patient"], Script::of(2), |bus| bus).await;
    fixture.until_in_hand(1).await;
    fixture.ask("good").await;
    fixture.until_settled().await;
    assert_eq!(fixture.batches(), [["patient", "good"]]);
    fixture.ask("good").await;
    fixture.until_settled().await;
    assert_eq!(fixture.batches().len(), 2);
}

#[tokio::test]
async fn a_stop_ends_the_waiting_and_what_was_gathered_is_handled() {
    let fixture = Fixture::start_after(&["patient"], Script::of(2), |bus| bus).await;
    fixture.until_in_hand(1).await;
    fixture.stop.cancel();
    fixture.running.await.unwrap().unwrap();
    assert_eq!(fixture.script.batches.lock().unwrap().as_slice(), [["patient"]]);
}
