//! What is said of a span after it was made. Nothing happens where nobody records it.

use opentelemetry::Value;
use opentelemetry::trace::{Status, TraceContextExt};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Sets an attribute.
pub fn set(span: &Span, name: &'static str, value: impl Into<Value>) {
    span.set_attribute(name, value);
}

/// Sets an attribute that counts something.
pub fn set_count(span: &Span, name: &'static str, count: u64) {
    span.set_attribute(name, i64::try_from(count).unwrap_or(i64::MAX));
}

/// Says that what the span tells of failed.
pub fn fail(span: &Span, why: impl Into<String>) {
    span.set_status(Status::error(why.into()));
}

/// Links the span to another one, of another trace perhaps.
pub fn link(span: &Span, to: &Span) {
    let context = to.context();
    let to = context.span().span_context().clone();
    if to.is_valid() {
        span.add_link(to);
    }
}
