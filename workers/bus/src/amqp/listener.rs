//! Hearing announcements about one load or all, over a queue of one's own that outlives a restart of the broker.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use messages::RoutingKey;

use super::fault;
use super::in_hand::Desk;
use super::link::Link;
use super::topology::ANSWERS_EXPIRE_MILLIS;
use crate::heard::Heard;
use crate::{BusError, Consumer, Delivery};

/// Pause after the queue could not be consumed although the connection stands.
const PAUSE: Duration = Duration::from_millis(200);

/// A listener and its queue, which is deleted when it is dropped.
pub(super) struct Listener {
    link: Arc<Link>,
    desk: Arc<Desk>,
    queue: String,
    consumer: Option<Consuming>,
    /// Received and not handed out: whoever waited for it went away in the middle.
    received: Option<Vec<u8>>,
}

struct Consuming {
    connection: Arc<Connection>,
    /// A channel without any owner is closed.
    _channel: Channel,
    consumer: lapin::Consumer,
}

impl Listener {
    /// Makes the queue, bound to these exchanges by these keys. What is published after this has returned comes into it.
    pub(super) async fn open(
        link: Arc<Link>,
        desk: Arc<Desk>,
        queue: String,
        keys: &[(&'static str, RoutingKey)],
    ) -> Result<Self, BusError> {
        let connection = link.connection().await;
        let channel = connection.create_channel().await.map_err(|error| fault::calling(&error))?;
        // From here on it is deleted again, however far this comes.
        let mut listener = Self { link, desk, queue, consumer: None, received: None };
        listener.declare(&channel, keys).await.map_err(|error| fault::calling(&error))?;
        let consuming = listener.consume(connection, channel).await.map_err(|error| fault::calling(&error))?;
        listener.consumer = Some(consuming);
        Ok(listener)
    }

    async fn declare(&self, channel: &Channel, keys: &[(&'static str, RoutingKey)]) -> lapin::Result<()> {
        let mut arguments = FieldTable::default();
        // Should its owner die, or the deletion get lost.
        arguments.insert("x-expires".into(), AMQPValue::LongLongInt(ANSWERS_EXPIRE_MILLIS));
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        channel.queue_declare(self.queue.as_str().into(), options, arguments).await?;
        for (exchange, key) in keys {
            channel
                .queue_bind(
                    self.queue.as_str().into(),
                    (*exchange).into(),
                    key.as_str().into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await?;
        }
        Ok(())
    }

    async fn consume(&self, connection: Arc<Connection>, channel: Channel) -> lapin::Result<Consuming> {
        let queue = self.queue.as_str().into();
        let consumer =
            channel.basic_consume(queue, "".into(), BasicConsumeOptions::default(), FieldTable::default()).await?;
        Ok(Consuming { connection, _channel: channel, consumer })
    }

    async fn consume_again(&mut self) -> Result<(), BusError> {
        let connection = self.link.connection().await;
        let consumed = async {
            let channel = connection.create_channel().await?;
            self.consume(connection.clone(), channel).await
        };
        match self.link.while_up(&connection, consumed).await.unwrap_or_else(|| Err(fault::lost())) {
            Err(error) if fault::is_missing(&error) => {
                let gone = "the queue of this listener is gone: listen again, and ask for what came meanwhile";
                return Err(BusError::Unavailable(gone.into()));
            }
            Err(error) if fault::is_forbidden(&error) => return Err(fault::calling(&error)),
            Err(_) => tokio::time::sleep(PAUSE).await,
            Ok(consuming) => self.consumer = Some(consuming),
        }
        Ok(())
    }
}

#[async_trait]
impl Consumer for Listener {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        loop {
            if let Some(body) = self.received.take() {
                return Ok(Delivery::new(body, 1, Box::new(Heard)));
            }
            let Some(Consuming { connection, consumer, .. }) = &mut self.consumer else {
                self.consume_again().await?;
                continue;
            };
            match self.link.while_up(connection, consumer.next()).await.flatten() {
                Some(Ok(delivery)) => {
                    self.received = Some(delivery.data);
                    // If it gets lost the message comes again, which a listener must bear with.
                    let ack = delivery.acker.ack(BasicAckOptions::default());
                    let _ = self.link.while_up(connection, ack).await;
                }
                Some(Err(_)) | None => self.consumer = None,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let (link, queue) = (self.link.clone(), std::mem::take(&mut self.queue));
        let consumer = self.consumer.take();
        let delete = async move {
            let connection = link.connection().await;
            let channel = connection.create_channel().await?;
            channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await?;
            drop(consumer);
            Ok::<_, lapin::Error>(())
        };
        // If it fails, the queue expires.
        let deleted = async move { tokio::time::timeout(Duration::from_secs(5), delete).await };
        self.desk.runtime.spawn(self.desk.returns.track_future(deleted));
    }
}
