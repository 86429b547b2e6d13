//! The end of a process.

use std::collections::BTreeSet;

use messages::Stage;

use super::Fixture;
use super::support::{envelope, next};

/// What a process dropped or had fetched ahead when it closed the bus is another's, as if nobody had touched it.
pub async fn closed_it_gives_back_what_was_dropped(bus: &impl Fixture) {
    let closed = bus.open("closed").await;
    let mut sent = BTreeSet::new();
    for envelope in std::iter::repeat_with(envelope).take(3) {
        closed.publish(&envelope).await.unwrap();
        sent.insert(envelope.id);
    }
    let mut consumer = closed.consume(Stage::Ingest, 3).await.unwrap();
    drop((next(&mut *consumer).await, next(&mut *consumer).await));
    drop(consumer);
    closed.close().await;

    let mut consumer = bus.open("another").await.consume(Stage::Ingest, 3).await.unwrap();
    let mut got = BTreeSet::new();
    while got.len() < sent.len() {
        let delivery = next(&mut *consumer).await;
        assert_eq!((delivery.attempt(), delivery.deaths()), (1, 0));
        got.insert(delivery.envelope().unwrap().id);
        delivery.ack().await.unwrap();
    }
    assert_eq!(got, sent);
}
