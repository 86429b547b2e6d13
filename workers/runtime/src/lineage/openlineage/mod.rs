//! OpenLineage: what every load read, wrote and found is told to whoever keeps lineage, in the standard's words
//! (specification 2-0-2).
//!
//! Events are made of messages, in the loop around a stage's queue, and nowhere else: a stage takes a message up
//! ([`taken`]), and announces what it led to ([`led_to`]). A run's id is made of the LOAD_ID, the job and the command, so a
//! message that comes again tells of the same run. Nothing is told unless a receiver or a file is set.

mod dq;
mod facets;
mod ingest;
mod names;
mod queue;
mod report;
mod run;
mod teller;
#[cfg(test)]
mod tests;
mod transform;
mod wanted;
mod way;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use messages::{Envelope, Failure};
use serde_json::Value;

use self::names::Names;
use self::queue::Queue;
use self::teller::Teller;
use self::wanted::Wanted;
use self::way::{Append, Post, Way};
use super::graph::Graph;
use crate::{Contracts, Settings, Work};

/// How long the end of a process may wait for its last events to be taken.
const FLUSH: Duration = Duration::from_secs(3);

/// Who tells in this process, once somebody has begun to.
static CURRENT: RwLock<Option<Arc<Telling>>> = RwLock::new(None);

/// The telling of this process.
pub struct Telling {
    teller: Teller,
    queues: Vec<Queue>,
}

impl Telling {
    /// Begins to tell, if the settings or the variables `OPENLINEAGE_*` name a receiver or a file.
    ///
    /// # Errors
    /// Fatal: an address that is none. The text names the setting, and holds no secret.
    pub fn start(settings: &Settings, contracts: &Arc<Contracts>) -> Result<Option<Arc<Self>>, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let wanted = Wanted::of(&settings.lineage, variable).map_err(Failure::fatal)?;
        let mut ways: Vec<Box<dyn Way>> = Vec::new();
        ways.extend(wanted.file.map(|path| Box::new(Append::new(path)) as Box<dyn Way>));
        ways.extend(wanted.receiver.map(|receiver| Box::new(Post::new(receiver)) as Box<dyn Way>));
        if ways.is_empty() {
            return Ok(None);
        }
        let graph = Graph::read(&settings.transform.project, contracts).unwrap_or_else(|error| {
            tracing::warn!(error, "the models can't be read, so their lineage is not told");
            Graph::default()
        });
        let teller = Teller::new(Names::of(settings, variable), wanted.namespace, contracts.clone(), graph);
        let queues: Result<Vec<Queue>, _> = ways.into_iter().map(Queue::start).collect();
        let queues = queues
            .map_err(|error| Failure::fatal(format!("the thread that sends lineage can't be started: {error}")))?;
        let telling = Arc::new(Self { teller, queues });
        *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = Some(telling.clone());
        Ok(Some(telling))
    }

    /// Sends what was not sent yet, for a few seconds at most, and ends. Blocks.
    pub fn end(&self) {
        *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = None;
        let until = Instant::now() + FLUSH;
        self.queues.iter().for_each(|queue| queue.close(until));
        self.queues.iter().for_each(Queue::ended);
    }

    fn put(&self, events: Vec<Value>) {
        let events: Vec<Arc<str>> = events.into_iter().map(|event| event.to_string().into()).collect();
        if !events.is_empty() {
            self.queues.iter().for_each(|queue| queue.put(events.iter().cloned()));
        }
    }
}

/// A stage takes a message up. Said each time that it does: what was said before may have died with its process.
pub(crate) fn taken(work: &Work) {
    if let Some(telling) = current() {
        telling.put(telling.teller.taken(&work.envelope));
    }
}

/// What a message led to was announced.
pub(crate) fn led_to(work: &Work, announced: &[Envelope]) {
    if let Some(telling) = current() {
        telling.put(telling.teller.led_to(&work.envelope, announced));
    }
}

fn current() -> Option<Arc<Telling>> {
    CURRENT.read().unwrap_or_else(PoisonError::into_inner).clone()
}
