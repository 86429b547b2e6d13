//! The W3C trace context that every message carries, so that one trace shows the whole way.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A `traceparent`: which trace a message belongs to and which span sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"))]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

const SAMPLED: u8 = 1;

/// Sampled, and random trace id. Others must not be handed on by those who don't know them.
const KNOWN_FLAGS: u8 = 0b11;

impl TraceContext {
    /// The root of a new trace, sampled.
    pub fn root() -> Self {
        Self { trace_id: Uuid::new_v4().as_u128(), span_id: new_span_id(), flags: SAMPLED }
    }

    /// The same trace with a span of its own.
    pub fn child(self) -> Self {
        Self { span_id: new_span_id(), ..self }
    }

    /// The trace's id: 32 hexadecimal digits, as Jaeger shows it.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The context of a span that telemetry began. `None` for an id of zero, which W3C calls invalid.
    pub fn of_span(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        let flags = if sampled { SAMPLED } else { 0 };
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id, flags })
    }

    /// The trace's id as a number.
    pub fn trace_number(self) -> u128 {
        self.trace_id
    }

    /// The span's id as a number.
    pub fn span_number(self) -> u64 {
        self.span_id
    }

    /// Whether the sender recorded it: who sends unsampled contexts keeps no trace that ours could be a part of.
    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Reads a `traceparent` header. `None` if it is not one (W3C Trace Context, version 00 and later).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?, hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
        // Later versions may say more behind the flags; this one may not, and ff is never a version.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        let span_id = u64::try_from(span).ok()?;
        let flags = u8::try_from(flags).ok()? & KNOWN_FLAGS;
        (trace != 0 && span_id != 0).then_some(Self { trace_id: trace, span_id, flags })
    }
}

/// Exactly `digits` lower-case hexadecimal digits. `from_str_radix` alone would take a sign and capitals.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let valid = text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    valid.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Never zero: a zero span id is invalid. A UUIDv4's first half holds its version digit.
fn new_span_id() -> u64 {
    (Uuid::new_v4().as_u128() >> 64) as u64
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_parsed_is_written_again() {
        let context = TraceContext::parse(VALID).unwrap();
        assert_eq!(context.to_string(), VALID);
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        let json = serde_json::to_string(&context).unwrap();
        assert_eq!(json, format!("{VALID:?}"));
        assert_eq!(serde_json::from_str::<TraceContext>(&json).unwrap(), context);
    }

    #[test]
    fn what_the_specification_calls_invalid_is_refused() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let span = "b7ad6b7169203331";
        let invalid = [
            String::new(),
            "00".into(),
            format!("00-{trace}-{span}"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{}-01", span.to_uppercase()),
            format!("00-{trace}-{span}-0G"),
            format!("00-{trace}-{span}-1"),
            format!("00-{trace}-{span}-001"),
            format!("00-{trace}-{span}-01-"),
            format!("00-{trace}-{span}-01-what-the-future-holds"),
            format!("01-{trace}-{span}-01.what-the-future-holds"),
            format!("0-{trace}-{span}-01"),
            format!("+1-{trace}-{span}-01"),
            format!("01-+{}-{span}-01", &trace[1..]),
            format!("00-{}-{span}-01", &trace[1..]),
            format!("00-{trace}0-{span}-01"),
            format!(" 00-{trace}-{span}-01"),
            format!("00-{trace}-{span}-01 "),
            format!("00_{trace}_{span}_01"),
            format!("00-{}é-{span}-01", &trace[2..]),
        ];
        for text in invalid {
            assert_eq!(TraceContext::parse(&text), None, "{text:?}");
            assert!(TraceContext::try_from(text).is_err());
        }
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        let later = VALID.replacen("00", "01", 1);
        for text in [later.clone(), format!("{later}-what-the-future-holds")] {
            assert_eq!(TraceContext::parse(&text).unwrap().to_string(), VALID);
        }
    }

    #[test]
    fn unknown_flags_are_not_handed_on() {
        let text = VALID.replace("-01", "-ff");
        assert!(TraceContext::parse(&text).unwrap().to_string().ends_with("-03"));
        let unsampled = VALID.replace("-01", "-00");
        assert_eq!(TraceContext::parse(&unsampled).unwrap().to_string(), unsampled);
    }

    #[test]
    fn a_spans_context_is_written_as_such() {
        let context = TraceContext::parse(VALID).unwrap();
        let same = TraceContext::of_span(context.trace_number(), context.span_number(), context.is_sampled());
        assert_eq!(same, Some(context));
        assert!(TraceContext::of_span(1, 2, false).unwrap().to_string().ends_with("-00"));
        assert_eq!((TraceContext::of_span(0, 1, true), TraceContext::of_span(1, 0, true)), (None, None));
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let root = TraceContext::root();
        let child = root.child();
        assert_eq!(child.trace_id(), root.trace_id());
        assert_ne!(child, root);
        assert_ne!(TraceContext::root().trace_id(), root.trace_id());
        assert_eq!(TraceContext::parse(&child.to_string()), Some(child));
    }
}
