//! What becomes of a delivery after its message was handled.

use bus::{BusError, Delivery};
use messages::{Failure, FailureClass};
use tokio_util::sync::CancellationToken;

use super::panics::caught;
use super::{Handled, Handler, StageLoop, Work, report};
use crate::lineage::openlineage;

impl<H: Handler> StageLoop<H> {
    pub(super) async fn settle(
        &mut self,
        delivery: Delivery,
        work: &Work,
        result: Result<Handled, Failure>,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let failure = match result {
            Ok(handled) => {
                self.publish(work, handled, stop).await?;
                failpoint::point!("ack:before");
                delivery.ack().await?;
                failpoint::point!("ack:after");
                report::done(self.handler.stage(), work);
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
                report::retried(self.handler.stage(), work, &failure, delay);
                Ok(delivery.retry(delay, &failure).await?)
            }
            None => self.give_up(delivery, work, failure, stop).await,
        }
    }

    pub(super) async fn give_up(
        &mut self,
        delivery: Delivery,
        work: &Work,
        failure: Failure,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let recorded = match caught(self.record_end(work, &failure)).await {
            Ok(recorded) => recorded,
            Err(panic) => Err(panic.failure()),
        };
        match recorded {
            Ok(handled) if failure.class == FailureClass::Cancelled => {
                self.publish(work, handled, stop).await?;
                failpoint::point!("ack:before");
                delivery.ack().await?;
                failpoint::point!("ack:after");
                report::cancelled(self.handler.stage(), work, &failure);
                Ok(())
            }
            Ok(handled) => {
                self.publish(work, handled, stop).await?;
                if work.envelope.message.is_dry_run() {
                    delivery.ack().await?;
                    report::answered(self.handler.stage(), work, &failure);
                    return Ok(());
                }
                delivery.dead_letter(&failure).await?;
                report::given_up(self.handler.stage(), work, &failure);
                Ok(())
            }
            Err(unrecorded)
                if unrecorded.class == FailureClass::Transient
                    && work.attempt < self.retry.max_attempts.saturating_mul(2) =>
            {
                let delay = self.retry.delay(work.attempt);
                tracing::warn!(error = %unrecorded, "the failure can't be recorded yet; trying again");
                report::retried(self.handler.stage(), work, &failure, delay);
                Ok(delivery.retry(delay, &failure).await?)
            }
            // What can't even be recorded is still kept: the dead letter has both causes.
            Err(unrecorded) => {
                let message = format!("{failure}; and that could not be recorded: {unrecorded}");
                let failure = Failure { message, ..failure };
                delivery.dead_letter(&failure).await?;
                report::given_up(self.handler.stage(), work, &failure);
                Ok(())
            }
        }
    }

    async fn record_end(&mut self, work: &Work, failure: &Failure) -> Result<Handled, Failure> {
        // Nobody waits for an answer to a cancel: it is the command that is answered.
        if work.envelope.message.cancels().is_some() {
            return Ok(Handled::default());
        }
        self.handler.give_up(work, failure).await
    }

    /// Publishes until it succeeds: the work is committed, and only the announcement is missing. Ends with an error
    /// when asked to stop, and then the delivery comes again.
    async fn publish(&self, work: &Work, handled: Handled, stop: &CancellationToken) -> Result<(), Failure> {
        for envelope in &handled.announce {
            let mut attempt = 0;
            failpoint::point!("publish:before");
            while let Err(error) = self.bus.publish(envelope).await {
                attempt += 1;
                let delay = self.retry.delay(attempt);
                if !matches!(error, BusError::Unavailable(_) | BusError::Unroutable { .. }) || stop.is_cancelled() {
                    return Err(error.into());
                }
                tracing::warn!(kind = envelope.message.type_name(), %error, "not published yet; trying again");
                let _ = tokio::time::timeout(delay, stop.cancelled()).await;
            }
            failpoint::point!("publish:after");
            if let Some(announced) = &self.announced {
                // Nobody listens: nobody needs to know.
                let _ = announced.send(envelope.clone());
            }
        }
        openlineage::led_to(work, &handled.announce);
        Ok(())
    }
}
