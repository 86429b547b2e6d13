//! Hearing of cancels while something else is in hand.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, BusError, Consumer};
use messages::{Envelope, Stage};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{Cancels, report};
use crate::RetryPolicy;

/// How long the stage's work waits at its start for somebody to listen. What is published before is found in the queue.
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// Listens until it is dropped.
pub(super) struct Listening {
    tasks: JoinSet<()>,
}

impl Listening {
    /// Begins to take what is heard into `cancels`, and returns once that has begun, or can't for the moment.
    pub(super) async fn begin(bus: Arc<dyn Bus>, stage: Stage, cancels: Cancels, retry: RetryPolicy) -> Self {
        let (begun, has_begun) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(bus, stage, cancels, retry, begun));
        let _ = tokio::time::timeout(FIRST_WAIT, has_begun).await;
        Self { tasks }
    }

    /// Ends it, and gives its queue back.
    pub(super) async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn listen(bus: Arc<dyn Bus>, stage: Stage, cancels: Cancels, retry: RetryPolicy, begun: oneshot::Sender<()>) {
    let wanted = format!("{stage}.cancel.requested");
    let mut begun = Some(begun);
    let mut failures = 0;
    loop {
        let error = match bus.listen_to_all(&[&wanted]).await {
            Ok(mut listener) => {
                failures = 0;
                // Nobody waits any more if it took long.
                let _ = begun.take().map(|begun| begun.send(()));
                hear(&mut *listener, &cancels).await
            }
            Err(error @ BusError::Configuration(_)) => return report::deaf(stage, &error),
            Err(error) => error,
        };
        failures += 1;
        tracing::debug!(%stage, %error, "cancels can't be heard for the moment; trying again");
        tokio::time::sleep(retry.delay(failures)).await;
    }
}

/// Takes in what is heard, until that ends.
async fn hear(listener: &mut dyn Consumer, cancels: &Cancels) -> BusError {
    loop {
        let delivery = match listener.next().await {
            Ok(delivery) => delivery,
            Err(error) => return error,
        };
        // What can't be read is dead-lettered by whoever takes it from the queue.
        if let Ok(Envelope { message, trace, .. }) = delivery.envelope()
            && let Some(cancel) = message.cancels()
        {
            cancels.hear(cancel, trace);
        }
        if let Err(error) = delivery.ack().await {
            return error;
        }
    }
}
