//! A message that was given up, for people to look at.

use chrono::{DateTime, Utc};
use messages::{Failure, LoadId, MessageId, Stage, TraceContext};
use serde::{Deserialize, Serialize};

/// A message that was given up, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Names it in `replay` and `purge`.
    pub dead_id: String,
    /// The stage that gave it up.
    pub stage: Stage,
    /// The message's id, if its body could be read.
    pub message_id: Option<MessageId>,
    /// The message's type, if its body could be read.
    pub message_type: Option<String>,
    /// Its load, if its body could be read.
    pub load_id: Option<LoadId>,
    /// Why.
    pub cause: Failure,
    /// How often it was tried.
    pub attempts: u32,
    /// Who gave it up: host, process and role.
    pub worker: String,
    /// When.
    pub died_at: DateTime<Utc>,
    /// Its trace, if its body could be read.
    pub trace_id: Option<String>,
    /// The body as it came, bytes that are no UTF-8 replaced.
    pub body: String,
}

/// What can be read even of an envelope that is too new, or whose data is broken: exactly those end here.
#[derive(Default, Deserialize)]
pub(crate) struct Glance {
    #[serde(default)]
    id: serde_json::Value,
    #[serde(default, rename = "type")]
    type_name: serde_json::Value,
    #[serde(default)]
    subject: serde_json::Value,
    #[serde(default)]
    traceparent: serde_json::Value,
    #[serde(default)]
    data: serde_json::Value,
}

impl Glance {
    pub(crate) fn at(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    pub(crate) fn trace(&self) -> Option<TraceContext> {
        self.traceparent.as_str().and_then(TraceContext::parse)
    }
}

impl DeadLetter {
    /// The dead letter of `body`, with everything that can be read from it; who gave it up, when and after how many
    /// attempts is for the caller to fill in.
    pub(crate) fn of(dead_id: String, stage: Stage, cause: Failure, body: &[u8]) -> Self {
        let glance = Glance::at(body);
        // The data decides; the subject repeats it and may be left out.
        let load_id = glance.data.get("load_id").unwrap_or(&glance.subject);
        Self {
            dead_id,
            stage,
            message_id: glance.id.as_str().and_then(MessageId::parse),
            message_type: glance.type_name.as_str().map(Into::into),
            load_id: load_id.as_str().and_then(|text| LoadId::new(text).ok()),
            cause,
            attempts: 0,
            worker: String::new(),
            died_at: DateTime::default(),
            trace_id: glance.trace().map(TraceContext::trace_id),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(body: &[u8]) -> DeadLetter {
        DeadLetter::of("1".into(), Stage::Ingest, Failure::permanent("why"), body)
    }

    #[test]
    fn a_message_of_the_future_still_tells_who_it_is() {
        let letter = letter(
            br#"{"specversion":"2.0","id":"0190b6d0-0000-7000-8000-000000000001","type":"ingest.paused",
                 "subject":"a::b","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#,
        );
        assert_eq!(letter.message_type.as_deref(), Some("ingest.paused"));
        assert_eq!(letter.load_id.as_ref().map(LoadId::as_str), Some("a::b"));
        assert_eq!(letter.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert!(letter.message_id.is_some());
    }

    #[test]
    fn parts_of_the_wrong_kind_hide_only_themselves() {
        let letter = letter(br#"{"id":7,"type":"ingest.requested","subject":""}"#);
        assert_eq!(letter.message_type.as_deref(), Some("ingest.requested"));
        assert_eq!((letter.message_id, letter.load_id), (None, None));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_far_as_they_can_be() {
        assert_eq!(letter(b"\xffhello").body, "\u{fffd}hello");
    }
}
