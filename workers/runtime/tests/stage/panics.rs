//! A handler that panics costs one message, not the worker.

use bus::Bus;
use messages::{Failure, FailureClass};

use crate::fixture::{Fixture, Script};

const TEXT: &str = "the worker panicked: a wheel of panics is missing; this is a defect of millrace, please report it";

#[tokio::test]
async fn a_panic_is_given_up_and_the_loop_goes_on() {
    let fixture = Fixture::start().await;
    fixture.ask("panics").await;
    fixture.ask("good").await;
    fixture.until_settled().await;
    assert_eq!(fixture.tries("panics"), [1], "it would panic again");
    assert_eq!(fixture.tries("good"), [1]);
    let given_up = fixture.script.given_up.lock().unwrap().clone();
    assert_eq!(given_up, [("panics".to_owned(), Failure::permanent(TEXT))]);
    let dead = fixture.bus.dead(None, 10).await.unwrap();
    assert_eq!((dead.len(), &dead[0].cause), (1, &Failure::permanent(TEXT)));
    fixture.stop.cancel();
    fixture.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_batch_that_panics_is_handled_one_by_one() {
    let fixture = Fixture::start_after(&["a", "panics", "b", "bad", "c"], Script::of(10), |bus| bus).await;
    fixture.until_settled().await;
    let batches = fixture.batches();
    assert_eq!(batches[0], ["a", "panics", "b", "bad", "c"], "together first");
    assert_eq!(batches[1..], [["a"], ["panics"], ["b"], ["bad"], ["c"]], "then each alone, in order");
    assert_eq!(fixture.given_up(), ["panics", "bad"]);
    assert_eq!(fixture.bus.dead(None, 10).await.unwrap().len(), 2);
    // The next batch is a batch again.
    fixture.ask("d").await;
    fixture.until_settled().await;
    assert_eq!(fixture.tries("d"), [1]);
}

#[tokio::test]
async fn a_panic_while_giving_up_is_dead_lettered_all_the_same() {
    let fixture = Fixture::start().await;
    fixture.ask("panics twice").await;
    fixture.ask("good").await;
    fixture.until_settled().await;
    assert_eq!(fixture.given_up(), ["panics twice"]);
    let dead = fixture.bus.dead(None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].cause.class), (1, FailureClass::Permanent));
    let cause = &dead[0].cause.message;
    assert!(cause.contains("a wheel of panics twice is missing"), "{cause}");
    assert_eq!(cause.matches("the worker panicked").count(), 2, "{cause}");
    assert_eq!(fixture.tries("good"), [1]);
}
