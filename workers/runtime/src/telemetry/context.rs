//! Between the context that a message carries and the span of whoever sends or handles it.

use std::str::FromStr;

use messages::{Envelope, TraceContext};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// What the names of our own senders begin with.
const OURS: &str = "millrace/";

/// Makes the message's sender the span's parent, and the span what the message's handling belongs to. Call it before the
/// span is entered.
///
/// A foreign context that is not sampled is only linked to: whoever sent it (an Airflow that traces nothing, say) keeps no
/// trace of which ours could be a part, and the whole way would be lost. Our own say what our sampler decided.
pub fn continue_from(span: &Span, envelope: &mut Envelope) {
    let sender = of(envelope);
    if envelope.trace.is_sampled() || envelope.source.starts_with(OURS) {
        // An error says that nobody records the span.
        let _ = span.set_parent(Context::new().with_remote_span_context(sender));
    } else {
        let _ = span.set_parent(Context::new());
        span.add_link(sender);
    }
    adopt(span, envelope);
}

/// Makes the message belong to the span: whoever handles it continues the span's trace. Nothing changes where nobody
/// records spans.
pub fn adopt(span: &Span, envelope: &mut Envelope) {
    if let Some((trace, state)) = carried(span) {
        (envelope.trace, envelope.tracestate) = (trace, state);
    }
}

/// Whether anybody records the span.
pub fn is_recorded(span: &Span) -> bool {
    span.context().span().span_context().is_valid()
}

/// What a message carries that the span sends; `None` where nobody records spans.
fn carried(span: &Span) -> Option<(TraceContext, Option<String>)> {
    let context = span.context();
    let sent = context.span().span_context().clone();
    let (trace, id) = (u128::from_be_bytes(sent.trace_id().to_bytes()), u64::from_be_bytes(sent.span_id().to_bytes()));
    let state = Some(sent.trace_state().header()).filter(|state| !state.is_empty());
    Some((TraceContext::of_span(trace, id, sent.is_sampled())?, state))
}

/// The context that the message carries.
pub fn of(envelope: &Envelope) -> SpanContext {
    let TraceParts { trace_id, span_id, flags } = envelope.trace.into();
    let state = envelope.tracestate.as_deref().and_then(|state| TraceState::from_str(state).ok());
    SpanContext::new(trace_id, span_id, flags, true, state.unwrap_or_default())
}

struct TraceParts {
    trace_id: TraceId,
    span_id: SpanId,
    flags: TraceFlags,
}

impl From<TraceContext> for TraceParts {
    fn from(context: TraceContext) -> Self {
        Self {
            trace_id: TraceId::from_bytes(context.trace_number().to_be_bytes()),
            span_id: SpanId::from_bytes(context.span_number().to_be_bytes()),
            flags: TraceFlags::default().with_sampled(context.is_sampled()),
        }
    }
}

/// The environment's `TRACEPARENT` and `TRACESTATE`, by which a program tells those that it starts where they belong.
pub fn of_environment() -> Option<(TraceContext, Option<String>)> {
    let context = TraceContext::parse(std::env::var("TRACEPARENT").ok()?.trim())?;
    Some((context, std::env::var("TRACESTATE").ok()))
}
