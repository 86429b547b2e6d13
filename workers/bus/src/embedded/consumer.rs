//! Consumers of the embedded bus.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use messages::Stage;
use tokio::sync::{Semaphore, oneshot};

use super::ended;
use super::handle::Handle;
use super::job::Needs;
use super::listener;
use super::roster;
use super::waiting::{Answer, Source, Waiter};
use crate::{BusError, Consumer, Delivery};

type Next = oneshot::Receiver<Answer>;

/// Consumes a stage's queue. A message is taken from the queue only when it is asked for, so that one that waits is
/// free for every worker.
pub(super) struct StageConsumer {
    handle: Arc<Handle>,
    name: String,
    stage: Stage,
    permits: Arc<Semaphore>,
    next: Option<Next>,
}

impl StageConsumer {
    pub(super) fn new(handle: Arc<Handle>, stage: Stage, prefetch: u16, name: String) -> Self {
        let permits = Arc::new(Semaphore::new(prefetch.max(1).into()));
        Self { handle, name, stage, permits, next: None }
    }
}

#[async_trait]
impl Consumer for StageConsumer {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        if self.next.is_none() {
            let permit = self.permits.clone().acquire_owned().await.map_err(|_| ended())?;
            self.next = Some(ask(&self.handle, Source::Stage(self.stage, permit), true));
        }
        answered(&mut self.next).await
    }

    async fn next_within(&mut self, wait: Duration) -> Result<Option<Delivery>, BusError> {
        if wait.is_zero() && self.next.is_none() {
            // A look, not a wait: else the answer would come too late, and lie here while others could have it.
            let Ok(permit) = self.permits.clone().try_acquire_owned() else {
                return Ok(None);
            };
            let answer = ask(&self.handle, Source::Stage(self.stage, permit), false);
            return answer.await.unwrap_or_else(|_| Err(ended()));
        }
        match tokio::time::timeout(wait, self.next()).await {
            Ok(delivery) => delivery.map(Some),
            Err(_) => Ok(None),
        }
    }
}

impl Drop for StageConsumer {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        // If it fails, it counts as open until this process ends.
        drop(self.handle.submit(Needs::Write, move |connection| roster::close(connection, &name)));
    }
}

/// Hears announcements until it is dropped.
pub(super) struct Listener {
    handle: Arc<Handle>,
    name: String,
    next: Option<Next>,
}

impl Listener {
    pub(super) fn new(handle: Arc<Handle>, name: String) -> Self {
        Self { handle, name, next: None }
    }
}

#[async_trait]
impl Consumer for Listener {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        if self.next.is_none() {
            self.next = Some(ask(&self.handle, Source::Listener(self.name.clone()), true));
        }
        answered(&mut self.next).await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let name = self.name.clone();
        // If it fails, the queue goes away with this process.
        drop(self.handle.submit(Needs::Write, move |connection| listener::close(connection, &name)));
    }
}

fn ask(handle: &Handle, source: Source, patient: bool) -> Next {
    let (reply, next) = oneshot::channel();
    handle.wait(Waiter { source, patient, reply });
    next
}

/// Waits for the answer to the question in `next`. It stays there if the wait is cancelled: a delivery that is on its
/// way is handed out next time, or gives itself back when the consumer is dropped.
async fn answered(next: &mut Option<Next>) -> Result<Delivery, BusError> {
    let Some(answer) = next.as_mut() else {
        return Err(ended());
    };
    let delivery = answer.await.unwrap_or_else(|_| Err(ended()));
    *next = None;
    delivery?.ok_or_else(ended)
}
