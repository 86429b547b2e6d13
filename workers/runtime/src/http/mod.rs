//! The port that Prometheus, Kubernetes and people ask how a process is.
//!
//! | path | answer |
//! |---|---|
//! | `/metrics` | everything that is measured, in Prometheus' text format |
//! | `/healthz` | 200: the process answers, and none of its loops has ended, because it would end with the loop |
//! | `/readyz` | 200 if each part that the role needs can be used and the process is not ending, 503 if not; what is wrong is told for each part |

mod address;
mod door;
mod routes;

use std::net::SocketAddr;
use std::time::Duration;

use messages::Failure;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::settings::HttpSettings;
pub use address::usual_port;

use address::Listen;
use door::Door;

/// How long answers that are under way at the end may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// A port that was taken, and whose questions wait. `None` inside: there is to be none.
pub struct Port(Option<TcpListener>);

impl Port {
    /// Takes the port that the settings name, or the role's own.
    ///
    /// # Errors
    /// An address that the settings name can't be used or had: fatal, and the text says what to change.
    pub async fn take(settings: &HttpSettings, role: &str) -> Result<Self, Failure> {
        let listener = Listen::of(settings, role)?.bind().await?;
        if let Some(address) = listener.as_ref().and_then(|listener| listener.local_addr().ok()) {
            tracing::info!(%address, "listening");
        }
        Ok(Self(listener))
    }

    /// Where it is.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.as_ref()?.local_addr().ok()
    }

    /// Begins to answer.
    pub fn serve(self, health: Health, registry: prometheus::Registry) -> Server {
        let stop = CancellationToken::new();
        let task = self.0.map(|listener| {
            let stop = stop.clone();
            tokio::spawn(async move {
                let serving = axum::serve(Door::new(listener), routes::routes(health, registry));
                if let Err(error) = serving.with_graceful_shutdown(stop.cancelled_owned()).await {
                    tracing::warn!(%error, "metrics and health can't be asked any more; all other work goes on");
                }
            })
        });
        Server { stop, task }
    }
}

/// What answers. It outlives the loops, so that whoever asks while they end is told that they do.
pub struct Server {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Gives the answers that are under way, for a second at most, and ends.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Some(mut task) = self.task
            && tokio::time::timeout(GOODBYE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}
