//! The way to the collector, watched: one line when it stops answering, one when it answers again. Nothing goes that way
//! which quotes the data.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::redact::redact;
use super::{labels, metrics};

/// An exporter that says what becomes of it.
#[derive(Debug)]
pub(super) struct Watched<E> {
    exporter: E,
    /// Where to, without what logs in.
    endpoint: String,
    away: AtomicBool,
}

impl<E> Watched<E> {
    pub(super) fn new(exporter: E, endpoint: String) -> Self {
        Self { exporter, endpoint, away: AtomicBool::new(false) }
    }

    fn heard(&self, spans: u64, result: &OTelSdkResult) {
        let outcome = if result.is_ok() { "exported" } else { "lost" };
        metrics().spans.add(spans, &[labels::outcome(outcome)]);
        let was_away = self.away.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Err(error) if !was_away => tracing::warn!(
                %error, endpoint = self.endpoint,
                "the telemetry collector does not take spans; they are lost until it does, and all other work goes on"
            ),
            Ok(()) if was_away => tracing::info!("the telemetry collector takes spans again"),
            _ => {}
        }
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(redact);
        let spans = batch.len() as u64;
        let result = self.exporter.export(batch).await;
        self.heard(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
