//! What travels around a body: properties and headers.

use chrono::{DateTime, SecondsFormat, Utc};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use messages::{Envelope, Failure, FailureClass, Stage};
use uuid::Uuid;

use super::topology;
use crate::BusError;

const PERSISTENT: u8 = 2;
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// Tries used up by retries.
const ATTEMPTS: &str = "x-millrace-attempts";
/// Tries used up by workers that died, before the message was last published.
const DEATHS: &str = "x-millrace-deaths";
/// What a dead letter tells of itself.
const DEAD_ID: &str = "x-millrace-dead-id";
const CLASS: &str = "x-millrace-class";
const CAUSE: &str = "x-millrace-cause";
const WORKER: &str = "x-millrace-worker";
const DIED_AT: &str = "x-millrace-died-at";
/// How often a quorum queue has handed the message out before.
const DELIVERIES: &str = "x-delivery-count";
/// Written by the broker when it moves a message from queue to queue.
const DEATH_STORY: &str = "x-death";

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
        let class = match cause.class {
            FailureClass::Transient => "transient",
            FailureClass::Permanent => "permanent",
            FailureClass::Fatal => "fatal",
        };
        for (name, value) in [
            (DEAD_ID, Uuid::now_v7().to_string().as_str()),
            (CLASS, class),
            (CAUSE, shortened(&cause.message)),
            (WORKER, worker),
            (DIED_AT, &now),
        ] {
            headers.insert(name.into(), text(value));
        }
        Self { properties: self.properties.with_headers(headers), ..self }
    }
}

/// The tries that a message has used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// By retries.
    pub(super) attempts: u32,
    /// By workers that died with it, or lost their connection with it.
    pub(super) deaths: u32,
}

impl Used {
    /// As the headers tell. What a foreign program wrote there counts as nothing.
    pub(super) fn of(properties: &BasicProperties) -> Self {
        let number = |name: &str| {
            let value = properties.headers().as_ref().and_then(|headers| headers.inner().get(name));
            let number = value.and_then(|value| match value {
                AMQPValue::LongLongInt(number) => Some(*number),
                AMQPValue::LongInt(number) => Some((*number).into()),
                AMQPValue::LongUInt(number) => Some((*number).into()),
                AMQPValue::ShortInt(number) => Some((*number).into()),
                AMQPValue::ShortUInt(number) => Some((*number).into()),
                AMQPValue::ShortShortInt(number) => Some((*number).into()),
                AMQPValue::ShortShortUInt(number) => Some((*number).into()),
                _ => None,
            });
            u32::try_from(number.unwrap_or(0).max(0)).unwrap_or(u32::MAX)
        };
        Self { attempts: number(ATTEMPTS), deaths: number(DEATHS).saturating_add(number(DELIVERIES)) }
    }

    /// Which try this is, from 1.
    pub(super) fn attempt(self) -> u32 {
        self.attempts.saturating_add(self.deaths).saturating_add(1)
    }

    pub(super) fn retried(self) -> Self {
        Self { attempts: self.attempts.saturating_add(1), ..self }
    }
}

/// What the headers of a dead letter tell.
pub(super) struct Story {
    pub(super) dead_id: Option<String>,
    pub(super) cause: Failure,
    pub(super) worker: String,
    pub(super) died_at: Option<DateTime<Utc>>,
}

impl Story {
    /// Reads it. A letter that the broker itself gave up, because it was handed out too often, tells of that.
    pub(super) fn of(properties: &BasicProperties, stage: Stage) -> Self {
        let header = |name: &str| told(properties.headers().as_ref()?, name);
        let class = match header(CLASS).as_deref() {
            Some("transient") => FailureClass::Transient,
            Some("fatal") => FailureClass::Fatal,
            _ => FailureClass::Permanent,
        };
        let by_broker = || match last_death(properties).and_then(|death| told(death, "reason")).as_deref() {
            Some(reason @ "delivery_limit") => format!(
                "RabbitMQ gave it up ({reason}): workers of {stage} died or lost their connection with it in hand too often"
            ),
            Some(reason) => format!("RabbitMQ gave it up ({reason}): see the policies of the queue of {stage}"),
            None => "no cause was recorded: it was put here by another program".into(),
        };
        Self {
            dead_id: header(DEAD_ID),
            cause: Failure { class, message: header(CAUSE).unwrap_or_else(by_broker) },
            worker: header(WORKER).unwrap_or_else(|| "RabbitMQ".into()),
            died_at: header(DIED_AT)
                .and_then(|at| DateTime::parse_from_rfc3339(&at).ok())
                .map(|at| at.to_utc())
                .or_else(|| death_time(properties)),
        }
    }
}

/// When the broker moved the message last.
fn death_time(properties: &BasicProperties) -> Option<DateTime<Utc>> {
    let AMQPValue::Timestamp(secs) = last_death(properties)?.inner().get("time")? else {
        return None;
    };
    DateTime::from_timestamp(i64::try_from(*secs).ok()?, 0)
}

/// What the broker tells of moving the message last. It keeps the first time beside that, which was a retry's end.
fn last_death(properties: &BasicProperties) -> Option<&FieldTable> {
    let AMQPValue::FieldArray(deaths) = properties.headers().as_ref()?.inner().get(DEATH_STORY)? else {
        return None;
    };
    match deaths.as_slice().first()? {
        AMQPValue::FieldTable(last) => Some(last),
        _ => None,
    }
}

fn told(table: &FieldTable, name: &str) -> Option<String> {
    match table.inner().get(name)? {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        _ => None,
    }
}

/// The headers without what belongs to the message's former stay in a queue.
fn carried_headers(headers: Option<&FieldTable>) -> FieldTable {
    const FORMER: [&str; 9] = [ATTEMPTS, DEATHS, DEAD_ID, CLASS, CAUSE, WORKER, DIED_AT, DELIVERIES, DEATH_STORY];
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
