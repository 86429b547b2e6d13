//! The loop around a stage's queue: deliver, handle, announce, acknowledge. In this order, so that whatever happens in
//! between, the delivery comes again and is handled to the same end.

mod batch;
mod cancels;
mod listen;
mod panics;
mod report;
mod settle;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bus::{Bus, Consumer, Delivery, QueueDepth};
use messages::{CancelRequested, Envelope, Failure, FailureClass, Stage};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::RetryPolicy;

pub use cancels::{CancelSignal, Cancels};
use listen::Listening;
pub use work::Work;

/// How long a stage waits for others to handle together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// In all.
    pub at_most: Duration,
    /// For the next one: if none came for so long, none is on its way.
    pub gap: Duration,
}

/// How long a worker waits at its start for what lies in the queue behind the first message: a cancel of that may be there, of
/// which no worker heard because none ran.
const AT_START: Patience = Patience { at_most: Duration::from_secs(1), gap: Duration::from_millis(500) };

/// The longest such wait, where the queue holds more and is slow to hand it out.
const AT_START_LONGEST: Duration = Duration::from_secs(10);

/// What a stage does with its messages.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The stage whose queue this is.
    fn stage(&self) -> Stage;

    /// How many messages that wait together may be handled together. 1 unless there is something to gain.
    fn together(&self) -> usize {
        1
    }

    /// How long others may be waited for that are handled together with `first`. Not at all, unless more is on its way and
    /// is cheaper together.
    fn patience(&self, first: &Envelope) -> Patience {
        let _ = first;
        Patience::default()
    }

    /// Handles messages, one result for each in their order. What it did is committed before it returns; what came a
    /// second time changes nothing and is announced again. Should it panic over several messages, it is called again
    /// with each of them alone. What it finds [taken back](Work::cancel), or breaks off for it, ends in a failure of the class
    /// `Cancelled`; what is done by then is done, and is announced so.
    async fn handle(&mut self, work: &[Work]) -> Vec<Result<Handled, Failure>>;

    /// Somebody takes a command back: records that, so that it holds wherever and whenever the command is delivered. A copy
    /// of it changes nothing.
    async fn cancel(&mut self, work: &Work, cancel: &CancelRequested) -> Result<(), Failure>;

    /// A message is given up: records that and says what to announce. Called before it is dead-lettered; one that ends as
    /// cancelled is acknowledged. What another worker has done meanwhile stands, and is what is announced. Of a dry run
    /// nothing is recorded, and it is acknowledged with what this announces, its answer.
    async fn give_up(&mut self, work: &Work, failure: &Failure) -> Result<Handled, Failure>;
}

/// What handling a message led to.
#[derive(Clone, Debug, Default)]
pub struct Handled {
    /// Messages to publish before the delivery is acknowledged.
    pub announce: Vec<Envelope>,
}

impl From<Vec<Envelope>> for Handled {
    fn from(announce: Vec<Envelope>) -> Self {
        Self { announce }
    }
}

/// One consumer of a stage's queue.
pub struct StageLoop<H> {
    /// Where messages come from and go to.
    pub bus: Arc<dyn Bus>,
    /// What to do with them.
    pub handler: H,
    /// How failures are tried again.
    pub retry: RetryPolicy,
    /// Hears of every message that was announced, for whoever shows progress.
    pub announced: Option<broadcast::Sender<Envelope>>,
    /// What is heard of commands that are taken back.
    pub cancels: Cancels,
}

impl<H: Handler> StageLoop<H> {
    /// Works until `stop` is cancelled or something fatal happens. A bus that is away is waited for.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Failure> {
        let stage = self.handler.stage();
        report::begins(stage);
        let listening = Listening::begin(self.bus.clone(), stage, self.cancels.clone(), self.retry.clone()).await;
        let ended = self.work(stage, stop).await;
        listening.end().await;
        ended
    }

    async fn work(&mut self, stage: Stage, stop: CancellationToken) -> Result<(), Failure> {
        let mut failures = 0;
        while !stop.is_cancelled() {
            match self.consume(stage, &stop, &mut failures).await {
                Ok(()) => break,
                Err(failure) if failure.class == FailureClass::Transient => {
                    failures += 1;
                    let delay = self.retry.delay(failures);
                    tracing::warn!(%stage, delay_secs = delay.as_secs_f64(), error = %failure, "the queue can't be read; trying again");
                    let _ = tokio::time::timeout(delay, stop.cancelled()).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Begins with one message at a time, until one comes that is no suspect. A broker counts everything that a
    /// dead worker had fetched as tried, so one that kills its worker must be alone in hand after a restart, or it uses
    /// up the tries of all that wait behind it.
    async fn consume(&mut self, stage: Stage, stop: &CancellationToken, failures: &mut u32) -> Result<(), Failure> {
        let together = self.handler.together();
        let mut one = self.bus.consume(stage, 1).await?;
        let first = loop {
            let Some(delivery) = next(&mut *one, stop).await? else {
                return Ok(());
            };
            *failures = 0;
            if together > 1 && !batch::is_suspect(&delivery) {
                break delivery;
            }
            self.handle(vec![delivery], stop).await?;
        };
        // What was handed out stays in hand; where one consumer is active at a time, the next one is served only now.
        drop(one);
        let mut many = self.bus.consume(stage, u16::try_from(together).unwrap_or(u16::MAX)).await?;
        let batch = self.fill(&mut *many, first, AT_START, stop).await?;
        self.handle(batch, stop).await?;
        while let Some(first) = next(&mut *many, stop).await? {
            let batch = self.fill(&mut *many, first, Patience::default(), stop).await?;
            self.handle(batch, stop).await?;
        }
        Ok(())
    }

    /// `first` and what waits behind it, or comes while the handler has patience, and that at least.
    async fn fill(
        &self,
        consumer: &mut dyn Consumer,
        first: Delivery,
        at_least: Patience,
        stop: &CancellationToken,
    ) -> Result<Vec<Delivery>, Failure> {
        let patience = first.envelope().map_or_else(|_| Patience::default(), |first| self.handler.patience(&first));
        let patience =
            Patience { at_most: patience.at_most.max(at_least.at_most), gap: patience.gap.max(at_least.gap) };
        let begun = Instant::now();
        let mut until = begun + patience.at_most;
        let mut batch = vec![first];
        while batch.len() < self.handler.together() {
            let wait = patience.gap.min(until.saturating_duration_since(Instant::now()));
            let next = tokio::select! {
                biased;
                next = consumer.next_within(wait) => next?,
                () = stop.cancelled() => None,
            };
            match next {
                Some(delivery) => batch.push(delivery),
                None if at_least == AT_START && begun.elapsed() < AT_START_LONGEST && self.lies_behind(stop).await => {
                    until = Instant::now() + patience.gap;
                }
                None => break,
            }
        }
        Ok(batch)
    }

    /// Whether the queue holds what could be handed out. Where that can't be told, nothing is waited for.
    async fn lies_behind(&self, stop: &CancellationToken) -> bool {
        let stage = self.handler.stage();
        let waits = |depth: &QueueDepth| depth.stage == stage && depth.ready > 0 && !depth.paused;
        !stop.is_cancelled() && self.bus.depths().await.is_ok_and(|depths| depths.iter().any(waits))
    }
}

/// The next delivery; `None` when asked to stop.
async fn next(consumer: &mut dyn Consumer, stop: &CancellationToken) -> Result<Option<Delivery>, Failure> {
    tokio::select! {
        () = stop.cancelled() => Ok(None),
        delivery = consumer.next() => Ok(Some(delivery?)),
    }
}
