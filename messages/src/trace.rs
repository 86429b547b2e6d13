//! The W3C trace context that every message carries, so that one trace shows the whole way.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A `traceparent`: which trace a message belongs to and which span sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

const SAMPLED: u8 = 1;

impl TraceContext {
    /// The root of a new trace, sampled.
    pub fn root() -> Self {
        Self {
            trace_id: Uuid::new_v4().as_u128(),
            span_id: new_span_id(),
            flags: SAMPLED,
        }
    }

    /// The same trace with a span of its own.
    pub fn child(self) -> Self {
        Self {
            span_id: new_span_id(),
            ..self
        }
    }

    /// The trace's id: 32 hexadecimal digits, as Jaeger shows it.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Reads a `traceparent` header. `None` if it is not one (W3C Trace Context, version 00 and later).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let sized = version.len() == 2 && trace.len() == 32 && span.len() == 16 && flags.len() == 2;
        let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
            || u8::from_str_radix(version, 16).is_ok_and(|v| v > 0);
        if !sized || !lower || version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok()?;
        let span_id = u64::from_str_radix(span, 16).ok()?;
        let flags = u8::from_str_radix(flags, 16).ok()?;
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            flags,
        })
    }
}

/// Never zero: a zero span id is invalid. A UUIDv4's first half holds its version digit.
fn new_span_id() -> u64 {
    (Uuid::new_v4().as_u128() >> 64) as u64
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

impl From<TraceContext> for String {
    fn from(context: TraceContext) -> Self {
        context.to_string()
    }
}

impl TryFrom<String> for TraceContext {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no W3C traceparent"))
    }
}
