//! How full the queues are.

use futures::future::try_join_all;
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use messages::Stage;

use super::management::Told;
use super::topology::{DELAY_TIERS, dead_queue, delay_queue, flag_queue};
use crate::QueueDepth;

/// Whether the stage is paused. Costs a round trip, and no right.
pub(super) async fn is_paused(channel: &Channel, stage: Stage) -> lapin::Result<bool> {
    Ok(count(channel, flag_queue(stage)).await?.0 > 0)
}

/// Counts the queues of all stages. `in_hand` is what this process has of each, `told` what the management API knows.
pub(super) async fn count_all(
    channel: &Channel,
    in_hand: impl Fn(Stage) -> u64,
    told: Option<Vec<Told>>,
) -> lapin::Result<Vec<QueueDepth>> {
    let counted = Stage::ALL.into_iter().map(|stage| count_one(channel, stage));
    let mut depths = try_join_all(counted).await?;
    for (at, depth) in depths.iter_mut().enumerate() {
        depth.in_hand = in_hand(depth.stage);
        if let Some(told) = told.as_ref().and_then(|told| told.get(at)) {
            // What is told may be seconds old.
            depth.in_hand = depth.in_hand.max(told.in_hand.unwrap_or_default());
            depth.published_per_sec = Some(told.published_per_sec());
            depth.acknowledged_per_sec = Some(told.acknowledged_per_sec());
        }
    }
    Ok(depths)
}

async fn count_one(channel: &Channel, stage: Stage) -> lapin::Result<QueueDepth> {
    let tiers = DELAY_TIERS.iter().map(|(tier, _)| count(channel, delay_queue(stage, tier)));
    let (delays, (ready, consumers), (dead, _), paused) = futures::try_join!(
        try_join_all(tiers),
        count(channel, stage.queue()),
        count(channel, dead_queue(stage)),
        is_paused(channel, stage)
    )?;
    Ok(QueueDepth {
        stage,
        ready,
        delayed: delays.into_iter().map(|(messages, _)| messages).sum(),
        in_hand: 0,
        dead,
        // A quorum queue tells no one how old its messages are.
        oldest_secs: None,
        consumers: Some(consumers),
        published_per_sec: None,
        acknowledged_per_sec: None,
        paused,
    })
}

/// Messages that are ready, and consumers.
pub(super) async fn count(channel: &Channel, queue: String) -> lapin::Result<(u64, u64)> {
    let options = QueueDeclareOptions { passive: true, durable: true, ..Default::default() };
    let queue = channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await?;
    Ok((queue.message_count().into(), queue.consumer_count().into()))
}
