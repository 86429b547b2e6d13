//! A broker that is short of memory takes no messages, and goes on handing them out.

use std::collections::BTreeSet;
use std::time::Duration;

use messages::{Failure, Stage};
use millrace_bus::amqp::AmqpBus;
use millrace_bus::conformance::next;
use millrace_bus::{Bus, BusError, Consumer};
use tokio::time::Instant;

use crate::support::{Victim, blocking, command, id, publish};

const WAIT_SECS: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_alarm_stops_publishing_and_nothing_else() {
    let victim = Victim::take().await;
    let rabbit = victim.rabbit();
    // A heartbeat shorter than the alarm: a blocked connection is not a dead one.
    let bus = rabbit.open_at(&format!("{}?heartbeat=1", rabbit.vhost.url()), WAIT_SECS).await;
    let mut ids = publish(&bus, Stage::Ingest, 8).await;
    let mut consumer = bus.consume(Stage::Ingest, 2).await.unwrap();

    blocking(|| rabbit.broker.memory_alarm(true));
    publishing_fails_and_says_why(&bus).await;
    let mut acked = BTreeSet::new();
    for _ in 0..4 {
        let delivery = next(&mut *consumer).await;
        acked.insert(id(&delivery));
        delivery.ack().await.unwrap();
    }
    rabbit.until_number(&Stage::Ingest.queue(), "messages", 4).await;
    what_can_not_be_moved_comes_again(&mut *consumer).await;

    blocking(|| rabbit.broker.memory_alarm(false));
    let late = command(Stage::Ingest);
    bus.publish(&late).await.unwrap();
    // What could not be moved may have been stored after all, when the alarm ended.
    acked.extend(rabbit.empty(&mut *consumer, Stage::Ingest).await);
    ids.insert(late.id);
    assert_eq!(acked, ids);
}

async fn publishing_fails_and_says_why(bus: &AmqpBus) {
    // The broker blocks a connection when it publishes: the first message may still pass.
    for _ in 0..3 {
        let begun = Instant::now();
        if let Err(error) = bus.publish(&command(Stage::Dq)).await {
            assert!(begun.elapsed() < Duration::from_secs(WAIT_SECS + 2), "it took {:?}", begun.elapsed());
            assert!(matches!(error, BusError::Unavailable(_)));
            let text = error.to_string();
            assert!(text.contains("takes no messages") && text.contains("memory"), "{text}");
            return;
        }
    }
    panic!("the broker took messages in spite of its alarm");
}

/// Whoever settles a delivery in a way that needs another message hears of the failure, and the delivery comes again.
async fn what_can_not_be_moved_comes_again(consumer: &mut dyn Consumer) {
    let retried = next(consumer).await;
    let first = id(&retried);
    retried.retry(Duration::from_secs(1), &Failure::transient("locked")).await.unwrap_err();
    let buried = comes_again(consumer, first).await;
    buried.dead_letter(&Failure::permanent("broken")).await.unwrap_err();
    let given_back = comes_again(consumer, first).await;
    given_back.give_back().await.unwrap_err();
    drop(comes_again(consumer, first).await);
    drop(comes_again(consumer, first).await);
}

async fn comes_again(consumer: &mut dyn Consumer, first: messages::MessageId) -> millrace_bus::Delivery {
    loop {
        let delivery = next(consumer).await;
        if id(&delivery) == first {
            assert!(delivery.deaths() > 0);
            return delivery;
        }
        // Another one was fetched before: it takes its turn again.
        drop(delivery);
    }
}
