//! What travels around a body: properties and headers.

use chrono::{SecondsFormat, Utc};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use messages::{Envelope, Failure};
use uuid::Uuid;

use super::headers::{ATTEMPTS, CAUSE, CLASS, DEAD_ID, DEATH_STORY, DEATHS, DELIVERIES, DIED_AT, WORKER};
use super::topology;
use super::used::Used;
use crate::BusError;

const PERSISTENT: u8 = 2;
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// Headers must fit into one frame (128 KiB unless configured): a cause is cut there.
const LONGEST_CAUSE_BYTES: usize = 16 << 10;

/// A message to be published.
pub(super) struct Letter {
    pub(super) exchange: &'static str,
    pub(super) key: String,
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
    /// Whether it is an error if no queue takes it.
    pub(super) mandatory: bool,
}

impl Letter {
    /// An envelope on its first way.
    pub(super) fn first(envelope: &Envelope) -> Result<Self, BusError> {
        let body = envelope.to_json()?;
        let name = envelope.message.type_name();
        let mut headers = FieldTable::default();
        headers.insert("load_id".into(), text(envelope.load_id().as_str()));
        headers.insert("traceparent".into(), text(&envelope.trace.to_string()));
        if let Some(state) = &envelope.tracestate {
            headers.insert("tracestate".into(), text(state));
        }
        let mut properties = BasicProperties::default()
            .with_content_type(CONTENT_TYPE.into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(envelope.id.to_string().into())
            .with_type(name.into())
            .with_app_id("millrace".into())
            .with_timestamp(u64::try_from(envelope.time.timestamp()).unwrap_or_default())
            .with_headers(headers);
        if let Some(id) = envelope.correlation_id {
            properties = properties.with_correlation_id(id.to_string().into());
        }
        Ok(Self {
            exchange: topology::exchange_of(name),
            key: envelope.routing_key().as_str().to_owned(),
            properties,
            body,
            mandatory: envelope.message.stage().is_some(),
        })
    }

    /// A copy of a message that goes back to a queue of its stage, under `key` of the exchange for that.
    pub(super) fn again(key: String, original: &BasicProperties, body: Vec<u8>, used: Used) -> Self {
        let mut headers = carried_headers(original.headers().as_ref());
        if used.attempts > 0 {
            headers.insert(ATTEMPTS.into(), AMQPValue::LongLongInt(used.attempts.into()));
        }
        if used.deaths > 0 {
            headers.insert(DEATHS.into(), AMQPValue::LongLongInt(used.deaths.into()));
        }
        let properties = carried(original).with_headers(headers);
        Self { exchange: topology::WORK_EXCHANGE, key, properties, body, mandatory: true }
    }

    /// The same, to come back by itself after `millis`.
    pub(super) fn after(self, millis: u64) -> Self {
        Self { properties: self.properties.with_expiration(millis.to_string().into()), ..self }
    }

    /// The same, with what a person wants to know of a dead letter.
    pub(super) fn died(self, cause: &Failure, worker: &str) -> Self {
        let mut headers = self.properties.headers().clone().unwrap_or_default();
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        for (name, value) in [
            (DEAD_ID, Uuid::now_v7().to_string().as_str()),
            (CLASS, cause.class.as_str()),
            (CAUSE, shortened(&cause.message)),
            (WORKER, worker),
            (DIED_AT, &now),
        ] {
            headers.insert(name.into(), text(value));
        }
        Self { properties: self.properties.with_headers(headers), ..self }
    }
}

/// The headers without what belongs to the message's former stay in a queue, and without the keys of a foreign program
/// that the broker would send copies to.
fn carried_headers(headers: Option<&FieldTable>) -> FieldTable {
    const FORMER: [&str; 11] =
        [ATTEMPTS, DEATHS, DEAD_ID, CLASS, CAUSE, WORKER, DIED_AT, DELIVERIES, DEATH_STORY, "CC", "BCC"];
    let former =
        |name: &str| FORMER.contains(&name) || name.starts_with("x-first-death-") || name.starts_with("x-last-death-");
    let mut kept = FieldTable::default();
    for (name, value) in headers.into_iter().flat_map(FieldTable::inner).filter(|(name, _)| !former(name.as_str())) {
        kept.insert(name.clone(), value.clone());
    }
    kept
}

/// The properties that a copy carries on. Not its expiration, which was for its former queue, and not its user, which
/// the broker would compare with ours.
fn carried(original: &BasicProperties) -> BasicProperties {
    // What is returned or comes back to its holder is known by its id; a foreign message may lack one.
    let id = original.message_id().clone().unwrap_or_else(|| Uuid::now_v7().to_string().into());
    let mut kept = BasicProperties::default().with_delivery_mode(PERSISTENT).with_message_id(id);
    for (value, set) in [
        (original.content_type(), BasicProperties::with_content_type as fn(BasicProperties, _) -> _),
        (original.correlation_id(), BasicProperties::with_correlation_id),
        (original.kind(), BasicProperties::with_type),
        (original.app_id(), BasicProperties::with_app_id),
    ] {
        if let Some(value) = value {
            kept = set(kept, value.clone());
        }
    }
    match original.timestamp() {
        Some(timestamp) => kept.with_timestamp(*timestamp),
        None => kept,
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn shortened(cause: &str) -> &str {
    let mut end = cause.len().min(LONGEST_CAUSE_BYTES);
    while !cause.is_char_boundary(end) {
        end -= 1;
    }
    &cause[..end]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use messages::FailureClass;

    use super::*;

    fn names(letter: &Letter) -> Vec<String> {
        letter.properties.headers().iter().flat_map(FieldTable::inner).map(|(name, _)| name.to_string()).collect()
    }

    fn original(headers: &[&str]) -> BasicProperties {
        let mut table = FieldTable::default();
        for name in headers {
            table.insert((*name).into(), text("x"));
        }
        BasicProperties::default().with_headers(table)
    }

    fn again(original: &BasicProperties, used: Used) -> Letter {
        Letter::again("dq".into(), original, b"body".to_vec(), used)
    }

    #[test]
    fn a_copy_carries_what_is_the_messages_own_and_leaves_its_former_stay_behind() {
        let former = ["x-death", "x-first-death-queue", "x-last-death-reason", "x-delivery-count", CAUSE, DEAD_ID];
        let own = ["traceparent", "load_id", "x-foreign"];
        let original = original(&[&former[..], &own[..], &["CC", "BCC"]].concat())
            .with_message_id("an id".into())
            .with_type("dq.requested".into())
            .with_correlation_id("another".into())
            .with_expiration("1000".into())
            .with_user_id("somebody".into())
            .with_timestamp(7)
            .with_delivery_mode(1);
        let letter = again(&original, Used::default());
        let mut kept = names(&letter);
        kept.sort();
        assert_eq!(kept, ["load_id", "traceparent", "x-foreign"]);
        let properties = &letter.properties;
        assert_eq!(properties.message_id(), original.message_id());
        assert_eq!((properties.kind(), properties.timestamp()), (original.kind(), original.timestamp()));
        assert_eq!(properties.correlation_id(), original.correlation_id());
        assert_eq!((properties.expiration(), properties.user_id()), (&None, &None));
        assert_eq!(properties.delivery_mode(), &Some(PERSISTENT), "it would not survive a restart");
    }

    #[test]
    fn a_copy_tells_of_the_tries_before_and_a_foreign_message_gets_an_id() {
        let used = Used { attempts: 2, deaths: 1 };
        let letter = again(&BasicProperties::default(), used);
        assert_eq!(Used::of(&letter.properties), used);
        assert!(letter.properties.message_id().is_some());
        let once_more = again(&letter.properties, used.retried());
        assert_eq!(Used::of(&once_more.properties), Used { attempts: 3, deaths: 1 });
        assert_eq!(names(&again(&letter.properties, Used::default())), Vec::<String>::new());
        assert_eq!(letter.after(11).properties.expiration().as_ref().unwrap().as_str(), "11");
    }

    #[test]
    fn a_cause_is_cut_between_its_letters_where_headers_would_not_fit() {
        let cause = Failure::fatal("ä".repeat(LONGEST_CAUSE_BYTES));
        let letter = again(&original(&["x-foreign"]), Used::default()).died(&cause, "me");
        let story = crate::amqp::story::Story::of(&letter.properties, messages::Stage::Dq);
        assert_eq!(story.cause.message.len(), LONGEST_CAUSE_BYTES);
        assert_eq!((story.cause.class, story.worker.as_str()), (FailureClass::Fatal, "me"));
        assert!(story.dead_id.is_some() && story.died_at.is_some());
        assert!(names(&letter).contains(&"x-foreign".to_owned()));
    }
}
