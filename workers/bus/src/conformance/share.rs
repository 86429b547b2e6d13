//! Many consumers of one queue.

use std::collections::BTreeSet;
use std::time::Duration;

use messages::Stage;

use super::Fixture;
use super::support;
use super::support::{depth, envelope, next, nothing_comes};

/// While one worker has a message in hand no other gets it.
pub async fn each_message_goes_to_one_consumer(bus: &impl Fixture) {
    let (here, there) = (bus.open("here").await, bus.open("there").await);
    let mut one = here.consume(Stage::Ingest, 1).await.unwrap();
    let mut two = there.consume(Stage::Ingest, 1).await.unwrap();
    let sent: BTreeSet<_> = publish(&*here, 20).await;
    let mut got = BTreeSet::new();
    while got.len() < sent.len() {
        let (first, second) = (next(&mut *one).await, next(&mut *two).await);
        for delivery in [first, second] {
            assert!(got.insert(delivery.envelope().unwrap().id), "a message came twice");
            delivery.ack().await.unwrap();
        }
    }
    assert_eq!(got, sent);
}

/// A consumer gets no more until it has settled one.
pub async fn prefetch_is_the_most_in_hand(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    publish(&*bus, 3).await;
    let mut consumer = bus.consume(Stage::Ingest, 2).await.unwrap();
    let one = next(&mut *consumer).await;
    let _two = next(&mut *consumer).await;
    nothing_comes(&mut *consumer).await;
    one.ack().await.unwrap();
    next(&mut *consumer).await.ack().await.unwrap();
}

/// A prefetch of 0 works as 1, because a consumer that gets nothing is of no use.
pub async fn a_prefetch_of_nothing_is_one(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    publish(&*bus, 2).await;
    let mut consumer = bus.consume(Stage::Ingest, 0).await.unwrap();
    let _one = next(&mut *consumer).await;
    nothing_comes(&mut *consumer).await;
}

/// However often a wait is cancelled, each message is handed out once and as a first attempt.
pub async fn next_can_be_cancelled(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let mut consumer = bus.consume(Stage::Ingest, 4).await.unwrap();
    let publishing = publish(&*bus, 60);
    let consuming = async {
        let mut got = BTreeSet::new();
        let mut micros = 0;
        let deadline = tokio::time::Instant::now() + super::SOON;
        while got.len() < 60 {
            assert!(tokio::time::Instant::now() < deadline, "only {} of 60 came", got.len());
            // Waits of many lengths, so that every point of the way is hit.
            micros = (micros + 37) % 1_500;
            if let Some(delivery) = consumer.next_within(Duration::from_micros(micros)).await.unwrap() {
                assert_eq!(delivery.attempt(), 1);
                assert!(got.insert(delivery.envelope().unwrap().id), "a message came twice");
                delivery.ack().await.unwrap();
            }
        }
        got
    };
    let (sent, got) = tokio::join!(publishing, consuming);
    assert_eq!(sent, got);
    depth(&*bus, Stage::Ingest, |depth| depth.unsettled() == 0).await;
}

/// What a consumer fetched ahead is free for others when it goes away.
pub async fn a_dropped_consumer_gives_back_what_it_fetched(bus: &impl Fixture) {
    let (here, there) = (bus.open("here").await, bus.open("there").await);
    let sent = publish(&*here, 5).await;
    let mut gone = here.consume(Stage::Ingest, 10).await.unwrap();
    let first = next(&mut *gone).await;
    let mut got = BTreeSet::from([first.envelope().unwrap().id]);
    first.ack().await.unwrap();
    // One more wait that is given up, with a message perhaps on its way.
    let _ = gone.next_within(Duration::ZERO).await.unwrap();
    drop(gone);
    let mut consumer = there.consume(Stage::Ingest, 1).await.unwrap();
    while got.len() < sent.len() {
        let delivery = next(&mut *consumer).await;
        assert_eq!(delivery.attempt(), 1);
        got.insert(delivery.envelope().unwrap().id);
        delivery.ack().await.unwrap();
    }
    assert_eq!(got, sent);
}

/// A worker changes its consumer and finishes what it had of the old one, also where one consumer is active at a time.
pub async fn what_a_dropped_consumer_handed_out_stays_in_hand(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    for stage in [Stage::Transform, Stage::Dq] {
        let commands = || match stage {
            Stage::Transform => support::transform(),
            _ => support::dq(),
        };
        let sent = [commands(), commands()];
        for envelope in &sent {
            bus.publish(envelope).await.unwrap();
        }
        let mut old = bus.consume(stage, 1).await.unwrap();
        let held = next(&mut *old).await;
        drop(old);
        let mut new = bus.consume(stage, 10).await.unwrap();
        let other = next(&mut *new).await;
        let ids = BTreeSet::from([&held, &other].map(|delivery| delivery.envelope().unwrap().id));
        assert_eq!(ids, sent.iter().map(|envelope| envelope.id).collect());
        nothing_comes(&mut *new).await;
        held.ack().await.unwrap();
        other.ack().await.unwrap();
        depth(&*bus, stage, |depth| depth.unsettled() + depth.dead == 0).await;
    }
}

async fn publish(bus: &dyn crate::Bus, count: usize) -> BTreeSet<messages::MessageId> {
    let mut ids = BTreeSet::new();
    for envelope in std::iter::repeat_with(envelope).take(count) {
        bus.publish(&envelope).await.unwrap();
        ids.insert(envelope.id);
    }
    ids
}
