//! Background loops: started together, stopped together, each in its own time.

use std::future::Future;
use std::time::Duration;

use messages::Failure;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The loops of a process. When one ends with an error, all are asked to stop.
#[derive(Default)]
pub struct Services {
    tasks: JoinSet<(&'static str, Result<(), Failure>)>,
    stop: CancellationToken,
}

impl Services {
    /// No loops yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token that asks all loops to stop. A loop that sees it finishes what it has in hand and ends.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a loop. It must end soon after the token given to it is cancelled.
    pub fn start<F>(&mut self, name: &'static str, run: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let task = run(self.stop.clone());
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let end = task.await;
            // At once, not when somebody looks: others may wait for what this loop was to do.
            if end.is_err() {
                stop.cancel();
            }
            (name, end)
        });
    }

    /// Waits until all loops have ended by themselves, one has failed, or somebody asks to stop; then stops the others,
    /// and drops after `drain` those that did not end by then, at once if it is zero. The first failure is the result.
    pub async fn run(mut self, drain: Duration) -> Result<(), Failure> {
        let mut result = Ok(());
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                ended = self.tasks.join_next() => match ended {
                    None => return result,
                    Some(ended) => {
                        result = result.and(outcome(ended));
                        // A loop that panicked could not ask for that itself.
                        if result.is_err() {
                            self.stop.cancel();
                        }
                    }
                },
            }
        }
        let drained = tokio::time::timeout(drain, async {
            while let Some(ended) = self.tasks.join_next().await {
                result = std::mem::replace(&mut result, Ok(())).and(outcome(ended));
            }
        });
        if drained.await.is_err() {
            tracing::warn!(
                drain_secs = drain.as_secs(),
                "not all work ended in time; what is in hand is given back and will be done again"
            );
            self.tasks.shutdown().await;
        }
        result
    }
}

fn outcome(ended: Result<(&'static str, Result<(), Failure>), tokio::task::JoinError>) -> Result<(), Failure> {
    match ended {
        Ok((_, Ok(()))) => Ok(()),
        Ok((name, Err(failure))) => Err(failure.context(name)),
        Err(error) if error.is_cancelled() => Ok(()),
        Err(error) => Err(Failure::fatal(format!("a loop ended unexpectedly: {error}"))),
    }
}
