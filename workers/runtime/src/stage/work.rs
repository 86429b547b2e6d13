//! A message to be handled, and the span that tells of it.

use std::time::Instant;

use chrono::Utc;
use messages::{Envelope, Failure, Stage, TraceContext};
use tracing::Span;
use tracing::field::{self, Empty};

use super::{CancelSignal, Cancels};
use crate::log::TRACE_ID;
use crate::pulse;
use crate::telemetry::{context, labels, metrics, span};

/// A message to be handled.
#[derive(Clone, Debug)]
pub struct Work {
    /// The message. Its trace is the one that it is handled in.
    pub envelope: Envelope,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// What handling it is recorded as. The first message's is entered already; a handler that takes several messages at a
    /// time enters each one's for what it does for that one alone.
    pub span: Span,
    /// Whether somebody takes it back meanwhile, as far as this process hears; the audit knows of the others.
    pub cancel: CancelSignal,
    begun: Instant,
}

/// The span of a message in hand, by the conventions for messaging; nothing but its queue is known of one that can't be
/// read.
fn processing(envelope: Option<&Envelope>, attempt: u32, stage: Stage, system: &'static str) -> Span {
    tracing::info_span!(
        "process",
        otel.name = format!("process {}", stage.queue()),
        otel.kind = "consumer",
        messaging.system = system,
        messaging.operation.type = "process",
        messaging.operation.name = "process",
        messaging.destination.name = stage.queue(),
        messaging.message.id = envelope.map(|envelope| field::display(envelope.id)),
        messaging.message.conversation_id = envelope.and_then(|envelope| envelope.correlation_id).map(field::display),
        millrace.load_id = envelope.map(|envelope| field::display(envelope.load_id())),
        millrace.message_type = envelope.map(|envelope| envelope.message.type_name()),
        millrace.stage = stage.as_str(),
        millrace.attempt = attempt,
        trace_id = Empty,
    )
}

/// The span of a message that can't be read, in its sender's trace if that can.
pub(super) fn unreadable(
    sender: Option<TraceContext>,
    attempt: u32,
    stage: Stage,
    system: &'static str,
    failure: &Failure,
) -> Span {
    let span = processing(None, attempt, stage, system);
    if let Some(sender) = sender {
        context::continue_trace(&span, sender);
    }
    span::fail(&span, failure.message.clone());
    span
}

impl Work {
    /// A message that nobody records, as in tests.
    pub fn new(envelope: Envelope, attempt: u32) -> Self {
        Self { envelope, attempt, span: Span::none(), cancel: CancelSignal::never(), begun: Instant::now() }
    }

    /// The same, which heeds what is heard of commands that are taken back.
    pub fn heeding(self, cancels: &Cancels) -> Self {
        Self { cancel: cancels.about(&self.envelope), ..self }
    }

    /// The same, of which it does not matter any more whether somebody took it back: it had ended by then, and came again.
    pub fn heedless(&self) -> Self {
        Self { cancel: CancelSignal::never(), ..self.clone() }
    }

    /// A message that was delivered, as a span of its sender's trace.
    pub(super) fn delivered(mut envelope: Envelope, attempt: u32, stage: Stage, system: &'static str) -> Self {
        let span = processing(Some(&envelope), attempt, stage, system);
        context::continue_from(&span, &mut envelope);
        if !context::is_recorded(&span) {
            span.record(TRACE_ID, envelope.trace.trace_id());
        }
        pulse::taken(stage, envelope.time);
        if attempt == 1 {
            let waited = Utc::now().signed_duration_since(envelope.time).as_seconds_f64();
            // The sender's clock may be ahead.
            metrics().stage_wait.record(waited.max(0.0), &[labels::stage(stage)]);
        }
        Self { envelope, attempt, span, cancel: CancelSignal::never(), begun: Instant::now() }
    }

    /// How long it has been in hand.
    pub(super) fn elapsed_secs(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Notes in the span that handling it failed.
    pub(super) fn failed(&self, failure: &Failure) {
        span::fail(&self.span, failure.message.clone());
        span::set(&self.span, "error.type", failure.class.as_str());
    }
}
