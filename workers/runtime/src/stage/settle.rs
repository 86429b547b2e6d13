//! What becomes of a delivery after its message was handled.

use bus::{BusError, Delivery};
use messages::{Failure, FailureClass};
use tokio_util::sync::CancellationToken;

use super::panics::caught;
use super::{Handled, Handler, StageLoop, Work};

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

    pub(super) async fn give_up(
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
        let recorded = match caught(self.handler.give_up(work, &failure)).await {
            Ok(recorded) => recorded,
            Err(panic) => Err(panic.failure()),
        };
        match recorded {
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
                tracing::error!(load_id = %work.envelope.load_id(), error = %unrecorded, "the failure could not be recorded");
                let message = format!("{failure}; and that could not be recorded: {unrecorded}");
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
