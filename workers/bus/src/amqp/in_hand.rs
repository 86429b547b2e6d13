//! What happens to a delivery of RabbitMQ.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::BasicProperties;
use messages::{Failure, Stage};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::grip::Grip;
use super::letter::Letter;
use super::publisher::Publisher;
use super::topology::{dead_key, delay_key_for, stage_key};
use super::used::Used;
use crate::{BusError, Settle};

/// How long whoever settles a delivery waits for it to come back, if its channel has ended meanwhile. Longer than
/// connecting again takes at most.
const COMES_BACK: Duration = Duration::from_secs(10);

/// What all deliveries of a bus need.
pub(super) struct Desk {
    pub(super) publisher: Publisher,
    /// Names this process in dead letters.
    pub(super) worker: String,
    /// Deliveries that were dropped and are being given back.
    pub(super) returns: TaskTracker,
    /// Where that goes on when the one who drops has no runtime any more.
    pub(super) runtime: tokio::runtime::Handle,
}

/// Open for all who settle; closed by a consumer that is about to be cancelled.
pub(super) type Gate = Arc<tokio::sync::RwLock<()>>;

/// A message of a stage in hand.
pub(super) struct InHand {
    desk: Arc<Desk>,
    gate: Gate,
    stage: Stage,
    properties: BasicProperties,
    used: Used,
    /// `None` once it is settled.
    grip: Option<Arc<Grip>>,
}

impl InHand {
    pub(super) fn new(
        desk: Arc<Desk>,
        gate: Gate,
        stage: Stage,
        properties: BasicProperties,
        used: Used,
        grip: Arc<Grip>,
    ) -> Self {
        Self { desk, gate, stage, properties, used, grip: Some(grip) }
    }

    /// A copy goes where `letter` says, then the delivery is acknowledged. Whatever happens in between, one of the two
    /// stays.
    async fn move_to(mut self: Box<Self>, letter: impl FnOnce(&Self, Vec<u8>) -> Letter) -> Result<(), BusError> {
        match self.grip.take() {
            Some(grip) => {
                let letter = letter(&self, grip.body().to_vec());
                self.settled(hand_over(self.desk.clone(), grip, letter)).await
            }
            None => Ok(()),
        }
    }

    fn again(&self, key: String, body: Vec<u8>, used: Used) -> Letter {
        Letter::again(key, &self.properties, body, used)
    }
}

impl InHand {
    /// Does it to its end, even if the caller stops waiting.
    async fn settled(&self, work: impl Future<Output = Result<(), BusError>> + Send + 'static) -> Result<(), BusError> {
        let ended = |_| Err(BusError::Unavailable("this process ends; the message comes again".into()));
        self.spawned(work).await.unwrap_or_else(ended)
    }

    fn spawned<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let gate = self.gate.clone();
        self.desk.runtime.spawn(self.desk.returns.track_future(async move {
            let _open = gate.read().await;
            work.await
        }))
    }
}

async fn hand_over(desk: Arc<Desk>, grip: Arc<Grip>, letter: Letter) -> Result<(), BusError> {
    let key = letter.key.clone();
    let moved = match desk.publisher.publish(letter).await {
        Ok(true) => return acknowledge(grip).await,
        Ok(false) => {
            Err(BusError::Unavailable(format!("no queue takes {key}: start a worker once so that it makes its queues")))
        }
        Err(error) => Err(error),
    };
    // Otherwise it would stay in hand for as long as its consumer lives.
    grip.nack().await;
    moved
}

async fn acknowledge(grip: Arc<Grip>) -> Result<(), BusError> {
    match grip.ack(COMES_BACK).await {
        true => Ok(()),
        false => Err(BusError::Unavailable(
            "the connection was lost with the delivery in hand; it comes again, here or elsewhere".into(),
        )),
    }
}

#[async_trait]
impl Settle for InHand {
    /// Not in a task of its own, as the others: every message passes here. Whoever stops waiting at the gate still has it
    /// in hand, and behind the gate it is on its way with the first look.
    async fn ack(mut self: Box<Self>) -> Result<(), BusError> {
        let gate = self.gate.clone();
        let _open = gate.read().await;
        match self.grip.take() {
            Some(grip) => acknowledge(grip).await,
            None => Ok(()),
        }
    }

    async fn retry(self: Box<Self>, after: Duration, _cause: &Failure) -> Result<(), BusError> {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).min(LONGEST_DELAY_MILLIS);
        self.move_to(|this, body| match millis {
            0 => this.again(stage_key(this.stage), body, this.used.retried()),
            // The broker's clock ticks in whole milliseconds and may have begun one just now.
            _ => this.again(delay_key_for(this.stage, millis), body, this.used.retried()).after(millis + 1),
        })
        .await
    }

    async fn dead_letter(self: Box<Self>, cause: &Failure) -> Result<(), BusError> {
        self.move_to(|this, body| {
            // Its own try is one of those that it was given up after.
            let used = Used { attempts: this.used.attempt(), deaths: 0 };
            this.again(dead_key(this.stage), body, used).died(cause, &this.desk.worker)
        })
        .await
    }

    async fn give_back(self: Box<Self>) -> Result<(), BusError> {
        self.move_to(|this, body| this.again(stage_key(this.stage), body, this.used)).await
    }
}

/// The longest expiration that every version takes: about 49 days.
const LONGEST_DELAY_MILLIS: u64 = 0xFFFF_FFFE;

impl Drop for InHand {
    /// Gives it back. A copy goes to the queue's end, because every other way of giving back counts as a try.
    fn drop(&mut self) {
        let Some(grip) = self.grip.take().filter(|grip| grip.holds()) else {
            // Settled, or the broker has taken it back already.
            return;
        };
        let letter = self.again(stage_key(self.stage), grip.body().to_vec(), self.used);
        let desk = self.desk.clone();
        drop(self.spawned(async move {
            if let Err(error) = hand_over(desk, grip, letter).await {
                tracing::debug!(%error, "a dropped delivery could not be given back uncounted");
            }
        }));
    }
}
