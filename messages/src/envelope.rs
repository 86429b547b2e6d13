//! The envelope: CloudEvents 1.0, structured JSON.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::ser::Error;
use serde::{Deserialize, Serialize};

use crate::{LoadId, Message, MessageId, RoutingKey, TraceContext};

/// The version of the data's shape. A new one only when an old reader would misread it; a new optional
/// field is no new version.
pub const SCHEMA_VERSION: u32 = 1;

/// The longest body that is read: 1 MiB. A message tells of data and never carries it.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// A message and all that travels around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The message's own id. A copy that comes again has the same.
    pub id: MessageId,
    /// Who sent it: `millrace/<role>`, or another program's name.
    pub source: String,
    /// When it was made.
    pub time: DateTime<Utc>,
    /// When the first message of its way was made: the file was seen, or somebody asked. Repeated along the whole way, so
    /// that whoever ends it knows how long it took.
    pub origin_time: DateTime<Utc>,
    /// The trace that it belongs to and the span that sent it.
    pub trace: TraceContext,
    /// W3C tracestate, handed on as it came.
    pub tracestate: Option<String>,
    /// The id of the command that led to it, repeated along the whole way, so that whoever asked knows the answer.
    pub correlation_id: Option<MessageId>,
    /// What it says.
    pub message: Message,
}

/// Why a body is no message of ours. None of these gets better by trying again.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Too long to be read.
    #[error("the body has {0} bytes, more than the {MAX_BODY_BYTES} that a message may have")]
    TooLarge(usize),
    /// Not JSON, or not a CloudEvents envelope.
    #[error("the body is no CloudEvents 1.0 JSON envelope: {0}")]
    Envelope(#[source] serde_json::Error),
    /// CloudEvents of another version.
    #[error("CloudEvents specversion {0:?} is not supported, only 1.0 is")]
    SpecVersion(String),
    /// A type that nobody here knows.
    #[error("unknown message type {0:?}: this version of millrace knows {known}", known = Message::TYPES.join(", "))]
    UnknownType(String),
    /// A shape that this version can't read.
    #[error(
        "schema version {found} of {type_name} is not supported, only {SCHEMA_VERSION} is: update this worker, or send the older version"
    )]
    SchemaVersion {
        /// The message's type.
        type_name: String,
        /// The version that came.
        found: u32,
    },
    /// The data does not fit the type.
    #[error("the data of {type_name} does not fit its schema: {source}")]
    Data {
        /// The message's type.
        type_name: String,
        /// What does not fit.
        source: serde_json::Error,
    },
}

/// The envelope on the wire. Attributes of other programs are tolerated and dropped.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Wire {
    pub(crate) specversion: String,
    /// The message's own id; a copy that comes again has the same. A UUID, version 7 if its order is to count.
    pub(crate) id: MessageId,
    /// Who sent it: `millrace/<role>`, or another program's name.
    pub(crate) source: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    /// The LOAD_ID, for readers that look only at the envelope.
    pub(crate) subject: Option<String>,
    /// When it was made.
    pub(crate) time: DateTime<Utc>,
    /// When the first message of its way was made, repeated along the whole way. The message's own time if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origintime: Option<DateTime<Utc>>,
    #[serde(default = "json_type")]
    pub(crate) datacontenttype: String,
    /// The version of the data's shape.
    #[serde(default = "schema_version")]
    pub(crate) schemaversion: u32,
    /// The id of the command that led to it, repeated along the whole way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) correlationid: Option<MessageId>,
    /// W3C Trace Context. Without it, or if it can't be read, a new trace begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tracestate: Option<String>,
    pub(crate) data: serde_json::Value,
}

fn json_type() -> String {
    "application/json".into()
}

fn schema_version() -> u32 {
    SCHEMA_VERSION
}

impl Envelope {
    /// A message that nothing led to: a new trace begins here.
    pub fn new(source: impl Into<String>, message: impl Into<Message>) -> Self {
        let now = Utc::now();
        Self {
            id: MessageId::fresh(),
            source: source.into(),
            time: now,
            origin_time: now,
            trace: TraceContext::root(),
            tracestate: None,
            correlation_id: None,
            message: message.into(),
        }
    }

