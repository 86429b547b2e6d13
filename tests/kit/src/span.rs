//! A span as a receiver got it.

use std::collections::BTreeMap;

/// One span of one export. What was exported twice is there twice.
///
/// Attributes are text, whatever their type was: `7`, `true`, `[a, b]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// 32 digits of lower-case hex.
    pub trace_id: String,
    /// 16 digits of lower-case hex.
    pub span_id: String,
    /// The span that this one is a part of; none for the root of a trace.
    pub parent_span_id: Option<String>,
    /// Its name.
    pub name: String,
    /// Which side of which call it is.
    pub kind: Kind,
    /// `service.name` of the process that exported it, empty where it names none.
    pub service: String,
    /// What the process says of itself.
    pub resource: BTreeMap<String, String>,
    /// The instrumentation scope.
    pub scope: String,
    /// Its own attributes.
    pub attributes: BTreeMap<String, String>,
    /// In the order of the export.
    pub events: Vec<Event>,
    /// In the order of the export.
    pub links: Vec<Link>,
    /// How it came out.
    pub status: Status,
    /// Nanoseconds since 1970.
    pub start_nanos: u64,
    /// Nanoseconds since 1970.
    pub end_nanos: u64,
}

/// Which side of which call a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    /// The exporter did not say.
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// How the work of a span came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nobody said.
    Unset,
    /// Said to be good.
    Ok,
    /// Failed, with the message.
    Error(String),
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Event {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
}

/// Another span that has to do with this one, in whatever trace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Link {
    pub trace_id: String,
    pub span_id: String,
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// An attribute; empty where it has none of that name.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Whether it failed.
    pub fn is_error(&self) -> bool {
        matches!(self.status, Status::Error(_))
    }

    /// The first event of that name.
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }

    /// Whether it has a link to `other`.
    pub fn links_to(&self, other: &Self) -> bool {
        self.links.iter().any(|link| link.trace_id == other.trace_id && link.span_id == other.span_id)
    }
}
