//! What a dead letter tells of its death.

use chrono::{DateTime, Utc};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use messages::{Failure, FailureClass, Stage};

use super::headers::{ATTEMPTS, CAUSE, CLASS, DEAD_ID, DEATH_STORY, DEATHS, DIED_AT, WORKER, count, text};

/// The broker's word for having handed a message out too often.
const DELIVERY_LIMIT: &str = "delivery_limit";

/// What the headers of a dead letter tell.
pub(super) struct Story {
    pub(super) dead_id: Option<String>,
    pub(super) cause: Failure,
    /// How often it was tried, as far as is known.
    pub(super) attempts: u32,
    pub(super) worker: String,
    pub(super) died_at: Option<DateTime<Utc>>,
}

impl Story {
    /// Reads it. A letter that the broker itself gave up, because it was handed out too often, tells of that.
    pub(super) fn of(properties: &BasicProperties, stage: Stage) -> Self {
        let header = |name: &str| text(properties.headers().as_ref()?, name);
        let class = header(CLASS).and_then(|class| FailureClass::parse(&class)).unwrap_or(FailureClass::Permanent);
        let dead_id = header(DEAD_ID);
        let reason = last_death(properties).and_then(|death| text(death, "reason"));
        // How often it was handed out before that the broker does not tell: once more than it came back at least.
        let unknown = match reason.as_deref() {
            Some(DELIVERY_LIMIT) if dead_id.is_none() => count(properties, DEATHS).saturating_add(1),
            _ => 0,
        };
        let by_broker = || match reason.as_deref() {
            Some(reason @ DELIVERY_LIMIT) => format!(
                "RabbitMQ gave it up ({reason}): workers of {stage} died or lost their connection with it in hand too often"
            ),
            Some(reason) => format!("RabbitMQ gave it up ({reason}): see the policies of the queue of {stage}"),
            None => "no cause was recorded: it was put here by another program".into(),
        };
        Self {
            dead_id,
            attempts: count(properties, ATTEMPTS).saturating_add(unknown),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn table(fields: &[(&str, AMQPValue)]) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in fields {
            table.insert((*name).into(), value.clone());
        }
        table
    }

    fn story(fields: &[(&str, AMQPValue)]) -> Story {
        Story::of(&BasicProperties::default().with_headers(table(fields)), Stage::Dq)
    }

    fn words(text: &str) -> AMQPValue {
        AMQPValue::LongString(text.into())
    }

    fn moved(reason: &str, secs: u64) -> AMQPValue {
        AMQPValue::FieldTable(table(&[("reason", words(reason)), ("time", AMQPValue::Timestamp(secs))]))
    }

    #[test]
    fn the_last_move_tells_why_the_broker_gave_it_up() {
        let retried = vec![moved("delivery_limit", 1_700_000_001), moved("expired", 1_700_000_000)];
        let story = story(&[
            (DEATH_STORY, AMQPValue::FieldArray(retried.into())),
            ("x-first-death-reason", words("expired")),
            (ATTEMPTS, AMQPValue::LongLongInt(1)),
            (DEATHS, AMQPValue::LongLongInt(2)),
        ]);
        assert!(story.cause.message.contains("delivery_limit") && story.cause.message.contains("dq"));
        assert_eq!((story.attempts, story.worker.as_str(), story.dead_id), (4, "RabbitMQ", None));
        assert_eq!(story.died_at.unwrap().timestamp(), 1_700_000_001);
    }

    #[test]
    fn a_policy_that_moves_messages_is_named_as_such() {
        let moved = AMQPValue::FieldArray(vec![moved("maxlen", 1)].into());
        let message = story(&[(DEATH_STORY, moved)]).cause.message;
        assert!(message.contains("maxlen") && message.contains("policies"), "{message}");
    }

    #[test]
    fn what_is_no_story_is_told_as_none() {
        for foreign in
            [words("?"), AMQPValue::FieldArray(vec![].into()), AMQPValue::FieldArray(vec![words("?")].into())]
        {
            let story = story(&[(DEATH_STORY, foreign), (CLASS, AMQPValue::Void), (DIED_AT, words("yesterday"))]);
            assert_eq!((story.cause.class, story.attempts, story.died_at), (FailureClass::Permanent, 0, None));
            assert!(story.cause.message.contains("another program"));
        }
    }
}
