//! Consuming a stage's queue: a task fetches, and goes on fetching after every failure, until its consumer is dropped or
//! the broker says that the user may not.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use messages::Stage;
use uuid::Uuid;

use super::buffer::Buffer;
use super::grip::{Grip, Grips};
use super::in_hand::{Desk, Gate, InHand};
use super::link::Link;
use super::used::Used;
use super::{declare, depths, fault, headers};
use crate::{BusError, Consumer, Delivery, RetryPolicy};

/// How often it is looked whether the stage is paused.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Pauses after a consumer was lost while the connection stands.
const PAUSES: RetryPolicy =
    RetryPolicy { max_attempts: u32::MAX, first_delay: Duration::from_millis(50), max_delay: Duration::from_secs(5) };

/// One consumer of a stage's queue.
pub(super) struct StageConsumer {
    buffer: Arc<Buffer>,
}

impl StageConsumer {
    pub(super) fn start(link: Arc<Link>, desk: Arc<Desk>, grips: Arc<Grips>, stage: Stage, prefetch: u16) -> Self {
        let buffer = Arc::new(Buffer::default());
        let fetching = Fetching {
            link,
            desk: desk.clone(),
            grips,
            stage,
            prefetch: prefetch.max(1),
            buffer: buffer.clone(),
            gate: Gate::default(),
        };
        // What it still has to give back when its consumer is dropped counts as a return.
        desk.runtime.spawn(desk.returns.track_future(fetching.run()));
        Self { buffer }
    }
}

#[async_trait]
impl Consumer for StageConsumer {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        self.buffer.next().await
    }
}

impl Drop for StageConsumer {
    fn drop(&mut self) {
        self.buffer.close();
    }
}

struct Fetching {
    link: Arc<Link>,
    desk: Arc<Desk>,
    grips: Arc<Grips>,
    stage: Stage,
    prefetch: u16,
    buffer: Arc<Buffer>,
    gate: Gate,
}

enum End {
    Closed,
    Paused,
}

impl Fetching {
    async fn run(self) {
        self.until_closed().await;
        drop(self.buffer.empty());
    }

    async fn until_closed(&self) {
        let mut failures = 0;
        loop {
            let connection = tokio::select! {
                connection = self.link.connection() => connection,
                () = self.buffer.closed() => return,
            };
            let work = self.work(&connection, &mut failures);
            let ended = self.link.while_up(&connection, work).await.unwrap_or_else(|| Err(fault::lost()));
            let why = match ended {
                Ok(()) => return,
                Err(error) if fault::is_forbidden(&error) => return self.buffer.forbid(fault::cause(&error)),
                Err(error) => fault::cause(&error),
            };
            // What was fetched by the channel that has ended is the broker's again.
            drop(self.buffer.empty());
            if connection.status().connected() {
                failures += 1;
                tracing::warn!(stage = %self.stage, cause = why, "RabbitMQ ended the consumer; consuming again");
                if let Some(Err(error)) = self.link.while_up(&connection, declare::ensure(&connection)).await {
                    tracing::warn!(stage = %self.stage, %error, "can't see to the queues");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSES.delay(failures.max(1))) => {}
                () = self.buffer.closed() => return,
            }
        }
    }

    /// Works until the consumer is dropped. Every error is the channel's end.
    async fn work(&self, connection: &Connection, failures: &mut u32) -> lapin::Result<()> {
        let channel = Arc::new(connection.create_channel().await?);
        channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
        let mut paused = false;
        loop {
            if depths::is_paused(&channel, self.stage).await? {
                if !std::mem::replace(&mut paused, true) {
                    tracing::info!(stage = %self.stage, "the stage is paused; `millrace resume {}` lets it go on", self.stage);
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => continue,
                    () = self.buffer.closed() => return Ok(()),
                }
            }
            if std::mem::take(&mut paused) {
                tracing::info!(stage = %self.stage, "the stage goes on");
            }
            match self.fetch(&channel, failures).await? {
                End::Closed => return Ok(()),
                End::Paused => {}
            }
        }
    }

    async fn fetch(&self, channel: &Arc<Channel>, failures: &mut u32) -> lapin::Result<End> {
        let tag = format!("{} {}", self.desk.worker, Uuid::new_v4());
        let mut consumer = channel
            .basic_consume(
                self.stage.queue().into(),
                tag.as_str().into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                fetched = consumer.next() => {
                    self.take_next(channel, fetched)?;
                    *failures = 0;
                    // What has arrived with it is taken without asking about all else each time.
                    for _ in 0..self.prefetch {
                        let Some(fetched) = consumer.next().now_or_never() else { break };
                        self.take_next(channel, fetched)?;
                    }
                }
                _ = look.tick() => {
                    if depths::is_paused(channel, self.stage).await? {
                        self.cancel(channel, consumer, &tag).await?;
                        return Ok(End::Paused);
                    }
                }
                () = self.buffer.closed() => {
                    self.cancel(channel, consumer, &tag).await?;
                    return Ok(End::Closed);
                }
            }
        }
    }

    fn take_next(
        &self,
        channel: &Arc<Channel>,
        fetched: Option<lapin::Result<lapin::message::Delivery>>,
    ) -> lapin::Result<()> {
        match fetched {
            Some(delivery) => {
                self.take(channel, delivery?);
                Ok(())
            }
            // The queue was deleted or has moved to another node: RabbitMQ cancels, where the channel stands.
            None => Err(fault::other("the broker cancelled it")),
        }
    }

    fn take(&self, channel: &Arc<Channel>, delivery: lapin::message::Delivery) {
        let lapin::message::Delivery { properties, data, acker, redelivered, .. } = delivery;
        let id = properties.message_id().clone();
        if redelivered && self.grips.pass_on(id.as_ref(), &data, &acker, channel) {
            tracing::info!(stage = %self.stage, message_id = id.map(|id| id.to_string()), "a delivery came back to the one who works on it");
            return;
        }
        let used = Used::of(&properties);
        let sender = headers::sender(&properties);
        let grip = Grip::new(id, data.clone(), acker, channel.clone());
        self.grips.add(&grip);
        let settle = InHand::new(self.desk.clone(), self.gate.clone(), self.stage, properties, used, grip);
        let delivery = Delivery::new(data, used.attempt(), Box::new(settle));
        self.buffer.put(delivery.after_deaths(used.deaths).sent_by(sender));
    }

    /// Ends the consumer, and gives back what it fetched.
    ///
    /// A message that the broker hands to a consumer while it cancels it arrives after that, when nobody is there to
    /// give it back: it comes again when the channel ends, counted as a death. So meanwhile nothing is settled here, which
    /// would bring the next message. And a `basic.get` goes through the queue's log behind all that was settled before,
    /// so what was handed out for that arrives before the cancellation.
    async fn cancel(&self, channel: &Arc<Channel>, mut consumer: lapin::Consumer, tag: &str) -> lapin::Result<()> {
        let _nothing_is_settled = self.gate.write().await;
        // Refused where there is a single active consumer.
        if self.stage != Stage::Transform {
            let got = channel.basic_get(self.stage.queue().as_str().into(), BasicGetOptions::default()).await?;
            if let Some(message) = got {
                self.take(channel, message.delivery);
            }
        }
        channel.basic_cancel(tag.into(), BasicCancelOptions::default()).await?;
        while let Some(Ok(delivery)) = consumer.next().await {
            self.take(channel, delivery);
        }
        drop(self.buffer.empty());
        Ok(())
    }
}
