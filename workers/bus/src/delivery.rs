//! A message in hand.

use std::time::Duration;

use async_trait::async_trait;
use messages::{DecodeError, Envelope, Failure, TraceContext};

use crate::BusError;
use crate::dead_letter::Glance;

/// A message in hand. Settle it exactly once: [`ack`](Self::ack), [`retry`](Self::retry),
/// [`dead_letter`](Self::dead_letter) or [`give_back`](Self::give_back). Dropping it gives it back.
pub struct Delivery {
    body: Vec<u8>,
    attempt: u32,
    deaths: u32,
    sender: Option<Sender>,
    settle: Box<dyn Settle>,
}

/// The trace context that came beside the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// W3C traceparent.
    pub trace: TraceContext,
    /// W3C tracestate.
    pub tracestate: Option<String>,
}

/// What a bus does when a delivery is settled. Each consumes the delivery, so it happens at most once.
#[async_trait]
pub trait Settle: Send + Sync {
    /// See [`Delivery::ack`].
    async fn ack(self: Box<Self>) -> Result<(), BusError>;
    /// See [`Delivery::retry`].
    async fn retry(self: Box<Self>, after: Duration, cause: &Failure) -> Result<(), BusError>;
    /// See [`Delivery::dead_letter`].
    async fn dead_letter(self: Box<Self>, cause: &Failure) -> Result<(), BusError>;
    /// See [`Delivery::give_back`].
    async fn give_back(self: Box<Self>) -> Result<(), BusError>;
}

impl Delivery {
    /// A delivery of `body`, tried for the `attempt`th time (the first is 1).
    pub fn new(body: Vec<u8>, attempt: u32, settle: Box<dyn Settle>) -> Self {
        Self { body, attempt, deaths: 0, sender: None, settle }
    }

    /// The same delivery, of a message that `deaths` workers died with, or lost their connection with. They are counted
    /// in `attempt` already.
    #[must_use]
    pub fn after_deaths(self, deaths: u32) -> Self {
        Self { deaths, ..self }
    }

    /// The same delivery, with the trace context that came in its headers. Whoever instruments another program's publishing
    /// writes there and knows nothing of our bodies, so it counts more than what the body says.
    #[must_use]
    pub fn sent_by(self, sender: Option<Sender>) -> Self {
        Self { sender, ..self }
    }

    /// The message. An error is for good: dead-letter it.
    pub fn envelope(&self) -> Result<Envelope, DecodeError> {
        let mut envelope = Envelope::from_json(&self.body)?;
        if let Some(sender) = &self.sender {
            (envelope.trace, envelope.tracestate) = (sender.trace, sender.tracestate.clone());
        }
        Ok(envelope)
    }

    /// The trace that it came from, as far as that can be read, also from a body that can't be.
    pub fn trace(&self) -> Option<TraceContext> {
        self.sender.as_ref().map(|sender| sender.trace).or_else(|| Glance::at(&self.body).trace())
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Which try this is, from 1. Counts retries and the deliveries of workers that died with it in hand, not what was
    /// given back.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How many workers may have died with it in hand. Several: handle it alone, so that it takes no other with it.
    pub fn deaths(&self) -> u32 {
        self.deaths
    }

    /// It is handled: the bus forgets it. After an `Err` it may come again.
    pub async fn ack(self) -> Result<(), BusError> {
        self.settle.ack().await
    }

    /// It failed and may succeed later: it comes again after `after`, with its attempts counted.
    pub async fn retry(self, after: Duration, cause: &Failure) -> Result<(), BusError> {
        self.settle.retry(after, cause).await
    }

    /// It is given up: it is kept with `cause`, for people to look at, replay or purge.
    pub async fn dead_letter(self, cause: &Failure) -> Result<(), BusError> {
        self.settle.dead_letter(cause).await
    }

    /// It was not begun (the worker shuts down): it comes again at once, as if it had not been delivered.
    pub async fn give_back(self) -> Result<(), BusError> {
        self.settle.give_back().await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use messages::{DqRequested, LoadId};

    use super::*;
    use crate::heard::Heard;

    const BESIDE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn beside() -> Option<Sender> {
        Some(Sender { trace: TraceContext::parse(BESIDE).unwrap(), tracestate: Some("vendor=1".into()) })
    }

    #[test]
    fn the_context_beside_the_body_counts_more_than_that_in_it() {
        let load_id: LoadId = "a::b".parse().unwrap();
        let sent = Envelope::new("test", DqRequested { load_id, sources: Vec::new() });
        let delivery = Delivery::new(sent.to_json().unwrap(), 1, Box::new(Heard));
        assert_eq!((delivery.envelope().unwrap().trace, delivery.trace()), (sent.trace, Some(sent.trace)));
        let delivery = delivery.sent_by(beside());
        let read = delivery.envelope().unwrap();
        assert_eq!((read.trace.to_string().as_str(), read.tracestate.as_deref()), (BESIDE, Some("vendor=1")));
    }

    #[test]
    fn what_cant_be_read_still_tells_where_it_came_from() {
        let of = |body: &[u8]| Delivery::new(body.to_vec(), 1, Box::new(Heard));
        let told = format!("{{\"traceparent\":\"{BESIDE}\"}}");
        assert_eq!(of(told.as_bytes()).trace().unwrap().to_string(), BESIDE);
        assert_eq!(of(b"garbage").trace(), None);
        assert_eq!(of(b"garbage").sent_by(beside()).trace().unwrap().to_string(), BESIDE);
    }
}
