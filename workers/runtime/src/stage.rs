//! The loop around a stage's queue: deliver, handle, announce, acknowledge. In this order, so that whatever happens in
//! between, the delivery comes again and is handled to the same end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::{Bus, BusError, Delivery};
use messages::{Envelope, Failure, FailureClass, Stage};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{RetryPolicy, classify};

/// What a stage does with its messages.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The stage whose queue this is.
    fn stage(&self) -> Stage;

    /// How many messages that wait together may be handled together. 1 unless there is something to gain.
    fn together(&self) -> usize {
        1
    }

    /// Handles messages, one result for each in their order. What it did is committed before it returns; what came a
    /// second time changes nothing and is announced again.
    async fn handle(&mut self, work: &[Work]) -> Vec<Result<Handled, Failure>>;

    /// A message is given up: records that and says what to announce. Called before it is dead-lettered.
    async fn give_up(&mut self, work: &Work, failure: &Failure) -> Result<Handled, Failure>;
}

/// A message to be handled.
#[derive(Clone, Debug)]
pub struct Work {
    /// The message.
    pub envelope: Envelope,
    /// Which try this is, from 1.
    pub attempt: u32,
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
}

impl<H: Handler> StageLoop<H> {
    /// Works until `stop` is cancelled or something fatal happens. A bus that is away is waited for.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Failure> {
        let stage = self.handler.stage();
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

    async fn consume(&mut self, stage: Stage, stop: &CancellationToken, failures: &mut u32) -> Result<(), Failure> {
        let prefetch = u16::try_from(self.handler.together()).unwrap_or(u16::MAX);
        let mut consumer = self.bus.consume(stage, prefetch).await?;
        loop {
            let mut batch = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                delivery = consumer.next() => vec![delivery?],
            };
            *failures = 0;
            while batch.len() < self.handler.together() {
                match consumer.next_within(Duration::ZERO).await? {
                    Some(delivery) => batch.push(delivery),
                    None => break,
                }
            }
            self.handle(batch, stop).await?;
        }
    }

    async fn handle(&mut self, batch: Vec<Delivery>, stop: &CancellationToken) -> Result<(), Failure> {
        let (mut deliveries, mut work) = (Vec::new(), Vec::new());
        for delivery in batch {
            let attempt = delivery.attempt();
            let envelope = match delivery.envelope() {
                Ok(envelope) => envelope,
                Err(error) => {
                    let failure = classify(error);
                    tracing::error!(stage = %self.handler.stage(), error = %failure, "a message can't be read; it is dead-lettered");
                    delivery.dead_letter(&failure).await?;
                    continue;
                }
            };
            let item = Work { envelope, attempt };
            if attempt > self.retry.max_attempts {
                let failure = Failure::permanent(format!(
                    "given up after {} tries: in the last one the worker died, or could not record why it failed",
                    attempt - 1
                ));
                self.give_up(delivery, &item, failure, stop).await?;
                continue;
            }
            deliveries.push(delivery);
            work.push(item);
        }
        if work.is_empty() {
            return Ok(());
        }
        let results = self.handler.handle(&work).await;
        debug_assert_eq!(results.len(), work.len());
        for ((delivery, work), result) in deliveries.into_iter().zip(&work).zip(results) {
            self.settle(delivery, work, result, stop).await?;
        }
        Ok(())
    }

    async fn settle(
        &mut self,
        delivery: Delivery,
        work: &Work,
        result: Result<Handled, Failure>,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let failure = match result {
            Ok(handled) => {
                self.publish(handled, stop).await?;
                failpoint::point!("ack:before");
                delivery.ack().await?;
                failpoint::point!("ack:after");
                return Ok(());
            }
            Err(failure) => failure,
        };
        if failure.class == FailureClass::Fatal {
            delivery.give_back().await?;
            return Err(failure);
        }
        match self.retry.after(work.attempt, &failure) {
            Some(delay) => {
                tracing::warn!(
                    stage = %self.handler.stage(), load_id = %work.envelope.load_id(), attempt = work.attempt,
                    delay_secs = delay.as_secs_f64(), error = %failure, "failed for now; trying again"
                );
                Ok(delivery.retry(delay, &failure).await?)
            }
            None => self.give_up(delivery, work, failure, stop).await,
        }
    }

    async fn give_up(
        &mut self,
        delivery: Delivery,
        work: &Work,
        failure: Failure,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        tracing::error!(
            stage = %self.handler.stage(), load_id = %work.envelope.load_id(), attempt = work.attempt,
            trace_id = work.envelope.trace.trace_id(), error = %failure, "failed for good; dead-lettered"
        );
        match self.handler.give_up(work, &failure).await {
            Ok(handled) => {
                self.publish(handled, stop).await?;
                Ok(delivery.dead_letter(&failure).await?)
            }
            Err(unrecorded)
                if unrecorded.class == FailureClass::Transient
                    && work.attempt < self.retry.max_attempts.saturating_mul(2) =>
            {
                tracing::warn!(load_id = %work.envelope.load_id(), error = %unrecorded, "the failure can't be recorded yet; trying again");
                Ok(delivery.retry(self.retry.delay(work.attempt), &failure).await?)
            }
            // What can't even be recorded is still kept: the dead letter has both causes.
            Err(unrecorded) => {
                let message = format!("{failure}; and the audit could not be written: {unrecorded}");
                Ok(delivery.dead_letter(&Failure { message, ..failure }).await?)
            }
        }
    }

    /// Publishes until it succeeds: the work is committed, and only the announcement is missing. Ends with an error
    /// when asked to stop, and then the delivery comes again.
    async fn publish(&self, handled: Handled, stop: &CancellationToken) -> Result<(), Failure> {
        for envelope in handled.announce {
            let mut attempt = 0;
            failpoint::point!("publish:before");
            while let Err(error) = self.bus.publish(&envelope).await {
                attempt += 1;
                let delay = self.retry.delay(attempt);
                if !matches!(error, BusError::Unavailable(_) | BusError::Unroutable { .. }) || stop.is_cancelled() {
                    return Err(error.into());
                }
                tracing::warn!(kind = envelope.message.type_name(), load_id = %envelope.load_id(), %error, "not published yet; trying again");
                let _ = tokio::time::timeout(delay, stop.cancelled()).await;
            }
            failpoint::point!("publish:after");
            if let Some(announced) = &self.announced {
                // Nobody listens: nobody needs to know.
                let _ = announced.send(envelope);
            }
        }
        Ok(())
    }
}
