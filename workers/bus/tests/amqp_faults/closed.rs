//! The broker closes a channel, because a delivery was held for longer than its `consumer_timeout`.

use std::sync::OnceLock;

use messages::Stage;
use millrace_bus::conformance::{next, nothing_comes};
use millrace_bus::{Bus, Delivery};
use testkit::{Broker, Options};

use crate::lines;
use crate::support::{Rabbit, blocking, command, id, publish, until};

/// A broker with a short time-out and TLS, for more than one test because each takes seconds to start.
pub fn strict() -> Rabbit {
    static STRICT: OnceLock<Broker> = OnceLock::new();
    let options = || Options { consumer_timeout_millis: Some(1_000), tls: true, ..Options::default() };
    blocking(|| Rabbit::at(STRICT.get_or_init(|| Broker::start(options()))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_holds_a_delivery_too_long_keeps_it() {
    let rabbit = strict();
    let bus = rabbit.open(20).await;
    let ids = publish(&bus, Stage::Ingest, 2).await;
    let mut consumer = bus.consume(Stage::Ingest, 3).await.unwrap();
    let held = [next(&mut *consumer).await, next(&mut *consumer).await];
    for _ in 0..2 {
        let before = held.each_ref().map(times_back);
        until("the return of both", || (0..2).all(|at| times_back(&held[at]) > before[at])).await;
    }
    let late = command(Stage::Ingest);
    bus.publish(&late).await.unwrap();
    let delivery = next(&mut *consumer).await;
    assert_eq!(delivery.envelope().unwrap(), late, "what was in hand was handed out again");
    delivery.ack().await.unwrap();
    for delivery in held {
        assert!(ids.contains(&id(&delivery)));
        delivery.ack().await.unwrap();
    }
    rabbit.until_number(&Stage::Ingest.queue(), "messages", 0).await;
    until("the consumer is listed", || rabbit.consumers(Stage::Ingest).len() == 1).await;
    assert_eq!(rabbit.consumers(Stage::Ingest)[0]["prefetch_count"], 3);
    nothing_comes(&mut *consumer).await;
}

/// How often it was handed out again to the one who has it in hand.
fn times_back(held: &Delivery) -> usize {
    lines::with(&["came back", &id(held).to_string()]).len()
}

/// Where another process waits for its turn the message goes there: handled twice, and never lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_held_too_long_goes_to_the_next_single_consumer() {
    let rabbit = strict();
    let (first, second) = (rabbit.open(20).await, rabbit.open(20).await);
    let sent = command(Stage::Transform);
    first.publish(&sent).await.unwrap();
    let mut active = first.consume(Stage::Transform, 1).await.unwrap();
    let held = next(&mut *active).await;
    let mut waiting = second.consume(Stage::Transform, 1).await.unwrap();
    let again = next(&mut *waiting).await;
    assert_eq!((again.envelope().unwrap(), again.deaths()), (sent.clone(), 1));
    again.ack().await.unwrap();
    let error = held.ack().await.unwrap_err().to_string();
    assert!(error.contains("comes again"), "{error}");
    rabbit.until_number(&Stage::Transform.queue(), "messages", 0).await;
    // Both go on: whichever has the turn takes what comes next.
    let late = command(Stage::Transform);
    second.publish(&late).await.unwrap();
    let delivery = tokio::select! {
        delivery = next(&mut *active) => delivery,
        delivery = next(&mut *waiting) => delivery,
    };
    assert_eq!(delivery.envelope().unwrap(), late);
    delivery.ack().await.unwrap();
}
