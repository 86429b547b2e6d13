//! What an operator sees and does: consumers, rates, pauses.

use super::*;

async fn ingest(bus: &EmbeddedBus) -> QueueDepth {
    bus.depths().await.unwrap().remove(0)
}

#[tokio::test]
async fn rates_count_what_came_and_what_was_acknowledged() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    for _ in 0..60 {
        bus.publish(&envelope()).await.unwrap();
    }
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    for _ in 0..30 {
        next(&mut *consumer).await.ack().await.unwrap();
    }
    next(&mut *consumer).await.dead_letter(&Failure::permanent("why")).await.unwrap();
    let depth = ingest(&bus).await;
    // 60 and 30 over the last 50 to 60 seconds.
    let (published, acknowledged) = (depth.published_per_sec.unwrap(), depth.acknowledged_per_sec.unwrap());
    assert!((1.0..=1.2).contains(&published), "{published}");
    assert!((acknowledged * 2.0 - published).abs() < 1e-6, "{acknowledged}");
    let other = bus.depths().await.unwrap().remove(2);
    assert_eq!((other.published_per_sec, other.acknowledged_per_sec), (Some(0.0), Some(0.0)));
}

#[tokio::test]
async fn old_rates_are_forgotten_and_those_of_a_wrong_clock_too() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    let current = now_millis() / 10_000;
    let raw = Connection::open(&path).unwrap();
    for bucket in [current - 1_000, current - 7, current + 1_000] {
        raw.execute("INSERT INTO rate (stage, bucket, published) VALUES ('ingest', ?1, 600)", [bucket]).unwrap();
    }
    assert_eq!(ingest(&bus).await.published_per_sec, Some(0.0));
    bus.publish(&envelope()).await.unwrap();
    let left: i64 = raw.query_row("SELECT count(*) FROM rate", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn a_consumer_of_an_owner_that_nobody_knows_is_none() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    let raw = Connection::open(&path).unwrap();
    raw.execute("INSERT INTO consumer (consumer, stage, owner) VALUES ('c', 'ingest', 'nobody')", []).unwrap();
    assert_eq!(ingest(&bus).await.consumers, Some(0));
    let consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    assert_eq!(ingest(&bus).await.consumers, Some(1));
    drop(consumer);
    assert_eq!(ingest(&bus).await.consumers, Some(0));
}

/// A delayed message that is due must not keep the thread from all else while its stage is paused.
#[tokio::test]
async fn a_paused_stage_with_due_messages_rests() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    bus.publish(&envelope()).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    next(&mut *consumer).await.retry(Duration::ZERO, &Failure::transient("again")).await.unwrap();
    bus.set_paused(Stage::Ingest, true).await.unwrap();
    crate::conformance::nothing_comes(&mut *consumer).await;
    let told = tokio::time::timeout(crate::conformance::SOON, ingest(&bus)).await.expect("the thread turns in circles");
    assert_eq!((told.ready, told.delayed), (1, 0));
    bus.set_paused(Stage::Ingest, false).await.unwrap();
    assert_eq!(next(&mut *consumer).await.attempt(), 2);
}

/// A look without a wait tells what is there at this moment, and takes nothing that comes later.
#[tokio::test]
async fn a_look_without_a_wait_takes_all_that_is_there_and_nothing_later() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    for _ in 0..40 {
        bus.publish(&envelope()).await.unwrap();
    }
    let mut consumer = bus.consume(Stage::Ingest, 30).await.unwrap();
    let mut batch = Vec::new();
    while let Some(delivery) = consumer.next_within(Duration::ZERO).await.unwrap() {
        batch.push(delivery);
    }
    assert_eq!(batch.len(), 30, "a prefetch of 30 and no more");
    for delivery in batch {
        delivery.ack().await.unwrap();
    }
    let mut rest = Vec::new();
    while let Some(delivery) = consumer.next_within(Duration::ZERO).await.unwrap() {
        rest.push(delivery);
    }
    assert_eq!(rest.len(), 10);
    bus.publish(&envelope()).await.unwrap();
    assert_eq!(ingest(&bus).await.ready, 1, "nobody asked for it yet");
}

#[tokio::test]
async fn closed_it_has_given_back_what_was_dropped() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    bus.publish(&envelope()).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    // The thread is at work and comes to what was dropped only afterwards.
    drop(bus.handle.submit(Needs::Read, |_| {
        std::thread::sleep(Duration::from_millis(200));
        Ok(())
    }));
    drop((delivery, consumer));
    bus.close().await;
    let raw = Connection::open(&path).unwrap();
    let left: (i64, i64, i64) = raw
        .query_row("SELECT state, attempts, (SELECT count(*) FROM consumer) FROM message", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(left, (0, 0, 0));
}
