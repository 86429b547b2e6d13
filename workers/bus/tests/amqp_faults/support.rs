//! What the cases share.

use std::collections::BTreeSet;
use std::time::Duration;

use messages::{DqRequested, Envelope, Message, MessageId, Stage, TransformRequested};
use millrace_bus::amqp::AmqpBus;
use millrace_bus::conformance::{SOON, fresh_load_id};
use millrace_bus::{Bus, BusSettings, Consumer, Delivery};
use serde_json::Value;
use testkit::{Broker, Management, Options, Vhost};
use tokio::time::Instant;

use crate::lines;

/// A broker, and a vhost of a test's own in it.
pub struct Rabbit {
    pub broker: &'static Broker,
    pub vhost: Vhost,
}

impl Rabbit {
    /// At the broker that the tests of this program share.
    pub fn shared() -> Self {
        blocking(|| Self::at(Broker::shared()))
    }

    pub fn at(broker: &'static Broker) -> Self {
        lines::keep();
        Self { broker, vhost: broker.fresh_vhost() }
    }

    /// A bus whose calls wait for `secs`.
    pub async fn open(&self, secs: u64) -> AmqpBus {
        self.open_at(&self.vhost.url(), secs).await
    }

    /// The same by another way to the broker.
    pub async fn open_at(&self, url: &str, secs: u64) -> AmqpBus {
        let management_url = Some(self.vhost.management_url());
        let settings = BusSettings { management_url, publish_timeout_secs: secs, ..BusSettings::new(url) };
        AmqpBus::open(&settings, "faults").await.unwrap()
    }

    pub fn management(&self) -> &Management {
        self.broker.management()
    }

    /// A number that the management API tells of a queue.
    pub fn number(&self, queue: &str, field: &str) -> Option<u64> {
        blocking(|| self.management().queue(self.vhost.name(), queue))?[field].as_u64()
    }

    /// The consumers of a stage's queue, as the broker knows them.
    pub fn consumers(&self, stage: Stage) -> Vec<Value> {
        let mut all = blocking(|| self.management().consumers(self.vhost.name()));
        all.retain(|consumer| consumer["queue"]["name"] == stage.queue());
        all
    }

    /// Acknowledges everything that comes until the broker has nothing more, and answers with what came.
    pub async fn empty(&self, consumer: &mut dyn Consumer, stage: Stage) -> BTreeSet<MessageId> {
        let mut came = BTreeSet::new();
        let deadline = Instant::now() + SOON;
        loop {
            match consumer.next_within(Duration::from_millis(200)).await.unwrap() {
                Some(delivery) => {
                    came.insert(id(&delivery));
                    delivery.ack().await.unwrap();
                }
                None if self.number(&stage.queue(), "messages") == Some(0) => return came,
                None => assert!(Instant::now() < deadline, "messages are in the queue of {stage}, and none comes"),
            }
        }
    }

    /// Waits until a queue is as told.
    pub async fn until_number(&self, queue: &str, field: &str, expected: u64) {
        until(&format!("{field} = {expected} in {queue}"), || self.number(queue, field) == Some(expected)).await;
    }
}

/// A broker for those who make it suffer, one after the other because each start takes seconds.
pub struct Victim(tokio::sync::MutexGuard<'static, Option<&'static Broker>>);

impl Victim {
    pub async fn take() -> Self {
        static VICTIM: tokio::sync::Mutex<Option<&Broker>> = tokio::sync::Mutex::const_new(None);
        let mut victim = VICTIM.lock().await;
        blocking(|| match *victim {
            None => *victim = Some(Box::leak(Box::new(Broker::start(Options::default())))),
            // Whoever had it before may have failed while it was down.
            Some(broker) if !broker.management().is_ok("overview") => broker.restart(),
            Some(_) => {}
        });
        Self(victim)
    }

    pub fn rabbit(&self) -> Rabbit {
        blocking(|| Rabbit::at(self.0.unwrap()))
    }
}

/// The kit waits on the thread that asks it.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Waits until `condition` holds.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A command for a stage, about a load of its own.
pub fn command(stage: Stage) -> Envelope {
    let load_id = fresh_load_id();
    match stage {
        Stage::Ingest => millrace_bus::conformance::envelope(),
        Stage::Transform => {
            Envelope::new("faults", TransformRequested { load_id, sources: vec![], full_refresh: false })
        }
        Stage::Dq => Envelope::new("faults", DqRequested { load_id, sources: vec![] }),
    }
}

/// A command for ingest whose body has about `bytes`.
pub fn large(bytes: usize) -> Envelope {
    let mut envelope = command(Stage::Ingest);
    if let Message::IngestRequested(request) = &mut envelope.message {
        request.files = vec!["x".repeat(bytes)];
    }
    envelope
}

/// Publishes as many commands, one after the other.
pub async fn publish(bus: &AmqpBus, stage: Stage, count: usize) -> BTreeSet<MessageId> {
    let mut ids = BTreeSet::new();
    for _ in 0..count {
        let envelope = command(stage);
        bus.publish(&envelope).await.unwrap();
        ids.insert(envelope.id);
    }
    ids
}

pub fn id(delivery: &Delivery) -> MessageId {
    delivery.envelope().unwrap().id
}

/// Acknowledges everything that comes until all `expected` have come, and answers with all that came.
pub async fn drain(consumer: &mut dyn Consumer, expected: &BTreeSet<MessageId>) -> Vec<MessageId> {
    let mut came = Vec::new();
    while !expected.iter().all(|id| came.contains(id)) {
        let Some(delivery) = consumer.next_within(SOON).await.unwrap() else {
            let missing: Vec<_> = expected.iter().filter(|id| !came.contains(id)).collect();
            panic!("these were lost: {missing:?}");
        };
        came.push(id(&delivery));
        delivery.ack().await.unwrap();
    }
    came
}
