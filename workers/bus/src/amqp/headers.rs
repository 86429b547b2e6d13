//! The headers that a message carries beside its envelope, and reading them.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use messages::TraceContext;

use crate::Sender;

/// Tries used up by retries.
pub(super) const ATTEMPTS: &str = "x-millrace-attempts";
/// Tries used up by workers that died, before the message was last published.
pub(super) const DEATHS: &str = "x-millrace-deaths";
/// What a dead letter tells of itself.
pub(super) const DEAD_ID: &str = "x-millrace-dead-id";
pub(super) const CLASS: &str = "x-millrace-class";
pub(super) const CAUSE: &str = "x-millrace-cause";
pub(super) const WORKER: &str = "x-millrace-worker";
pub(super) const DIED_AT: &str = "x-millrace-died-at";
/// How often a quorum queue has handed the message out before.
pub(super) const DELIVERIES: &str = "x-delivery-count";
/// Written by the broker when it moves a message from queue to queue.
pub(super) const DEATH_STORY: &str = "x-death";

/// The trace context of whoever sent it.
pub(super) fn sender(properties: &BasicProperties) -> Option<Sender> {
    let headers = properties.headers().as_ref()?;
    let trace = TraceContext::parse(&text(headers, "traceparent")?)?;
    Some(Sender { trace, tracestate: text(headers, "tracestate") })
}

/// A text. What a foreign program wrote there otherwise is none.
pub(super) fn text(table: &FieldTable, name: &str) -> Option<String> {
    match table.inner().get(name)? {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        _ => None,
    }
}

/// A count. What a foreign program wrote there otherwise counts as nothing.
pub(super) fn count(properties: &BasicProperties, name: &str) -> u32 {
    let value = properties.headers().as_ref().and_then(|headers| headers.inner().get(name));
    let number = match value {
        Some(AMQPValue::LongLongInt(number)) => *number,
        Some(AMQPValue::LongInt(number)) => (*number).into(),
        Some(AMQPValue::LongUInt(number)) => (*number).into(),
        Some(AMQPValue::ShortInt(number)) => (*number).into(),
        Some(AMQPValue::ShortUInt(number)) => (*number).into(),
        Some(AMQPValue::ShortShortInt(number)) => (*number).into(),
        Some(AMQPValue::ShortShortUInt(number)) => (*number).into(),
        _ => 0,
    };
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with(name: &str, value: AMQPValue) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(name.into(), value);
        BasicProperties::default().with_headers(headers)
    }

    #[test]
    fn a_sender_is_read_where_there_is_one() {
        let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let properties = with("traceparent", AMQPValue::LongString(context.into()));
        assert_eq!(sender(&properties).unwrap().trace.to_string(), context);
        assert_eq!(sender(&with("traceparent", AMQPValue::LongString("nonsense".into()))), None);
        assert_eq!(sender(&with("traceparent", AMQPValue::LongInt(1))), None);
        assert_eq!(sender(&BasicProperties::default()), None);
    }
}
