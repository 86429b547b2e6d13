//! Traces and metrics, in OpenTelemetry's words. `design.md` tells what is measured, and why so.
//!
//! Spans are `tracing` spans; whoever makes one needs nothing of this module. What goes beyond them is here: the contexts
//! that messages carry ([`context`]), spans of what is over already ([`past`]), and the instruments ([`metrics`]).

mod collector;
pub mod context;
mod env;
mod http;
mod metrics;
mod past;
mod providers;
mod redact;
pub mod span;

use std::time::Duration;

use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

pub use metrics::{Metrics, labels, metrics};
pub use past::Past;
pub(crate) use redact::unquoted;

use providers::Providers;

/// How long the end of a process may wait for its last spans to be taken.
const FLUSH: Duration = Duration::from_secs(3);

/// The running export. Dropped without [`Telemetry::shutdown`], what was not sent yet is lost.
#[derive(Default)]
pub struct Telemetry {
    tracer: Option<SdkTracerProvider>,
    meter: Option<SdkMeterProvider>,
    registry: prometheus::Registry,
    /// The exporters' own threads: export neither waits for our work nor delays it.
    threads: Option<tokio::runtime::Runtime>,
}

impl Telemetry {
    /// Begins to measure, and to export what `OTEL_*` variables ask for. `role` names the service, unless
    /// `OTEL_SERVICE_NAME` does: `millrace-ingest` for the role `ingest`.
    ///
    /// # Errors
    /// A variable can't be used; the text names it, and what it may be.
    pub fn start(role: &str) -> Result<Self, String> {
        let wanted = env::Wanted::read()?;
        if wanted.disabled {
            return Ok(Self::default());
        }
        let Providers { tracer, meter, registry, threads } = providers::build(role, &wanted)?;
        opentelemetry::global::set_meter_provider(meter.clone());
        if let Some(tracer) = &tracer {
            opentelemetry::global::set_tracer_provider(tracer.clone());
        }
        Ok(Self { tracer, meter: Some(meter), registry, threads })
    }

    /// Where spans go; `None` if nobody asked for them.
    pub(crate) fn tracer(&self) -> Option<opentelemetry_sdk::trace::SdkTracer> {
        use opentelemetry::trace::TracerProvider;
        self.tracer.as_ref().map(|provider| provider.tracer("millrace"))
    }

    /// What Prometheus is shown.
    pub fn registry(&self) -> prometheus::Registry {
        self.registry.clone()
    }

    /// Sends what was not sent yet, for a few seconds at most, and ends. Blocks.
    pub fn shutdown(self) {
        // Each in its own thread: an exporter that hangs must not take the other's time, nor keep the process.
        let ends: Vec<Box<dyn FnOnce() + Send>> = vec![
            Box::new(move || drop(self.tracer.map(|tracer| tracer.shutdown_with_timeout(FLUSH)))),
            Box::new(move || drop(self.meter.map(|meter| meter.shutdown_with_timeout(FLUSH)))),
        ];
        let (ended, wait) = std::sync::mpsc::channel();
        let count = ends.len();
        for end in ends {
            let ended = ended.clone();
            std::thread::spawn(move || {
                end();
                let _ = ended.send(());
            });
        }
        let begun = std::time::Instant::now();
        for _ in 0..count {
            let _ = wait.recv_timeout(FLUSH.saturating_sub(begun.elapsed()));
        }
        if let Some(threads) = self.threads {
            threads.shutdown_background();
        }
    }
}
