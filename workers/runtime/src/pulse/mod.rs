//! What is looked at now and then, rather than counted as it happens: how full the queues are, how fresh the data is, and
//! whether the parts of the process can be used.
//!
//! Every process counts every stage's queue, not only that of its own stage: a queue whose worker is gone must still be seen.
//! Whoever adds up takes the maximum over the processes, and of the oldest message's age the minimum, because each process tells
//! what it is at most. What can't be counted is absent, never old.

mod freshness;
mod instruments;
mod oldest;
mod overdue;
mod queues;

use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use messages::Failure;
use tokio::task::JoinHandle;

use crate::health::Health;
pub use freshness::{current, loaded};
pub use instruments::BuildInfo;
pub(crate) use oldest::taken;
pub use overdue::{expected, not_known};
use queues::Queues;

/// How long counting may take. A bus that is away is waited for by all who ask, and the pulse must not stand in line.
const COUNT: Duration = Duration::from_secs(5);

/// The loop that looks. It never fails: what can't be seen is not told.
pub struct Pulse {
    task: JoinHandle<()>,
}

impl Pulse {
    /// Begins to look `every` so often, and to show what it sees.
    pub fn start(bus: Arc<dyn Bus>, health: Health, every: Duration, info: BuildInfo) -> Self {
        let queues = Arc::new(Queues::default());
        instruments::register(&queues, health, info);
        let task = tokio::spawn(async move {
            let mut are_told = true;
            loop {
                let counted = tokio::time::timeout(COUNT, bus.depths()).await;
                let counted = counted.unwrap_or_else(|_| Err(silent())).map_err(Failure::from);
                match (&counted, are_told) {
                    (Err(error), true) => {
                        tracing::warn!(%error, "the queues can't be counted; their metrics are missing until they can")
                    }
                    (Ok(_), false) => tracing::info!("the queues can be counted again"),
                    _ => {}
                }
                are_told = counted.is_ok();
                queues.saw(counted.ok());
                tokio::time::sleep(every).await;
            }
        });
        Self { task }
    }

    /// Ends it. A count that is under way changes nothing.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn silent() -> bus::BusError {
    bus::BusError::Unavailable(format!("no answer for {} s", COUNT.as_secs()))
}
