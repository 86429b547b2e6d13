//! Commands that are taken back: before they are begun, while they are in hand, together with others.

use std::time::Duration;

use bus::{Bus, Consumer};
use messages::{Envelope, FailureClass, LoadId, Message, MessageId, Stage};

use crate::fixture::{Fixture, Script, command};

const ANSWERS: &[&str] = &["dq.completed", "dq.failed"];

/// The one answer that comes, and that it is of the class `cancelled`.
async fn cancelled(answers: &mut dyn Consumer, command: MessageId) -> Envelope {
    let answer = answers.next_within(Duration::from_secs(30)).await.unwrap().expect("an answer").envelope().unwrap();
    let Message::DqFailed(failed) = &answer.message else { panic!("{answer:?}") };
    assert_eq!((failed.failure.class, answer.correlation_id), (FailureClass::Cancelled, Some(command)));
    answer
}

async fn nothing_is_dead(fixture: &Fixture) {
    fixture.until_settled().await;
    assert!(fixture.bus.dead(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_in_hand_hears_of_it_and_is_answered() {
    let fixture = Fixture::start().await;
    let endless = command("endless");
    let mut answers = fixture.bus.listen(endless.load_id(), ANSWERS).await.unwrap();
    fixture.bus.publish(&endless).await.unwrap();
    fixture.until_in_hand(1).await;
    // Others are no concern of it.
    fixture.take_back("endless", MessageId::fresh(), "another one").await;
    fixture.take_back("another load", endless.id, "another one").await;
    assert!(answers.next_within(Duration::from_millis(200)).await.unwrap().is_none());
    fixture.take_back("endless", endless.id, "a typo").await;
    cancelled(&mut *answers, endless.id).await;
    nothing_is_dead(&fixture).await;
    assert_eq!(fixture.given_up(), ["endless"]);
    // Whoever took it from the queue recorded it too.
    assert_eq!(fixture.script.taken_back.lock().unwrap().len(), 3);
    assert_eq!(fixture.tries("endless"), [0; 0]);
}

/// It stands behind the command in the queue, in one batch with it.
#[tokio::test]
async fn of_a_batch_what_is_taken_back_is_known_before_anything_is_begun() {
    let waiting = ["a", "b", "cancel b", "c"];
    let fixture = Fixture::start_after(&waiting, Script::of(10), |bus| bus).await;
    nothing_is_dead(&fixture).await;
    assert_eq!(fixture.batches(), [["a", "b", "c"]]);
    assert_eq!(fixture.given_up(), ["b"]);
}

/// One at a time: its turn comes when the command is done, and changes nothing.
#[tokio::test]
async fn what_is_done_stays_done() {
    let fixture = Fixture::start_after(&["a", "cancel a", "a"], Script::of(1), |bus| bus).await;
    nothing_is_dead(&fixture).await;
    assert_eq!((fixture.tries("a"), fixture.given_up().len()), (vec![1, 1], 0));
}

#[tokio::test]
async fn a_cancel_that_came_first_holds_for_the_command_and_not_for_the_next() {
    let fixture = Fixture::start().await;
    let (early, next) = (command("early"), command("early"));
    let mut answers = fixture.bus.listen(early.load_id(), ANSWERS).await.unwrap();
    for _ in 0..2 {
        fixture.take_back("early", early.id, "a typo").await;
    }
    fixture.until_settled().await;
    fixture.bus.publish(&early).await.unwrap();
    let answer = cancelled(&mut *answers, early.id).await;
    fixture.bus.publish(&early).await.unwrap();
    assert_eq!(cancelled(&mut *answers, early.id).await.id, answer.id, "a copy is answered the same");
    fixture.bus.publish(&next).await.unwrap();
    let done = answers.next_within(Duration::from_secs(30)).await.unwrap().expect("an answer").envelope().unwrap();
    assert_eq!((done.message.type_name(), done.correlation_id), ("dq.completed", Some(next.id)));
    nothing_is_dead(&fixture).await;
}

#[tokio::test]
async fn one_that_can_not_be_recorded_yet_is_tried_again_and_in_the_end_kept() {
    let fixture = Fixture::start().await;
    fixture.take_back("a", MessageId::fresh(), "hard to record").await;
    nothing_is_dead(&fixture).await;
    assert_eq!(fixture.script.taken_back.lock().unwrap()[0].1, 3, "tries");
    fixture.take_back("a", MessageId::fresh(), "never recorded").await;
    fixture.until_settled().await;
    let dead = fixture.bus.dead(Some(Stage::Dq), 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].load_id.clone()), (1, Some(LoadId::new("a").unwrap())));
    assert!(fixture.given_up().is_empty(), "nobody waits for an answer to it");
}
