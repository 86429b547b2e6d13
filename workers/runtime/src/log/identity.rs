//! Which load and which trace a span belongs to, kept for the lines that are written in it.

use opentelemetry::trace::TraceContextExt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::{FmtContext, FormatFields};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The span's field that names the load.
const LOAD_ID: &str = "millrace.load_id";

/// The span's field that names the trace where nobody records spans, and the message's own word is all there is.
pub(crate) const TRACE_ID: &str = "trace_id";

/// What a span says of itself.
#[derive(Clone, Debug, Default)]
struct Identity {
    load_id: Option<String>,
    trace_id: Option<String>,
}

impl Visit for Identity {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            LOAD_ID => self.load_id = Some(value.to_owned()),
            TRACE_ID => self.trace_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if matches!(field.name(), LOAD_ID | TRACE_ID) {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}

/// Keeps what spans say of themselves.
pub(super) struct Identities;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Identities {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut identity = Identity::default();
        attributes.record(&mut identity);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(identity);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(identity) = span.extensions_mut().get_mut::<Identity>()
        {
            values.record(identity);
        }
    }
}

/// The load and the trace that a line belongs to: those of the innermost span that knows.
pub(super) struct Belonging {
    pub(super) load_id: Option<String>,
    pub(super) trace_id: Option<String>,
}

impl Belonging {
    pub(super) fn of<S, N>(context: &FmtContext<'_, S, N>, event: &Event<'_>) -> Self
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        N: for<'a> FormatFields<'a> + 'static,
    {
        let mut found = Self { load_id: None, trace_id: None };
        let parent = event.parent().and_then(|id| context.span(id)).or_else(|| context.lookup_current());
        for span in parent.iter().flat_map(tracing_subscriber::registry::SpanRef::scope) {
            let extensions = span.extensions();
            let identity = extensions.get::<Identity>();
            found.load_id = found.load_id.or_else(|| identity?.load_id.clone());
            found.trace_id = found.trace_id.or_else(|| identity?.trace_id.clone());
        }
        // The span that is entered is the one that is recorded.
        let recorded = opentelemetry::Context::current().span().span_context().clone();
        if recorded.is_valid() {
            found.trace_id = Some(recorded.trace_id().to_string());
        }
        found
    }
}