    /// A message that `self` led to: the same trace, the same correlation, and an id derived from `self` and
    /// the message, so that saying it twice says it once.
    pub fn leads_to(&self, source: impl Into<String>, message: impl Into<Message>) -> Self {
        let message = message.into();
        let told = format!("{}\n{}", message.type_name(), message.load_id());
        Self {
            id: self.id.leading_to(&told),
            source: source.into(),
            time: Utc::now(),
            origin_time: self.origin_time,
            trace: self.trace.child(),
            tracestate: self.tracestate.clone(),
            correlation_id: Some(self.correlation_id.unwrap_or(self.id)),
            message,
        }
    }

    /// The same envelope under another id.
    pub fn with_id(self, id: MessageId) -> Self {
        Self { id, ..self }
    }

    /// The load that the message speaks of.
    pub fn load_id(&self) -> &LoadId {
        self.message.load_id()
    }

    /// The commands that it may be taken back by: itself, the one that led to it, and that of the run whose file it tells of.
    pub fn commands(&self) -> impl Iterator<Item = MessageId> {
        let run = match &self.message {
            Message::SourceFileDiscovered(file) => Some(file.command_id),
            _ => None,
        };
        [Some(self.id), self.correlation_id, run].into_iter().flatten()
    }

    /// The key that it travels under.
    pub fn routing_key(&self) -> RoutingKey {
        RoutingKey::of(&self.message)
    }

    /// The body: CloudEvents structured JSON (`application/cloudevents+json`).
    ///
    /// # Errors
    /// For a number that JSON can't hold, such as an infinite time, and for more than [`MAX_BODY_BYTES`], which no
    /// receiver would read.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let body = serde_json::to_vec(&Wire {
            specversion: "1.0".into(),
            id: self.id,
            source: self.source.clone(),
            type_name: self.message.type_name().into(),
            subject: Some(self.load_id().to_string()),
            time: self.time,
            origintime: (self.origin_time != self.time).then_some(self.origin_time),
            datacontenttype: json_type(),
            schemaversion: SCHEMA_VERSION,
            correlationid: self.correlation_id,
            traceparent: Some(self.trace.to_string()),
            tracestate: self.tracestate.clone(),
            data: self.message.data()?,
        })?;
        if body.len() > MAX_BODY_BYTES {
            return Err(serde_json::Error::custom(DecodeError::TooLarge(body.len())));
        }
        Ok(body)
    }

    /// Reads a body. A missing or unreadable `traceparent` starts a new trace: telemetry never refuses work.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(DecodeError::TooLarge(body.len()));
        }
        let wire: Wire = serde_json::from_slice(body).map_err(DecodeError::Envelope)?;
        if wire.specversion != "1.0" {
            return Err(DecodeError::SpecVersion(wire.specversion));
        }
        if !Message::TYPES.contains(&wire.type_name.as_str()) {
            return Err(DecodeError::UnknownType(wire.type_name));
        }
        if wire.schemaversion != SCHEMA_VERSION {
            return Err(DecodeError::SchemaVersion { type_name: wire.type_name, found: wire.schemaversion });
        }
        let message = match Message::from_data(&wire.type_name, wire.data) {
            None => return Err(DecodeError::UnknownType(wire.type_name)),
            Some(Err(source)) => {
                return Err(DecodeError::Data { type_name: wire.type_name, source });
            }
            Some(Ok(message)) => message,
        };
        let trace = wire.traceparent.as_deref().and_then(TraceContext::parse);
        Ok(Self {
            id: wire.id,
            source: wire.source,
            time: wire.time,
            origin_time: wire.origintime.unwrap_or(wire.time),
            trace: trace.unwrap_or_else(TraceContext::root),
            // It speaks of the trace that came; of a new one it would tell a lie.
            tracestate: wire.tracestate.filter(|_| trace.is_some()),
            correlation_id: wire.correlationid,
            message,
        })
    }
}
