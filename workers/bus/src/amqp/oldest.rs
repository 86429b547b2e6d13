//! How long the oldest message of a queue has waited. A quorum queue tells nobody, so it is taken, looked at and given
//! back, which only those get done for them who ask for it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use messages::Stage;

use super::letter::Letter;
use super::publisher::Publisher;
use super::topology::stage_key;
use super::used::Used;
use super::{depths, fault};
use crate::BusError;

/// How long it may take to come. Where another consumer is the only active one, it never does.
const COMES_WITHIN: Duration = Duration::from_secs(1);

/// Seconds since the oldest message that waits was published. `None` if nothing waits, or workers are quicker.
pub(super) async fn age_secs(channel: &Channel, publisher: &Publisher, stage: Stage) -> Result<Option<u64>, BusError> {
    let Some(delivery) = take(channel, stage).await.map_err(|error| fault::calling(&error))? else {
        return Ok(None);
    };
    let at = delivery.properties.timestamp().and_then(|secs| DateTime::from_timestamp(i64::try_from(secs).ok()?, 0));
    // Uncounted, and at the queue's end. If that fails, the end of the channel puts it back to its place, counted.
    let used = Used::of(&delivery.properties);
    let letter = Letter::again(stage_key(stage), &delivery.properties, delivery.data, used);
    if publisher.publish(letter).await? {
        delivery.acker.ack(BasicAckOptions::default()).await.map_err(|error| fault::calling(&error))?;
    }
    Ok(at.map(|at| Utc::now().signed_duration_since(at).num_seconds().max(0).unsigned_abs()))
}

async fn take(channel: &Channel, stage: Stage) -> lapin::Result<Option<Delivery>> {
    let queue = stage.queue();
    if depths::count(channel, queue.clone()).await?.0 == 0 {
        return Ok(None);
    }
    // With one in hand no second one is sent, which would come back counted.
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let mut consumer = channel
        .basic_consume(queue.as_str().into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    let taken = tokio::time::timeout(COMES_WITHIN, consumer.next()).await;
    channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
    // It may have come while its consumer was cancelled.
    match taken.ok().flatten() {
        Some(delivery) => delivery.map(Some),
        None => consumer.next().await.transpose(),
    }
}
