//! Messages that the broker itself gives up, and those who look at dead letters.

use std::time::Duration;

use lapin::options::BasicGetOptions;
use lapin::{Connection, ConnectionProperties};
use messages::{Failure, FailureClass, Stage};
use millrace_bus::amqp::AmqpBus;
use millrace_bus::conformance::{next, nothing_comes};
use millrace_bus::{Bus, DeadLetter};
use serde_json::json;

use crate::support::{Rabbit, blocking, command, until};

const LIMIT: u32 = 2;

/// Limits that may change are policies; whoever sets one wants to see what it did.
fn limit_deliveries(rabbit: &Rabbit) {
    let policy = json!({
        "pattern": "^millrace\\.ingest$",
        "definition": {"delivery-limit": LIMIT},
        "apply-to": "queues",
    });
    blocking(|| rabbit.management().put(&format!("policies/{}/limit", rabbit.vhost.name()), &policy));
    let told = || blocking(|| rabbit.management().queue(rabbit.vhost.name(), "millrace.ingest").unwrap());
    assert_eq!(told()["type"], "quorum");
}

/// As a worker that dies with the message in hand. `false`: there was none.
async fn die_with_it(rabbit: &Rabbit) -> bool {
    let connection = Connection::connect(&rabbit.vhost.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let got = channel.basic_get("millrace.ingest".into(), BasicGetOptions::default()).await.unwrap();
    connection.close(200, "died".into()).await.unwrap();
    got.is_some()
}

async fn until_dead(rabbit: &Rabbit, bus: &AmqpBus) -> DeadLetter {
    let mut died = 0;
    loop {
        died += u32::from(die_with_it(rabbit).await);
        if let Some(letter) = bus.dead(Some(Stage::Ingest), 10).await.unwrap().into_iter().next() {
            assert!(died > LIMIT, "given up after {died}");
            return letter;
        }
        assert!(died <= LIMIT + 1, "it is handed out in spite of the limit");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_gives_up_tells_why_and_can_be_replayed() {
    let rabbit = Rabbit::shared();
    let bus = rabbit.open(20).await;
    limit_deliveries(&rabbit);
    let sent = command(Stage::Ingest);
    bus.publish(&sent).await.unwrap();
    // Retried first: the broker's own account then begins with the queue of the delay.
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    delivery.retry(Duration::from_millis(10), &Failure::transient("locked")).await.unwrap();
    drop(consumer);
    rabbit.until_number("millrace.ingest", "messages_ready", 1).await;
    let letter = until_dead(&rabbit, &bus).await;
    assert_eq!((letter.stage, letter.message_id), (Stage::Ingest, Some(sent.id)));
    assert_eq!(letter.cause.class, FailureClass::Permanent);
    assert!(letter.cause.message.contains("delivery_limit") && letter.cause.message.contains("died"), "{letter:?}");
    assert_eq!(letter.worker, "RabbitMQ");
    let age = chrono::Utc::now() - letter.died_at;
    assert!((-5..60).contains(&age.num_seconds()), "{letter:?}");
    assert_eq!(letter.attempts, 2, "the retry, and at least one death");
    assert_eq!(bus.dead(None, 10).await.unwrap(), std::slice::from_ref(&letter), "it changes when it is looked at");

    assert_eq!(bus.replay(std::slice::from_ref(&letter.dead_id)).await.unwrap(), [letter.dead_id]);
    assert!(bus.dead(None, 10).await.unwrap().is_empty());
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let again = next(&mut *consumer).await;
    assert_eq!((again.envelope().unwrap(), again.attempt(), again.deaths()), (sent, 1, 0));
    again.ack().await.unwrap();
    nothing_comes(&mut *consumer).await;
}

/// Of two who look at the same time both see everything, though only one at a time can hold the letters.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_look_at_dead_letters_see_all() {
    let rabbit = Rabbit::shared();
    let (one, other) = (rabbit.open(20).await, rabbit.open(20).await);
    let mut consumer = one.consume(Stage::Ingest, 10).await.unwrap();
    for _ in 0..20 {
        one.publish(&command(Stage::Ingest)).await.unwrap();
        next(&mut *consumer).await.dead_letter(&Failure::permanent("broken")).await.unwrap();
    }
    drop(consumer);
    let ids = |letters: Vec<DeadLetter>| letters.into_iter().map(|letter| letter.dead_id).collect::<Vec<_>>();
    let all = ids(one.dead(None, 50).await.unwrap());
    assert_eq!(all.len(), 20);
    for _ in 0..20 {
        let looks = tokio::join!(one.dead(None, 50), other.dead(Some(Stage::Ingest), 50), one.dead(None, 50));
        for look in [looks.0, looks.1, looks.2] {
            let seen = ids(look.unwrap());
            assert_eq!((seen.len(), &seen), (20, &all));
        }
    }
    // One takes out what the other looks at: each is seen before or after, never half.
    let (purged, seen) = tokio::join!(one.purge(&all[..5]), other.dead(None, 50));
    assert_eq!(purged.unwrap().len(), 5);
    assert!([15, 20].contains(&seen.unwrap().len()));
    until("the rest is counted", || rabbit.number("millrace.ingest.dead", "messages") == Some(15)).await;
}
