//! The broker is killed, or shut down, and comes back.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use messages::{Envelope, Failure, MessageId, Stage};
use millrace_bus::amqp::AmqpBus;
use millrace_bus::conformance::{SOON, next};
use millrace_bus::{Bus, Consumer, Delivery};
use testkit::Broker;
use tokio::time::Instant;

use crate::lines;
use crate::support::{Rabbit, Victim, blocking, command, drain, id, publish, until};

const PREFETCH: u16 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_broker_takes_nothing_with_it() {
    comes_back("killed", Broker::kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_shuts_down_takes_nothing_with_it() {
    comes_back("shut down", Broker::stop).await;
}

async fn comes_back(how: &str, end: fn(&Broker)) {
    let victim = Victim::take().await;
    let rabbit = victim.rabbit();
    let broker = rabbit.broker;
    let bus = Arc::new(rabbit.open(60).await);

    let mut expected = publish(&bus, Stage::Ingest, 20).await;
    let heard = command(Stage::Ingest);
    let mut listener = bus.listen(heard.load_id(), &["ingest.requested"]).await.unwrap();
    let dead = bury(&bus).await;
    let mut consumer = bus.consume(Stage::Ingest, PREFETCH).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(next(&mut *consumer).await);
    }
    let held_ids: BTreeSet<_> = held.iter().map(id).collect();
    let delayed = delay(&bus, Duration::from_secs(3)).await;

    blocking(|| end(broker));
    until("the loss of both connections", || lines::with(&["lost RabbitMQ", &here(&rabbit)]).len() == 2).await;
    let late = command(Stage::Ingest);
    let published = publish_meanwhile(&bus, &late);
    let opened_meanwhile = while_it_is_away(&rabbit).await;

    let accepting = std::thread::spawn(move || first_accepted(broker));
    let back = tokio::task::spawn_blocking(|| broker.restart());
    let first = consumer.next().await.unwrap();
    let took = Instant::now().saturating_duration_since(accepting.join().unwrap());
    println!("{how}: {} ms from the broker being ready again to the first delivery handled", took.as_millis());
    assert!(took < SOON);
    back.await.unwrap();
    published.await.unwrap();
    expected.insert(late.id);

    prefetch_holds(&rabbit, &mut *consumer, first, &held_ids).await;
    for delivery in held {
        delivery.ack().await.unwrap();
    }
    expected.retain(|id| !held_ids.contains(id));
    let came = drain(&mut *consumer, &expected).await;
    assert!(came.iter().all(|id| !held_ids.contains(id)), "what was in hand was handed out again");
    rabbit.until_number(&Stage::Ingest.queue(), "messages", 0).await;

    let retried = next(&mut *bus.consume(Stage::Dq, 1).await.unwrap()).await;
    assert_eq!((id(&retried), retried.attempt()), (delayed, 2));
    retried.ack().await.unwrap();
    let letters = bus.dead(None, 10).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.message_id).collect::<Vec<_>>(), [Some(dead)]);
    bus.publish(&heard).await.unwrap();
    assert_eq!(next(&mut *listener).await.envelope().unwrap(), heard);
    until_usable(&opened_meanwhile).await;
    one_line_for_each_change(&rabbit);
}

/// The name of the broker in the log of the bus that was there from the beginning.
fn here(rabbit: &Rabbit) -> String {
    format!("{} (vhost {}", rabbit.broker.address(), rabbit.vhost.name())
}

async fn bury(bus: &AmqpBus) -> MessageId {
    let ids = publish(bus, Stage::Dq, 1).await;
    let delivery = next(&mut *bus.consume(Stage::Dq, 1).await.unwrap()).await;
    delivery.dead_letter(&Failure::permanent("broken")).await.unwrap();
    ids.into_iter().next().unwrap()
}

/// A message that waits for its retry in a queue.
async fn delay(bus: &AmqpBus, after: Duration) -> MessageId {
    let ids = publish(bus, Stage::Dq, 1).await;
    let delivery = next(&mut *bus.consume(Stage::Dq, 1).await.unwrap()).await;
    delivery.retry(after, &Failure::transient("locked")).await.unwrap();
    ids.into_iter().next().unwrap()
}

fn publish_meanwhile(bus: &Arc<AmqpBus>, envelope: &Envelope) -> tokio::task::JoinHandle<()> {
    let (bus, envelope) = (bus.clone(), envelope.clone());
    tokio::spawn(async move { bus.publish(&envelope).await.unwrap() })
}

/// A bus can be opened while the broker is away, and says so to whoever asks.
async fn while_it_is_away(rabbit: &Rabbit) -> AmqpBus {
    let url = rabbit.vhost.url().replace("127.0.0.1", "localhost");
    let bus = rabbit.open_at(&url, 1).await;
    let begun = Instant::now();
    let error = bus.check().await.unwrap_err().to_string();
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert!(error.contains("localhost:") && error.contains("refused"), "{error}");
    bus
}

async fn until_usable(bus: &AmqpBus) {
    let deadline = Instant::now() + SOON;
    while let Err(error) = bus.check().await {
        assert!(Instant::now() < deadline, "{error}");
    }
}

/// When the broker took a connection for the first time.
fn first_accepted(broker: &Broker) -> Instant {
    testkit::wait("return of the broker", || TcpStream::connect(broker.address()).is_ok());
    Instant::now()
}

/// The broker knows of as many in hand as it may, in whatever order it hands out what was in hand before.
async fn prefetch_holds(rabbit: &Rabbit, consumer: &mut dyn Consumer, first: Delivery, held: &BTreeSet<MessageId>) {
    let mut taken = vec![first];
    while let Some(delivery) = consumer.next_within(Duration::from_millis(300)).await.unwrap() {
        taken.push(delivery);
    }
    assert!(taken.len() <= usize::from(PREFETCH), "{} were handed out", taken.len());
    assert!(taken.iter().all(|delivery| !held.contains(&id(delivery))), "what was in hand was handed out again");
    until("the consumer is listed", || rabbit.consumers(Stage::Ingest).len() == 1).await;
    assert_eq!(rabbit.consumers(Stage::Ingest)[0]["prefetch_count"], PREFETCH);
    rabbit.until_number(&Stage::Ingest.queue(), "messages_unacknowledged", PREFETCH.into()).await;
    // Dropped, they come again.
}

/// No flood while it is away, and nobody is left in the dark.
fn one_line_for_each_change(rabbit: &Rabbit) {
    let here = here(rabbit);
    assert_eq!(lines::with(&["lost RabbitMQ", &here]).len(), 2, "{:#?}", lines::with(&[&here]));
    assert_eq!(lines::with(&["connected to RabbitMQ", &here]).len(), 4, "{:#?}", lines::with(&[&here]));
    // Of each connection: that it is there, lost, can't be had for one or two reasons, and there again.
    assert!(lines::with(&[&here]).len() <= 2 * 5, "{:#?}", lines::with(&[&here]));
}
