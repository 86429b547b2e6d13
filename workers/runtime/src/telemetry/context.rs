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
    let sender = span_context(envelope.trace, envelope.tracestate.as_deref());
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

/// Whether anybody records the span: there is somebody, and the sampler did not leave it out.
pub fn is_recorded(span: &Span) -> bool {
    span.context().span().span_context().is_sampled()
}

/// What a message carries that the span sends; `None` where nobody records spans.
fn carried(span: &Span) -> Option<(TraceContext, Option<String>)> {
    let context = span.context();
    let sent = context.span().span_context().clone();
    let (trace, id) = (u128::from_be_bytes(sent.trace_id().to_bytes()), u64::from_be_bytes(sent.span_id().to_bytes()));
    let state = Some(sent.trace_state().header()).filter(|state| !state.is_empty());
    Some((TraceContext::of_span(trace, id, sent.is_sampled())?, state))
}

/// Makes a sender the span's parent, of whose message nothing else can be read.
pub fn continue_trace(span: &Span, sender: TraceContext) {
    let _ = span.set_parent(Context::new().with_remote_span_context(span_context(sender, None)));
}

/// Links the span to whoever else has to do with it.
pub fn link(span: &Span, other: TraceContext) {
    span.add_link(span_context(other, None));
}

fn span_context(sender: TraceContext, state: Option<&str>) -> SpanContext {
    let state = state.and_then(|state| TraceState::from_str(state).ok());
    SpanContext::new(
        TraceId::from_bytes(sender.trace_number().to_be_bytes()),
        SpanId::from_bytes(sender.span_number().to_be_bytes()),
        TraceFlags::default().with_sampled(sender.is_sampled()),
        true,
        state.unwrap_or_default(),
    )
}

/// The environment's `TRACEPARENT` and `TRACESTATE`, by which a program tells those that it starts where they belong.
pub fn of_environment() -> Option<(TraceContext, Option<String>)> {
    let context = TraceContext::parse(std::env::var("TRACEPARENT").ok()?.trim())?;
    Some((context, std::env::var("TRACESTATE").ok()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use messages::{DqRequested, LoadId};
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn message(source: &str, traceparent: &str) -> Envelope {
        let load_id: LoadId = "a::b".parse().unwrap();
        let mut message = Envelope::new(source, DqRequested { load_id, sources: Vec::new() });
        message.trace = TraceContext::parse(traceparent).unwrap();
        message.tracestate = Some("vendor=1".into());
        message
    }

    /// The span that handles `message`, and the message afterwards.
    fn handled(mut message: Envelope) -> (SpanData, Envelope) {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("process");
            continue_from(&span, &mut message);
        });
        let span = exporter.get_finished_spans().unwrap().pop();
        (span.unwrap(), message)
    }

    #[test]
    fn a_sampled_sender_is_the_parent_and_what_follows_is_part_of_its_trace() {
        let (span, message) = handled(message("airflow", SAMPLED));
        assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
        assert!(span.parent_span_is_remote && span.links.links.is_empty());
        assert_eq!(message.trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(message.trace.span_number().to_be_bytes(), span.span_context.span_id().to_bytes());
        assert_eq!(message.tracestate.as_deref(), Some("vendor=1"));
    }

    #[test]
    fn a_foreign_sender_that_keeps_no_trace_is_only_linked_to() {
        let (span, message) = handled(message("airflow", &SAMPLED.replace("-01", "-00")));
        assert_eq!(span.parent_span_id, SpanId::INVALID);
        assert_ne!(message.trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(message.trace.trace_id(), span.span_context.trace_id().to_string());
        assert_eq!(span.links.links[0].span_context.span_id().to_string(), "b7ad6b7169203331");
        assert_eq!(message.tracestate, None, "it speaks of the trace that came");
    }

    #[test]
    fn what_our_own_sampler_left_out_stays_left_out() {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let mut message = message("millrace/watcher", &SAMPLED.replace("-01", "-00"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("process");
            continue_from(&span, &mut message);
            assert!(!is_recorded(&span), "nobody is to find out for it what is dear to find out");
        });
        assert!(exporter.get_finished_spans().unwrap().is_empty());
        assert_eq!(message.trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert!(!message.trace.is_sampled());
    }

    #[test]
    fn without_anybody_who_records_a_message_stays_as_it_is() {
        let before = message("airflow", SAMPLED);
        let mut after = before.clone();
        let span = tracing::info_span!("process");
        continue_from(&span, &mut after);
        assert_eq!(after, before);
        assert!(!is_recorded(&span));
    }
}
