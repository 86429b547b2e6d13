//! What happens to a delivery of the embedded bus.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use messages::Failure;
use tokio::sync::OwnedSemaphorePermit;

use super::clock::{millis, now_millis};
use super::dead;
use super::handle::Handle;
use super::job::Needs;
use super::queue::{self, Lease};
use super::turn::Turn;
use super::writer::Ask;
use crate::{BusError, Settle};

/// A message of a stage in hand. Dropped before it is settled, or if settling failed, it gives itself back.
pub(super) struct InHand {
    handle: Arc<Handle>,
    lease: Lease,
    settled: bool,
    /// Free for the consumer's next delivery when this one is settled.
    _permit: OwnedSemaphorePermit,
}

impl InHand {
    pub(super) fn new(handle: Arc<Handle>, lease: Lease, permit: OwnedSemaphorePermit) -> Self {
        Self { handle, lease, settled: false, _permit: permit }
    }

    async fn settle<F>(mut self: Box<Self>, needs: Needs, work: F) -> Result<(), BusError>
    where
        F: FnMut(&Turn<'_>) -> rusqlite::Result<bool> + Send + 'static,
    {
        let answer = self.handle.submit(needs, work);
        // From here on it happens, even if the caller stops waiting.
        self.settled = true;
        match answer.await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => {
                Err(BusError::Unavailable("the delivery was taken back meanwhile, so it comes again".into()))
            }
            Ok(Err(error)) => {
                self.settled = false;
                Err(error)
            }
            Err(_) => Err(super::ended()),
        }
    }
}

#[async_trait]
impl Settle for InHand {
    async fn ack(self: Box<Self>) -> Result<(), BusError> {
        let (owner, lease) = (self.handle.owner.clone(), self.lease);
        self.settle(Needs::Write, move |turn| queue::ack(turn, &owner, lease)).await
    }

    async fn retry(self: Box<Self>, after: Duration, _cause: &Failure) -> Result<(), BusError> {
        let (owner, lease) = (self.handle.owner.clone(), self.lease);
        let at = now_millis().saturating_add(millis(after));
        self.settle(Needs::Disk, move |connection| queue::delay(connection, &owner, lease, at)).await
    }

    async fn dead_letter(self: Box<Self>, cause: &Failure) -> Result<(), BusError> {
        let (owner, worker) = (self.handle.owner.clone(), self.handle.worker.clone());
        let (lease, cause) = (self.lease, cause.clone());
        self.settle(Needs::Disk, move |connection| dead::bury(connection, &owner, &worker, lease, &cause)).await
    }

    async fn give_back(self: Box<Self>) -> Result<(), BusError> {
        let (owner, lease) = (self.handle.owner.clone(), self.lease);
        self.settle(Needs::Write, move |connection| queue::give_back(connection, &owner, lease)).await
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if !self.settled {
            self.handle.ask(Ask::GiveBack(self.lease));
        }
    }
}
