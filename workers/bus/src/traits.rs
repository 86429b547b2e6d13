//! What a bus owes, and what its callers owe.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use messages::{Envelope, LoadId, Stage};
use serde::{Deserialize, Serialize};

use crate::{BusError, DeadLetter, Delivery};

/// A message bus.
///
/// The bus promises: a message that was published is delivered to its stage until somebody settles it, however
/// often processes die. It does not promise order, and it may deliver twice: whoever handles a delivery does so
/// such that a second time changes nothing.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// What messages travel over, as OpenTelemetry's `messaging.system` names it: `rabbitmq`, `sqlite`.
    fn system(&self) -> &'static str;

    /// Publishes a message. `Ok` means that it is safe: on disk, or confirmed by the broker, and, if the message has
    /// a [`stage`](messages::Message::stage), in that stage's queue. After an `Err` it may be safe or not:
    /// publish the same envelope again (same id), never another one.
    async fn publish(&self, envelope: &Envelope) -> Result<(), BusError>;

    /// Consumes a stage's queue. At most `prefetch` deliveries are unsettled at a time (at least 1).
    async fn consume(&self, stage: Stage, prefetch: u16) -> Result<Box<dyn Consumer>, BusError>;

    /// Listens for announcements about one load: copies of all messages of the given types about it that are
    /// published after this call has returned. So subscribe first and ask afterwards. The queue behind it goes
    /// away with the consumer; deliveries from it may be acknowledged or dropped, never retried.
    async fn listen(&self, load_id: &LoadId, types: &[&str]) -> Result<Box<dyn Consumer>, BusError>;

    /// Listens as [`listen`](Self::listen) does, for all loads. For what every worker of a stage must hear at once, whoever
    /// takes the message itself from the queue.
    async fn listen_to_all(&self, types: &[&str]) -> Result<Box<dyn Consumer>, BusError>;

    /// How full each stage's queue is, in the order of the way.
    async fn depths(&self) -> Result<Vec<QueueDepth>, BusError>;

    /// How long ago the oldest message that waits for a stage was published, in seconds; `None` if nothing waits. A bus
    /// whose [`depths`](Self::depths) can't tell has to take the message and give it back: it is not counted as tried,
    /// but moves to the end of its queue. So this is for people who ask, not for what asks every minute.
    async fn oldest_secs(&self, stage: Stage) -> Result<Option<u64>, BusError> {
        let depths = self.depths().await?;
        Ok(depths.into_iter().find(|depth| depth.stage == stage).and_then(|depth| depth.oldest_secs))
    }

    /// Dead letters, newest first, at most `limit`; of one stage, or of all.
    async fn dead(&self, stage: Option<Stage>, limit: usize) -> Result<Vec<DeadLetter>, BusError>;

    /// Puts dead letters back into their stages' queues with their attempts counted from nothing. Returns the ids that
    /// were found; the others belong to no dead letter, and nothing happened for them.
    async fn replay(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError>;

    /// Throws dead letters away for good. Returns the ids that were found; the others belong to no dead letter, and
    /// nothing happened for them.
    async fn purge(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError>;

    /// Pauses a stage for all workers, or lets them go on. A paused stage's queue fills and nothing is lost: what is in
    /// hand is finished, and nothing more is handed out from a second later at the latest, also after restarts, until
    /// it is resumed. `Ok(false)`: it was so already.
    async fn set_paused(&self, stage: Stage, paused: bool) -> Result<bool, BusError>;

    /// Proves that the bus can be used; the answer says what it is, for people and without secrets.
    async fn check(&self) -> Result<String, BusError>;

    /// What is known to be wrong with it at the moment, without asking anybody. `None` proves nothing.
    fn trouble(&self) -> Option<Trouble> {
        None
    }

    /// Gives back what was dropped and waits, for a few seconds at most, until that is done. For the end of a process:
    /// without it others find out by themselves, and count it as a death.
    async fn close(&self) {}
}

/// What is wrong with a bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// A whole sentence, for people and without secrets.
    pub text: String,
    /// When it began.
    pub since: DateTime<Utc>,
}

/// A stream of deliveries. Dropping it gives back what was fetched and not yet handed out; what was handed out stays in hand.
#[async_trait]
pub trait Consumer: Send {
    /// Waits for the next delivery. Safe to cancel: a delivery is handed out or stays in the queue. An error means
    /// that the consumer is done for: consume again.
    async fn next(&mut self) -> Result<Delivery, BusError>;

    /// The next delivery if one is there within `wait`: for handling together what waits together.
    async fn next_within(&mut self, wait: Duration) -> Result<Option<Delivery>, BusError> {
        match tokio::time::timeout(wait, self.next()).await {
            Ok(delivery) => delivery.map(Some),
            Err(_) => Ok(None),
        }
    }
}

/// How full a stage's queue is, and what goes through it. `None`: the bus can't tell, or not without more rights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueDepth {
    /// The stage.
    pub stage: Stage,
    /// Messages that could be delivered now.
    pub ready: u64,
    /// Messages that wait for a retry.
    pub delayed: u64,
    /// Messages that a worker has in hand.
    pub in_hand: u64,
    /// Messages given up.
    pub dead: u64,
    /// How long the oldest message that could be delivered now could have been, in seconds.
    pub oldest_secs: Option<u64>,
    /// Consumers that take from the queue.
    pub consumers: Option<u64>,
    /// Messages that came into the queue per second, over the last minute or so.
    pub published_per_sec: Option<f64>,
    /// Messages that were acknowledged per second, over the last minute or so.
    pub acknowledged_per_sec: Option<f64>,
    /// Whether nothing is handed out until somebody resumes the stage.
    pub paused: bool,
}

impl QueueDepth {
    /// Messages that are not settled yet.
    pub fn unsettled(&self) -> u64 {
        self.ready + self.delayed + self.in_hand
    }
}
