//! A bus on which workers have died, which lets nobody listen, and which writes down how it is consumed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bus::{Bus, BusError, Consumer, DeadLetter, Delivery, QueueDepth, Settle};
use messages::{Envelope, Failure, LoadId, Stage};

/// Tells of every message whose LOAD_ID begins with `killer` that two workers died with it, and of those that begin with
/// `unlucky` that one did.
pub struct Deadly {
    pub bus: Arc<dyn Bus>,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    /// The next one that asks for a delivery gets an error instead.
    pub fail_next: Arc<Mutex<bool>>,
}

/// What happened at the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Consumes(u16),
    Delivered(String),
}

struct Watched {
    consumer: Box<dyn Consumer>,
    seen: Arc<Mutex<Vec<Seen>>>,
    fail_next: Arc<Mutex<bool>>,
}

impl Watched {
    fn pass(&self, delivery: Delivery) -> Delivery {
        let load_id = delivery.envelope().unwrap().load_id().to_string();
        self.seen.lock().unwrap().push(Seen::Delivered(load_id.clone()));
        let deaths = match load_id.split(' ').next() {
            Some("killer") => 2,
            Some("unlucky") => 1,
            _ => 0,
        };
        Delivery::new(delivery.body().to_vec(), delivery.attempt(), Box::new(Passed(delivery))).after_deaths(deaths)
    }
}

#[async_trait]
impl Consumer for Watched {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        if std::mem::take(&mut *self.fail_next.lock().unwrap()) {
            return Err(BusError::Unavailable("the connection is gone".into()));
        }
        let delivery = self.consumer.next().await?;
        Ok(self.pass(delivery))
    }

    async fn next_within(&mut self, wait: Duration) -> Result<Option<Delivery>, BusError> {
        let delivery = self.consumer.next_within(wait).await?;
        Ok(delivery.map(|delivery| self.pass(delivery)))
    }
}

struct Passed(Delivery);

#[async_trait]
impl Settle for Passed {
    async fn ack(self: Box<Self>) -> Result<(), BusError> {
        self.0.ack().await
    }

    async fn retry(self: Box<Self>, after: Duration, cause: &Failure) -> Result<(), BusError> {
        self.0.retry(after, cause).await
    }

    async fn dead_letter(self: Box<Self>, cause: &Failure) -> Result<(), BusError> {
        self.0.dead_letter(cause).await
    }

    async fn give_back(self: Box<Self>) -> Result<(), BusError> {
        self.0.give_back().await
    }
}

#[async_trait]
impl Bus for Deadly {
    fn system(&self) -> &'static str {
        "deadly"
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        self.bus.publish(envelope).await
    }

    async fn consume(&self, stage: Stage, prefetch: u16) -> Result<Box<dyn Consumer>, BusError> {
        self.seen.lock().unwrap().push(Seen::Consumes(prefetch));
        let consumer = self.bus.consume(stage, prefetch).await?;
        Ok(Box::new(Watched { consumer, seen: self.seen.clone(), fail_next: self.fail_next.clone() }))
    }

    async fn listen(&self, load_id: &LoadId, types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        self.bus.listen(load_id, types).await
    }

    /// As a broker with the rights of older definitions.
    async fn listen_to_all(&self, _types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        Err(BusError::Configuration("the broker refuses a right".into()))
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>, BusError> {
        self.bus.depths().await
    }

    async fn dead(&self, stage: Option<Stage>, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
        self.bus.dead(stage, limit).await
    }

    async fn replay(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.bus.replay(dead_ids).await
    }

    async fn purge(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.bus.purge(dead_ids).await
    }

    async fn set_paused(&self, stage: Stage, paused: bool) -> Result<bool, BusError> {
        self.bus.set_paused(stage, paused).await
    }

    async fn check(&self) -> Result<String, BusError> {
        self.bus.check().await
    }
}
