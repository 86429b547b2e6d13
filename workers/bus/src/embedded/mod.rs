//! The embedded bus: queues in one SQLite file that any number of processes on one machine share. Nothing to install.
//!
//! See `design.md` beside this file for how it survives, and for its limits.

mod clock;
mod connect;
mod consumer;
mod dead;
mod fault;
mod handle;
mod in_hand;
mod job;
mod listener;
mod owner;
mod pause;
mod queue;
mod rate;
mod roster;
mod schema;
mod siblings;
#[cfg(test)]
mod tests;
mod turn;
mod waiting;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use messages::{Envelope, LoadId, RoutingKey, Stage};
use uuid::Uuid;

use crate::{Bus, BusError, Consumer, DeadLetter, QueueDepth};
use clock::now_millis;
use consumer::{Listener, StageConsumer};
use handle::Handle;
use job::Needs;
use turn::Turn;

/// How long the end of a process waits for what was dropped to be given back. Longer only if the file is locked.
const CLOSE: Duration = Duration::from_secs(3);

/// A bus in a SQLite file on a local disk.
///
/// Dropping the last of the bus, its consumers and its deliveries waits up to a second for what was dropped unsettled
/// to be given back.
pub struct EmbeddedBus {
    handle: Arc<Handle>,
}

impl EmbeddedBus {
    /// Opens the bus in the file at `path`, and makes the file and its folders if they are not there. `worker` names
    /// this process in dead letters. What dead processes had in hand is back in its queue when this returns.
    ///
    /// # Errors
    /// [`BusError::Configuration`] if the file is not a bus, newer than this version, damaged or can't be written;
    /// [`BusError::Unavailable`] if another program holds it locked.
    pub async fn open(path: &Path, worker: &str) -> Result<Self, BusError> {
        let (path, worker) = (path.to_owned(), worker.to_owned());
        let handle = tokio::task::spawn_blocking(move || Handle::open(&path, &worker))
            .await
            .map_err(|error| BusError::Unavailable(format!("opening the bus broke off: {error}")))??;
        Ok(Self { handle })
    }

    /// Puts any bytes into a stage's queue, as another program might. For tests of what becomes of them.
    pub async fn publish_raw(&self, stage: Stage, body: Vec<u8>) -> Result<(), BusError> {
        self.handle.call(Needs::Disk, move |turn| queue::put(turn, stage, &body)).await
    }
}

impl EmbeddedBus {
    /// Listens for messages with these keys.
    async fn hear(&self, keys: Vec<RoutingKey>) -> Result<Box<dyn Consumer>, BusError> {
        let name = Uuid::now_v7().to_string();
        // Made first: if the caller stops waiting, it is dropped and takes its queue away with it.
        let listener = Listener::new(self.handle.clone(), name.clone());
        let owner = self.handle.owner.clone();
        self.handle.call(Needs::Write, move |connection| listener::open(connection, &owner, &name, &keys)).await?;
        Ok(Box::new(listener))
    }

    /// Does `work` to each of these dead letters in one transaction; the ids that were found.
    async fn each_dead(
        &self,
        dead_ids: &[String],
        work: fn(&Turn<'_>, i64) -> rusqlite::Result<bool>,
    ) -> Result<Vec<String>, BusError> {
        let ids: Vec<(String, i64)> = dead_ids.iter().filter_map(|id| Some((id.clone(), id.parse().ok()?))).collect();
        self.handle
            .call(Needs::Disk, move |turn| {
                let mut found = Vec::new();
                for (text, id) in &ids {
                    if work(turn, *id)? {
                        found.push(text.clone());
                    }
                }
                Ok(found)
            })
            .await
    }
}

#[async_trait]
impl Bus for EmbeddedBus {
    fn system(&self) -> &'static str {
        "sqlite"
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        let body = envelope.to_json()?;
        let (key, any) = (envelope.routing_key(), RoutingKey::any(envelope.message.type_name()));
        let stage = envelope.message.stage();
        // An announcement that nobody must handle can't be lost by a power cut: its listeners are gone then.
        let needs = if stage.is_some() { Needs::Disk } else { Needs::Write };
        self.handle
            .call(needs, move |turn| {
                if let Some(stage) = stage {
                    queue::put(turn, stage, &body)?;
                }
                listener::announce(turn, &key, &any, &body)
            })
            .await
    }

    async fn consume(&self, stage: Stage, prefetch: u16) -> Result<Box<dyn Consumer>, BusError> {
        let name = Uuid::now_v7().to_string();
        // Made first: if the caller stops waiting, it is dropped and takes its row away with it.
        let consumer = StageConsumer::new(self.handle.clone(), stage, prefetch, name.clone());
        let owner = self.handle.owner.clone();
        self.handle.call(Needs::Write, move |connection| roster::open(connection, &owner, &name, stage)).await?;
        Ok(Box::new(consumer))
    }

    async fn listen(&self, load_id: &LoadId, types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        self.hear(types.iter().map(|name| RoutingKey::new(name, load_id)).collect()).await
    }

    async fn listen_to_all(&self, types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        self.hear(types.iter().map(|name| RoutingKey::any(name)).collect()).await
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>, BusError> {
        self.handle.call(Needs::Read, |turn| queue::depths(turn)).await
    }

    async fn dead(&self, stage: Option<Stage>, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
        self.handle.call(Needs::Read, move |connection| dead::list(connection, stage, limit)).await
    }

    async fn replay(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.each_dead(dead_ids, dead::replay).await
    }

    async fn purge(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.each_dead(dead_ids, dead::purge).await
    }

    async fn set_paused(&self, stage: Stage, paused: bool) -> Result<bool, BusError> {
        self.handle.call(Needs::Disk, move |connection| pause::set(connection, stage, paused)).await
    }

    async fn check(&self) -> Result<String, BusError> {
        let owner = self.handle.owner.clone();
        // Writes, because a file that can only be read would look fine otherwise.
        self.handle
            .call(Needs::Write, move |connection| {
                connection.execute("UPDATE owner SET seen_at = ?2 WHERE owner = ?1", (&owner, now_millis()))
            })
            .await?;
        Ok(format!("embedded (SQLite {}) in {}", rusqlite::version(), self.handle.path.display()))
    }

    async fn close(&self) {
        // Drops are handed to the thread before this is, and it does them before it answers.
        let done = self.handle.call(Needs::Read, |_| Ok(()));
        if !matches!(tokio::time::timeout(CLOSE, done).await, Ok(Ok(()))) {
            tracing::warn!("what was in hand can't be given back now; others will find it and count a death");
        }
    }
}

/// The thread has ended: only a defect of ours can do that while a handle is there.
fn ended() -> BusError {
    BusError::Unavailable("the thread of the embedded bus has ended: restart this process".into())
}
