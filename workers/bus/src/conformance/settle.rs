//! What becomes of a delivery.

use std::time::{Duration, Instant};

use messages::{Failure, Stage};

use super::Fixture;
use super::support::{depth, envelope, next};

/// A delivery that is dropped (a panic, a cancelled task) comes again, and nobody is blamed.
pub async fn dropped_it_comes_again_uncounted(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let sent = envelope();
    bus.publish(&sent).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    for _ in 0..3 {
        let delivery = next(&mut *consumer).await;
        assert_eq!(delivery.envelope().unwrap(), sent);
        assert_eq!(delivery.attempt(), 1);
        drop(delivery);
    }
}

/// A delivery that was not begun is another worker's, at once and uncounted.
pub async fn given_back_it_comes_again_at_once_uncounted(bus: &impl Fixture) {
    let (here, there) = (bus.open("here").await, bus.open("there").await);
    here.publish(&envelope()).await.unwrap();
    let mut leaving = here.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *leaving).await;
    delivery.give_back().await.unwrap();
    drop(leaving);
    let mut staying = there.consume(Stage::Ingest, 1).await.unwrap();
    assert_eq!(next(&mut *staying).await.attempt(), 1);
}

/// A retried delivery comes again when its delay is over, not before, as the next attempt.
pub async fn retried_it_comes_after_the_delay_counted(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let sent = envelope();
    bus.publish(&sent).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    let (started, delay) = (Instant::now(), Duration::from_millis(1_000));
    delivery.retry(delay, &Failure::transient("the lock is held")).await.unwrap();
    depth(&*bus, Stage::Ingest, |depth| depth.delayed == 1 && depth.ready == 0).await;
    let again = next(&mut *consumer).await;
    // Clocks count in milliseconds and may round down.
    assert!(started.elapsed() + Duration::from_millis(2) >= delay, "after {:?}", started.elapsed());
    assert_eq!(again.attempt(), 2);
    assert_eq!(again.envelope().unwrap(), sent);
}

/// One that waits for its retry holds up nobody, not even with a prefetch of 1.
pub async fn a_retry_lets_others_pass(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let (first, second) = (envelope(), envelope());
    bus.publish(&first).await.unwrap();
    bus.publish(&second).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    delivery.retry(Duration::from_secs(3_600), &Failure::transient("later")).await.unwrap();
    assert_eq!(next(&mut *consumer).await.envelope().unwrap().id, second.id);
}

/// Each retry counts one; what is given back or dropped between them does not.
pub async fn attempts_add_up(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    bus.publish(&envelope()).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    for attempt in 1..=3 {
        drop(next(&mut *consumer).await);
        next(&mut *consumer).await.give_back().await.unwrap();
        let delivery = next(&mut *consumer).await;
        assert_eq!(delivery.attempt(), attempt);
        delivery.retry(Duration::ZERO, &Failure::transient("again")).await.unwrap();
    }
    assert_eq!(next(&mut *consumer).await.attempt(), 4);
}
