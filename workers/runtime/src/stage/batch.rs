//! From deliveries to a handler and back.

use bus::Delivery;
use messages::Failure;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use super::panics::{Panic, caught};
use super::{Handled, Handler, StageLoop, Work, report, work};
use crate::classify;
use crate::lineage::openlineage;

/// A message that so many workers died with may be why. One death is chance (a restart, a machine that was switched
/// off), and if it made every message of a batch a suspect, each would have a build of its own.
const SUSPECT_AFTER: u32 = 2;

/// Whether the message may be what its workers died of.
pub(super) fn is_suspect(delivery: &Delivery) -> bool {
    delivery.deaths() >= SUSPECT_AFTER
}

impl<H: Handler> StageLoop<H> {
    /// Handles deliveries in their order, together where that is safe: a message that workers died with again and again
    /// is handled alone, so that it takes no other with it.
    pub(super) async fn handle(&mut self, batch: Vec<Delivery>, stop: &CancellationToken) -> Result<(), Failure> {
        let mut together = Vec::new();
        for delivery in self.take_back(batch, stop).await? {
            let suspect = is_suspect(&delivery);
            if suspect {
                report::suspected(self.handler.stage(), delivery.deaths());
                self.handle_together(std::mem::take(&mut together), stop).await?;
            }
            if let Some(readable) = self.read(delivery, stop).await? {
                together.push(readable);
            }
            if suspect {
                self.handle_together(std::mem::take(&mut together), stop).await?;
            }
        }
        self.handle_together(together, stop).await
    }

    /// Takes in what the batch takes back, before anything of it is begun; the others are left.
    async fn take_back(&mut self, batch: Vec<Delivery>, stop: &CancellationToken) -> Result<Vec<Delivery>, Failure> {
        let stage = self.handler.stage();
        let is_cancel = |delivery: &Delivery| {
            let message = delivery.envelope().ok().map(|envelope| envelope.message);
            message.is_some_and(|message| message.cancels().is_some() && message.stage() == Some(stage))
        };
        let (cancels, others): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_cancel);
        for delivery in cancels {
            let Some((delivery, work)) = self.read(delivery, stop).await? else { continue };
            let Some(cancel) = work.envelope.message.cancels() else { continue };
            self.cancels.hear(cancel, work.envelope.trace);
            let span = work.span.clone();
            let recorded = caught(self.handler.cancel(&work, cancel)).instrument(span.clone()).await;
            let recorded = recorded.unwrap_or_else(|panic| Err(panic.failure())).map(|()| {
                report::cancel_recorded(stage, &work, cancel);
                Handled::default()
            });
            self.settle(delivery, &work, recorded, stop).instrument(span).await?;
        }
        Ok(others)
    }

    /// What is to be done, unless that is already clear: what can't be read or was tried often enough is given up.
    async fn read(
        &mut self,
        delivery: Delivery,
        stop: &CancellationToken,
    ) -> Result<Option<(Delivery, Work)>, Failure> {
        let attempt = delivery.attempt();
        let envelope = match delivery.envelope() {
            Ok(envelope) => envelope,
            Err(error) => {
                let failure = classify(error);
                let span =
                    work::unreadable(delivery.trace(), attempt, self.handler.stage(), self.bus.system(), &failure);
                let stage = self.handler.stage();
                let dead = async {
                    delivery.dead_letter(&failure).await?;
                    report::unreadable(stage, &failure);
                    Ok::<_, Failure>(())
                };
                dead.instrument(span).await?;
                return Ok(None);
            }
        };
        let work = Work::delivered(envelope, attempt, self.handler.stage(), self.bus.system()).heeding(&self.cancels);
        if attempt <= self.retry.max_attempts {
            openlineage::taken(&work);
            return Ok(Some((delivery, work)));
        }
        let failure = Failure::permanent(format!(
            "given up after {} tries: in the last one the worker died, or could not record why it failed",
            attempt - 1
        ));
        let span = work.span.clone();
        self.give_up(delivery, &work, failure, stop).instrument(span).await?;
        Ok(None)
    }

    async fn handle_together(&mut self, batch: Vec<(Delivery, Work)>, stop: &CancellationToken) -> Result<(), Failure> {
        let (deliveries, work): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let results = match work.as_slice() {
            [] => return Ok(()),
            [alone] => vec![self.try_alone(alone).await],
            _ => match self.try_all(&work).await {
                Ok(results) => results,
                Err(panic) => {
                    panic.report(work.len());
                    return self.handle_each(deliveries, work, stop).await;
                }
            },
        };
        debug_assert_eq!(results.len(), work.len());
        for ((delivery, work), result) in deliveries.into_iter().zip(work).zip(results) {
            let span = work.span.clone();
            self.settle(delivery, &work, result, stop).instrument(span).await?;
        }
        Ok(())
    }

    /// Each on its own, so that the one that can't be handled is found and spoils no other.
    async fn handle_each(
        &mut self,
        deliveries: Vec<Delivery>,
        work: Vec<Work>,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        for (delivery, work) in deliveries.into_iter().zip(work) {
            let result = self.try_alone(&work).await;
            let span = work.span.clone();
            self.settle(delivery, &work, result, stop).instrument(span).await?;
        }
        Ok(())
    }

    async fn try_alone(&mut self, work: &Work) -> Result<Handled, Failure> {
        let mut results = match self.try_all(std::slice::from_ref(work)).await {
            Ok(results) => results,
            Err(panic) => return Err(panic.failure()),
        };
        let none =
            || Err(Failure::permanent("the worker had no answer; this is a defect of millrace, please report it"));
        results.pop().unwrap_or_else(none)
    }

    async fn try_all(&mut self, work: &[Work]) -> Result<Vec<Result<Handled, Failure>>, Panic> {
        // What is done for all is told once, in the first one's trace.
        let span = work.first().map_or_else(Span::none, |first| first.span.clone());
        caught(self.handler.handle(work).instrument(span)).await
    }
}
