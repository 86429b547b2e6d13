//! Looking at dead letters, and taking some of them out.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use messages::Stage;
use sha2::{Digest, Sha256};

use super::letter::Letter;
use super::link::Link;
use super::publisher::Publisher;
use super::story::Story;
use super::topology::{dead_queue, look_queue, stage_key};
use super::used::Used;
use super::{depths, fault, headers};
use crate::{BusError, DeadLetter};

/// How long another one who looks at the same queue is waited for.
const TURN_WAIT: Duration = Duration::from_secs(20);
const TURN_PAUSE: Duration = Duration::from_millis(50);
/// Between two looks whether all is put back.
const LOOK_PAUSE: Duration = Duration::from_millis(2);
/// How long putting back, or writing an acknowledgement, may take.
const WRITE_WAIT: Duration = Duration::from_secs(10);

/// A stage's dead letters, held while they are looked at: nobody else sees them meanwhile. Dropping it puts back all
/// that were not taken out.
pub(super) struct Opened {
    channel: Channel,
    stage: Stage,
    consumer: lapin::Consumer,
    /// See [`turn`].
    _turn: lapin::Consumer,
    letters: Vec<Held>,
}

struct Held {
    letter: DeadLetter,
    delivery: Delivery,
}

impl Opened {
    /// Takes all dead letters of a stage in hand. `wait` is how long the broker may take, not counting the turns of
    /// others. Of one process only one at a time may be in here: see [`turn`].
    pub(super) async fn open(link: &Link, wait: Duration, stage: Stage) -> Result<Self, BusError> {
        let deadline = tokio::time::Instant::now() + TURN_WAIT;
        loop {
            let tried = link.within(wait, async {
                match Self::try_open(&*link.connection().await, stage).await {
                    Ok(opened) => Ok(Some(opened)),
                    Err(error) if fault::is_taken(&error) => Ok(None),
                    Err(error) => Err(fault::calling(&error)),
                }
            });
            match tried.await? {
                Some(opened) => return Ok(opened),
                None if tokio::time::Instant::now() < deadline => tokio::time::sleep(TURN_PAUSE).await,
                None => {
                    let text = format!("somebody else looks at the dead letters of {stage} at the moment: try again");
                    return Err(BusError::Unavailable(text));
                }
            }
        }
    }

    /// Counts of a queue may be older than what somebody has just put back. So nothing is counted: consuming and
    /// getting go through the queue's log, behind all that was done before; when a get finds nothing more, all letters
    /// are handed out, and they have arrived when the broker has answered once more.
    async fn try_open(connection: &Connection, stage: Stage) -> lapin::Result<Self> {
        let channel = connection.create_channel().await?;
        let turn = turn(&channel, stage).await?;
        let queue = dead_queue(stage);
        let mut consumer = consume(&channel, &queue).await?;
        let mut deliveries = Vec::new();
        while let Some(message) = channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await? {
            deliveries.push(message.delivery);
        }
        depths::count(&channel, queue).await?;
        while let Some(Some(delivery)) = consumer.next().now_or_never() {
            deliveries.push(delivery?);
        }
        // In the order in which the broker handed them out, whichever way they came.
        deliveries.sort_by_key(|delivery| delivery.delivery_tag);
        let mut opened = Self { channel, stage, consumer, _turn: turn, letters: Vec::new() };
        deliveries.into_iter().for_each(|delivery| opened.hold(delivery));
        Ok(opened)
    }

    fn hold(&mut self, delivery: Delivery) {
        let story = Story::of(&delivery.properties, self.stage);
        let dead_id = story.dead_id.unwrap_or_else(|| derived_id(&delivery));
        let mut letter = DeadLetter::of(dead_id, self.stage, story.cause, &delivery.data);
        if let Some(sender) = headers::sender(&delivery.properties) {
            letter.trace_id = Some(sender.trace.trace_id());
        }
        letter.attempts = story.attempts;
        letter.worker = story.worker;
        letter.died_at = story.died_at.unwrap_or_default();
        self.letters.push(Held { letter, delivery });
    }

    /// The letters, oldest first.
    pub(super) fn letters(&self) -> impl Iterator<Item = &DeadLetter> {
        self.letters.iter().map(|held| &held.letter)
    }

    /// Takes out those of `ids`, and puts them back into the stage's queue first if `publisher` is given. Returns the
    /// ids that were found.
    pub(super) async fn take_out(
        &self,
        ids: &[String],
        publisher: Option<&Publisher>,
    ) -> Result<Vec<String>, BusError> {
        let mut found = Vec::new();
        for held in self.letters.iter().filter(|held| ids.contains(&held.letter.dead_id)) {
            if let Some(publisher) = publisher {
                let body = held.delivery.data.clone();
                let letter = Letter::again(stage_key(self.stage), &held.delivery.properties, body, Used::default());
                if !publisher.publish(letter).await? {
                    return Err(BusError::Unavailable(format!("no queue takes messages of {}", self.stage)));
                }
            }
            let acked = tokio::time::timeout(WRITE_WAIT, held.delivery.acker.ack(BasicAckOptions::default())).await;
            if !matches!(acked, Ok(Ok(true))) {
                return Err(BusError::Unavailable("the connection was lost meanwhile; look again".into()));
            }
            found.push(held.letter.dead_id.clone());
        }
        Ok(found)
    }

    /// Puts back what was not taken out, and waits until it is: a quorum queue puts messages back one by one, and somebody
    /// else would see only some of them meanwhile.
    pub(super) async fn close(self) {
        let options = BasicNackOptions { multiple: true, requeue: true };
        let left = self.letters.iter().filter(|held| held.delivery.acker.usable()).count() as u64;
        let put_back = async {
            self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default()).await?;
            self.channel.basic_nack(0, options).await?;
            while depths::count(&self.channel, dead_queue(self.stage)).await?.0 < left {
                tokio::time::sleep(LOOK_PAUSE).await;
            }
            self.channel.close(200, "looked at".into()).await
        };
        let why = match tokio::time::timeout(WRITE_WAIT, put_back).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => fault::cause(&error),
            Err(_) => "no answer".into(),
        };
        tracing::debug!(why, "the broker puts the dead letters back by itself");
    }
}

/// Of two who look at the same time one would see less than there is. A quorum queue has no exclusive consumers: the
/// broker takes the wish and does nothing about it. So whoever looks owns a queue meanwhile that only one connection
/// can have, and that ends with the channel, however that ends.
async fn turn(channel: &Channel, stage: Stage) -> lapin::Result<lapin::Consumer> {
    let queue = look_queue(stage);
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await?;
    // It deletes itself when its consumer goes, so that is to be kept.
    consume(channel, &queue).await
}

async fn consume(channel: &Channel, queue: &str) -> lapin::Result<lapin::Consumer> {
    channel.basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default()).await
}

/// The id of a letter that the broker itself gave up: made of what stays the same whenever it is looked at.
fn derived_id(delivery: &Delivery) -> String {
    let id = delivery.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(id.as_bytes());
    hash.update(&delivery.data);
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
