//! Spans of what is over already, and was told by somebody else: dbt's nodes, checks that were measured together.

use chrono::{DateTime, Utc};
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer};
use opentelemetry::{KeyValue, Value, global};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::context::is_recorded;

/// A span that has ended.
pub struct Past {
    name: String,
    started_at: DateTime<Utc>,
    finished_at: DateTime<Utc>,
    attributes: Vec<KeyValue>,
    failure: Option<String>,
}

impl Past {
    /// A span of this name and time.
    pub fn new(name: impl Into<String>, started_at: DateTime<Utc>, finished_at: DateTime<Utc>) -> Self {
        Self { name: name.into(), started_at, finished_at, attributes: Vec::new(), failure: None }
    }

    /// With an attribute.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(name, value));
        self
    }

    /// With an attribute, if there is one.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// That failed, if there is a reason.
    #[must_use]
    pub fn failed(self, failure: Option<String>) -> Self {
        Self { failure, ..self }
    }

    /// Records it as a part of `parent`. Does nothing where nobody records that.
    pub fn record(self, parent: &Span) {
        if !is_recorded(parent) {
            return;
        }
        let tracer = global::tracer("millrace");
        let mut span = tracer
            .span_builder(self.name)
            .with_kind(SpanKind::Internal)
            .with_start_time(self.started_at)
            .with_attributes(self.attributes)
            .start_with_context(&tracer, &parent.context());
        if let Some(failure) = self.failure {
            span.set_status(Status::error(failure));
        }
        span.end_with_timestamp(self.finished_at.into());
    }
}
