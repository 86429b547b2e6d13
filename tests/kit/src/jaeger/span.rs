//! A span as Jaeger shows it.

use std::collections::BTreeMap;

use serde_json::Value;

/// One span of a trace that Jaeger holds. Tags are text, whatever their type was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JaegerSpan {
    /// The service of its process.
    pub service: String,
    /// Its name.
    pub operation: String,
    /// As Jaeger writes it: lower-case hex, 32 digits.
    pub trace_id: String,
    /// 16 digits of lower-case hex.
    pub span_id: String,
    /// Its parent, and its links. A link to the parent takes the place of the parent.
    pub references: Vec<Reference>,
    /// Its attributes, and what Jaeger makes of the rest: `span.kind`, `otel.status_code`, `otel.scope.name`, `error`.
    pub tags: BTreeMap<String, String>,
    /// What its process says of itself, without the service.
    pub process_tags: BTreeMap<String, String>,
    /// What Jaeger finds wrong with it, such as a parent that is not there.
    pub warnings: Vec<String>,
    /// Microseconds since 1970.
    pub start_micros: u64,
    /// Microseconds.
    pub duration_micros: u64,
}

/// Another span that a span names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// `CHILD_OF` for the parent, `FOLLOWS_FROM` for a link.
    pub kind: String,
    /// See [`JaegerSpan::trace_id`].
    pub trace_id: String,
    /// 16 digits of lower-case hex.
    pub span_id: String,
}

impl JaegerSpan {
    /// The spans of a trace as the query API tells it, by their start.
    pub fn all(trace: &Value) -> Vec<Self> {
        let mut spans: Vec<_> = list(&trace["spans"]).map(|span| Self::new(span, &trace["processes"])).collect();
        spans.sort_by_key(|span| span.start_micros);
        spans
    }

    fn new(span: &Value, processes: &Value) -> Self {
        let process = &processes[span["processID"].as_str().unwrap_or_default()];
        let reference = |reference: &Value| Reference {
            kind: text(&reference["refType"]),
            trace_id: text(&reference["traceID"]),
            span_id: text(&reference["spanID"]),
        };
        Self {
            service: text(&process["serviceName"]),
            operation: text(&span["operationName"]),
            trace_id: text(&span["traceID"]),
            span_id: text(&span["spanID"]),
            references: list(&span["references"]).map(reference).collect(),
            tags: tags(&span["tags"]),
            process_tags: tags(&process["tags"]),
            warnings: list(&span["warnings"]).map(text).collect(),
            start_micros: span["startTime"].as_u64().unwrap_or_default(),
            duration_micros: span["duration"].as_u64().unwrap_or_default(),
        }
    }

    /// The id of the span below which Jaeger shows this one: the first of the same trace that it refers to, as its parent
    /// or by a link.
    pub fn parent(&self) -> Option<&str> {
        let parent = self.references.iter().find(|reference| reference.trace_id == self.trace_id);
        parent.map(|parent| parent.span_id.as_str())
    }

    /// A tag; empty where it has none of that name.
    pub fn tag(&self, name: &str) -> &str {
        self.tags.get(name).map_or("", String::as_str)
    }
}

/// Jaeger writes null, or nothing, for an empty list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn tags(value: &Value) -> BTreeMap<String, String> {
    list(value).map(|tag| (text(&tag["key"]), text(&tag["value"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
