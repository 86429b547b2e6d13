//! What a bus tells of itself.

use std::time::Duration;

use chrono::Utc;
use messages::{Envelope, Failure, Stage};

use super::Fixture;
use super::support::{depth, envelope, next};
use crate::Bus;

/// Ready, delayed, in hand, dead: every message is counted once, at its place.
pub async fn depths_tell_where_every_message_is(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    for _ in 0..6 {
        bus.publish(&envelope()).await.unwrap();
    }
    let mut consumer = bus.consume(Stage::Ingest, 2).await.unwrap();
    let delivery = next(&mut *consumer).await;
    delivery.dead_letter(&Failure::permanent("why")).await.unwrap();
    let delivery = next(&mut *consumer).await;
    delivery.retry(Duration::from_secs(3_600), &Failure::transient("later")).await.unwrap();
    let _in_hand = (next(&mut *consumer).await, next(&mut *consumer).await);

    let told =
        depth(&*bus, Stage::Ingest, |depth| (depth.ready, depth.delayed, depth.in_hand, depth.dead) == (2, 1, 2, 1))
            .await;
    assert_eq!(told.unsettled(), 5);
    assert!(told.oldest_secs.is_none_or(|secs| secs < 60));

    let depths = bus.depths().await.unwrap();
    assert_eq!(depths.iter().map(|depth| depth.stage).collect::<Vec<_>>(), Stage::ALL);
    assert!(depths[1..].iter().all(|depth| depth.unsettled() + depth.dead == 0));
    assert!(depths[1..].iter().all(|depth| depth.oldest_secs.is_none()));
}

/// The oldest message tells how long it has waited to whoever asks, and waits on, untried.
pub async fn the_oldest_tells_its_age_and_stays(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    for stage in Stage::ALL {
        assert_eq!(bus.oldest_secs(stage).await.unwrap(), None, "{stage}");
    }
    let old = Envelope { time: Utc::now() - chrono::Duration::seconds(100), ..envelope() };
    for sent in [old, envelope()] {
        bus.publish(&sent).await.unwrap();
    }
    // A bus may count from the message's own time, or from its coming.
    let age = bus.oldest_secs(Stage::Ingest).await.unwrap().unwrap();
    assert!(age < 60 || (100..160).contains(&age), "{age} s");
    let mut consumer = bus.consume(Stage::Ingest, 2).await.unwrap();
    for _ in 0..2 {
        let delivery = next(&mut *consumer).await;
        assert_eq!((delivery.attempt(), delivery.deaths()), (1, 0));
        delivery.ack().await.unwrap();
    }
    depth(&*bus, Stage::Ingest, |depth| depth.unsettled() == 0).await;
}

/// Consumers are counted over all handles, each at its stage, until they are dropped.
pub async fn depths_tell_who_consumes(bus: &impl Fixture) {
    let (here, there) = (bus.open("here").await, bus.open("there").await);
    let consume = async |bus: &dyn Bus, stage| bus.consume(stage, 1).await.unwrap();
    let told = async |ingest, dq| {
        depth(&*here, Stage::Ingest, |depth| depth.consumers.is_none_or(|told| told == ingest)).await;
        depth(&*there, Stage::Dq, |depth| depth.consumers.is_none_or(|told| told == dq)).await;
    };
    told(0, 0).await;
    let one = consume(&*here, Stage::Ingest).await;
    let two = consume(&*there, Stage::Ingest).await;
    let _judge = consume(&*there, Stage::Dq).await;
    told(2, 1).await;
    drop(one);
    told(1, 1).await;
    drop(two);
    told(0, 1).await;
}

/// A usable bus says what it is.
pub async fn the_check_names_the_bus(bus: &impl Fixture) {
    assert!(!bus.open("a").await.check().await.unwrap().is_empty());
}
