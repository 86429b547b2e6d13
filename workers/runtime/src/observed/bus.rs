//! A bus whose publishing is told, by the conventions for messaging, and of which every call says whether it is there.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bus::{Bus, BusError, Consumer, DeadLetter, QueueDepth, Trouble};
use messages::{COMMANDS_EXCHANGE, EVENTS_EXCHANGE, Envelope, LoadId, Stage};
use tracing::{Instrument, Span};

use super::failed;
use crate::health::{Part, Probe, Silence, Told, Vitals, lasting};
use crate::telemetry::{context, labels, metrics};

/// A bus that sends the context of a span of its own with every message, so that whoever handles it continues the trace.
pub struct ObservedBus {
    bus: Arc<dyn Bus>,
    vitals: Arc<Vitals>,
}

impl ObservedBus {
    /// `bus`, watched.
    pub fn new(bus: Arc<dyn Bus>) -> Arc<Self> {
        Arc::new(Self { bus, vitals: Arc::default() })
    }

    /// Whether it can be used.
    pub fn part(self: &Arc<Self>) -> Arc<dyn Part> {
        let (asked, known) = (self.clone(), self.bus.clone());
        let check = move || -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
            let asked = asked.clone();
            Box::pin(async move { drop(asked.check().await) })
        };
        Arc::new(Probe::new(self.vitals.clone(), Silence::Away, check, move || {
            known.trouble().map(|trouble| lasting(&trouble.text, trouble.since))
        }))
    }

    async fn heard<T>(&self, call: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
        let done = call.await;
        self.vitals.hear(match &done {
            Err(error @ (BusError::Unavailable(_) | BusError::Configuration(_))) => Told::Bad(error.to_string()),
            Ok(_) | Err(BusError::Unroutable { .. } | BusError::Encode(_)) => Told::Good,
        });
        done
    }

    fn publishing(&self, envelope: &Envelope) -> Span {
        let kind = envelope.message.type_name();
        tracing::info_span!(
            "publish",
            otel.name = format!("publish {kind}"),
            otel.kind = "producer",
            messaging.system = self.bus.system(),
            messaging.operation.type = "send",
            messaging.operation.name = "publish",
            messaging.destination.name = exchange(envelope),
            messaging.rabbitmq.destination.routing_key = envelope.routing_key().as_str(),
            messaging.message.id = %envelope.id,
            messaging.message.conversation_id = envelope.correlation_id.map(tracing::field::display),
            millrace.load_id = %envelope.load_id(),
            millrace.message_type = kind,
        )
    }
}

fn exchange(envelope: &Envelope) -> &'static str {
    if envelope.message.is_command() { COMMANDS_EXCHANGE } else { EVENTS_EXCHANGE }
}

/// The kind of fault, for spans and labels.
fn kind(error: &BusError) -> &'static str {
    match error {
        BusError::Unavailable(_) => "unavailable",
        BusError::Unroutable { .. } => "unroutable",
        BusError::Configuration(_) => "configuration",
        BusError::Encode(_) => "encode",
    }
}

#[async_trait]
impl Bus for ObservedBus {
    fn system(&self) -> &'static str {
        self.bus.system()
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        let begun = Instant::now();
        let span = self.publishing(envelope);
        let mut sent = envelope.clone();
        context::adopt(&span, &mut sent);
        let done = self.heard(self.bus.publish(&sent)).instrument(span.clone()).await;
        let mut told = vec![
            labels::label("messaging.system", self.bus.system()),
            labels::label("messaging.operation.name", "publish"),
            labels::label("messaging.destination.name", exchange(envelope)),
        ];
        if let Err(error) = &done {
            failed(&span, &mut told, error, kind(error));
        }
        metrics().bus_duration.record(begun.elapsed().as_secs_f64(), &told);
        done
    }

    async fn consume(&self, stage: Stage, prefetch: u16) -> Result<Box<dyn Consumer>, BusError> {
        // It may begin before anybody is there, so it tells nothing.
        self.bus.consume(stage, prefetch).await
    }

    async fn listen(&self, load_id: &LoadId, types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        self.heard(self.bus.listen(load_id, types)).await
    }

    async fn listen_to_all(&self, types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        // Whoever lacks the right for it works on without, so it tells nothing.
        self.bus.listen_to_all(types).await
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>, BusError> {
        self.heard(self.bus.depths()).await
    }

    async fn oldest_secs(&self, stage: Stage) -> Result<Option<u64>, BusError> {
        self.heard(self.bus.oldest_secs(stage)).await
    }

    async fn dead(&self, stage: Option<Stage>, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
        self.heard(self.bus.dead(stage, limit)).await
    }

    async fn replay(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.heard(self.bus.replay(dead_ids)).await
    }

    async fn purge(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.heard(self.bus.purge(dead_ids)).await
    }

    async fn set_paused(&self, stage: Stage, paused: bool) -> Result<bool, BusError> {
        self.heard(self.bus.set_paused(stage, paused)).await
    }

    async fn check(&self) -> Result<String, BusError> {
        self.heard(self.bus.check()).await
    }

    fn trouble(&self) -> Option<Trouble> {
        self.bus.trouble()
    }

    async fn close(&self) {
        self.bus.close().await;
    }
}
