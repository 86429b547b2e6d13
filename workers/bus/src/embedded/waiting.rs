//! Who waits for a message.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Weak;
use std::time::Duration;

use messages::Stage;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::fault::explain;
use super::handle::Handle;
use super::in_hand::InHand;
use super::listener;
use super::pause;
use super::queue::{self, Taken};
use crate::heard::Heard;
use crate::{BusError, Delivery};

/// One consumer that waits for its next message.
pub(super) struct Waiter {
    pub(super) source: Source,
    /// Whether it waits until something comes. Otherwise it hears at once that nothing is there.
    pub(super) patient: bool,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// `None` comes only to those who are not patient.
pub(super) type Answer = Result<Option<Delivery>, BusError>;

/// Where the message is to come from.
pub(super) enum Source {
    /// A stage's queue; the permit is one of the consumer's prefetch and is free again when the delivery is settled.
    Stage(Stage, OwnedSemaphorePermit),
    /// A listener's queue.
    Listener(String),
}

/// A message for the waiter at the same place in the queue.
pub(super) enum Found {
    Message(Taken),
    Announcement(Vec<u8>),
}

/// All that wait, first come first served.
#[derive(Default)]
pub(super) struct Waiting {
    waiters: VecDeque<Waiter>,
    /// When a delayed message of a queue that is waited for falls due, in milliseconds since 1970.
    due_at: Option<i64>,
    /// Deliveries must not keep the bus alive from inside its own thread.
    handle: Weak<Handle>,
}

impl Waiting {
    pub(super) fn new(handle: Weak<Handle>) -> Self {
        Self { handle, ..Self::default() }
    }

    pub(super) fn push(&mut self, waiter: Waiter) {
        self.waiters.push_back(waiter);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    pub(super) fn is_due(&self, now: i64) -> bool {
        self.due_at.is_some_and(|at| at <= now)
    }

    pub(super) fn due_in(&self, now: i64) -> Duration {
        let millis = self.due_at.map_or(i64::MAX, |at| at.saturating_sub(now).max(0));
        Duration::from_millis(millis.unsigned_abs())
    }

    /// Forgets the waiters that were dropped.
    pub(super) fn forget_gone(&mut self) {
        self.waiters.retain(|waiter| !waiter.reply.is_closed());
    }

    /// Whether anything can be handed out, by reading only; and notes when the next delayed message is due.
    pub(super) fn anything(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        self.due_at = None;
        let now = super::clock::now_millis();
        let paused = pause::stages(connection)?;
        for stage in Stage::ALL.into_iter().filter(|stage| !paused.contains(stage)) {
            let waited_for = |waiter: &Waiter| matches!(waiter.source, Source::Stage(of, _) if of == stage);
            if !self.waiters.iter().any(waited_for) {
                continue;
            }
            match queue::next_at(connection, stage)? {
                Some(at) if at <= now => return Ok(true),
                Some(at) => self.due_at = Some(self.due_at.map_or(at, |due| due.min(at))),
                None => {}
            }
        }
        for waiter in &self.waiters {
            if let Source::Listener(listener) = &waiter.source
                && listener::has_any(connection, listener)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes what is there for the waiters, in their order. To be handed out after the commit.
    pub(super) fn take(&self, connection: &Connection, owner: &str) -> rusqlite::Result<Vec<Option<Found>>> {
        // In the same transaction as the taking: once a pause is committed nobody takes any more.
        let mut empty = pause::stages(connection)?;
        let mut found = Vec::with_capacity(self.waiters.len());
        for waiter in &self.waiters {
            found.push(match &waiter.source {
                Source::Stage(stage, _) if empty.contains(stage) => None,
                Source::Stage(stage, _) => {
                    let taken = queue::take(connection, *stage, owner)?;
                    if taken.is_none() {
                        empty.push(*stage);
                    }
                    taken.map(Found::Message)
                }
                Source::Listener(name) => listener::take(connection, name)?.map(Found::Announcement),
            });
        }
        Ok(found)
    }

    /// Hands out what [`take`](Self::take) found. A waiter that has gone meanwhile drops its delivery, which gives
    /// it back.
    pub(super) fn hand_out(&mut self, found: Vec<Option<Found>>) {
        let waiters = std::mem::take(&mut self.waiters);
        for (waiter, found) in waiters.into_iter().zip(found) {
            let delivery = match (waiter.source, found) {
                (source, None) => {
                    self.waiters.push_back(Waiter { source, ..waiter });
                    continue;
                }
                (Source::Stage(_, permit), Some(Found::Message(taken))) => {
                    // Without a handle the bus is about to stop, and gives back all that it has in hand.
                    let Some(handle) = self.handle.upgrade() else {
                        continue;
                    };
                    let settle = InHand::new(handle, taken.lease, permit);
                    Delivery::new(taken.body, taken.attempt, Box::new(settle)).after_deaths(taken.deaths)
                }
                (_, Some(Found::Announcement(body))) => Delivery::new(body, 1, Box::new(Heard)),
                // `take` answers each kind with its own.
                (Source::Listener(_), Some(Found::Message(_))) => continue,
            };
            let _ = waiter.reply.send(Ok(Some(delivery)));
        }
    }

    /// Tells those who are not patient that nothing is there.
    pub(super) fn dismiss_impatient(&mut self) {
        let waiters = std::mem::take(&mut self.waiters).into_iter();
        let (patient, impatient): (VecDeque<_>, VecDeque<_>) = waiters.partition(|waiter| waiter.patient);
        self.waiters = patient;
        for waiter in impatient {
            let _ = waiter.reply.send(Ok(None));
        }
    }

    /// Tells all waiters that the file can't be used.
    pub(super) fn fail(&mut self, error: &rusqlite::Error, path: &Path) {
        for waiter in self.waiters.drain(..) {
            let _ = waiter.reply.send(Err(explain(error, path)));
        }
    }
}
