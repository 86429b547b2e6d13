//! A message in hand.

use std::time::Duration;

use async_trait::async_trait;
use messages::{DecodeError, Envelope, Failure};

use crate::BusError;

/// A message in hand. Settle it exactly once: [`ack`](Self::ack), [`retry`](Self::retry),
/// [`dead_letter`](Self::dead_letter) or [`give_back`](Self::give_back). Dropping it gives it back.
pub struct Delivery {
    body: Vec<u8>,
    attempt: u32,
    deaths: u32,
    settle: Box<dyn Settle>,
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
        Self { body, attempt, deaths: 0, settle }
    }

    /// The same delivery, of a message that `deaths` workers died with, or lost their connection with. They are counted
    /// in `attempt` already.
    #[must_use]
    pub fn after_deaths(self, deaths: u32) -> Self {
        Self { deaths, ..self }
    }

    /// The message. An error is for good: dead-letter it.
    pub fn envelope(&self) -> Result<Envelope, DecodeError> {
        Envelope::from_json(&self.body)
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
