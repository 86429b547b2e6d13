//! Commands that somebody takes back, as a worker hears of them.
//!
//! What holds is in the audit. This is how what is in hand is broken off at once, and not when the queue has come so far.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use messages::{CancelRequested, Envelope, Failure, MessageId, TraceContext};
use tokio::sync::watch;

/// How many are remembered; the audit knows the others. They are wanted for as long as the command has not been delivered.
const REMEMBERED: usize = 10_000;

/// What a worker has heard. Clones share it.
#[derive(Clone)]
pub struct Cancels(Arc<Shared>);

struct Shared {
    heard: Mutex<Heard>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Heard {
    by_command: HashMap<MessageId, Vec<(CancelRequested, TraceContext)>>,
    /// Each once, the oldest first.
    order: VecDeque<MessageId>,
}

impl Default for Cancels {
    fn default() -> Self {
        Self(Arc::new(Shared { heard: Mutex::default(), changed: watch::Sender::new(()) }))
    }
}

impl Cancels {
    /// Takes in that somebody takes a command back; `trace` is that of whoever does. Whatever of it is in hand is told.
    pub fn hear(&self, cancel: &CancelRequested, trace: TraceContext) {
        let mut heard = self.heard();
        let known = heard.by_command.entry(cancel.command_id).or_default();
        if known.iter().any(|(other, _)| other.load_id == cancel.load_id) {
            return;
        }
        known.push((cancel.clone(), trace));
        heard.order.push_back(cancel.command_id);
        if heard.order.len() > REMEMBERED
            && let Some(oldest) = heard.order.pop_front()
        {
            heard.by_command.remove(&oldest);
        }
        drop(heard);
        self.0.changed.send_replace(());
    }

    /// What is heard of this message.
    pub fn about(&self, envelope: &Envelope) -> CancelSignal {
        CancelSignal { cancels: self.clone(), about: Some(Arc::new(envelope.clone())) }
    }

    fn find(&self, envelope: &Envelope) -> Option<(Failure, TraceContext)> {
        let heard = self.heard();
        let named = envelope.commands().filter_map(|id| heard.by_command.get(&id)).flatten();
        let mut concerning = named.filter(|(cancel, _)| cancel.concerns(envelope));
        concerning.next().map(|(cancel, trace)| (cancel.failure(), *trace))
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        // Whoever panicked has left nothing half done that matters: at worst one cancel is forgotten.
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether somebody takes a message back while it is in hand.
#[derive(Clone)]
pub struct CancelSignal {
    cancels: Cancels,
    about: Option<Arc<Envelope>>,
}

impl CancelSignal {
    /// One that never comes.
    pub(super) fn never() -> Self {
        Self { cancels: Cancels::default(), about: None }
    }

    /// How the message is to end, if it is taken back.
    pub fn heard(&self) -> Option<Failure> {
        Some(self.found()?.0)
    }

    /// The trace of whoever takes it back.
    pub(super) fn trace(&self) -> Option<TraceContext> {
        Some(self.found()?.1)
    }

    /// Waits until the message is taken back; it may never be.
    pub async fn comes(&self) -> Failure {
        // Before the look, so that nothing comes between.
        let mut changed = self.cancels.0.changed.subscribe();
        loop {
            if let Some(failure) = self.heard() {
                return failure;
            }
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// An error once the message is taken back, for what looks now and then.
    ///
    /// # Errors
    /// How the message is to end.
    pub fn check(&self) -> Result<(), Failure> {
        self.heard().map_or(Ok(()), Err)
    }

    fn found(&self) -> Option<(Failure, TraceContext)> {
        self.cancels.find(self.about.as_ref()?)
    }
}

impl fmt::Debug for CancelSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelSignal").field("heard", &self.heard()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use messages::{DqRequested, LoadId};

    use super::*;

    fn asked(load_id: &str) -> Envelope {
        let load_id = LoadId::new(load_id).unwrap();
        Envelope::new("test", DqRequested { load_id, sources: Vec::new() })
    }

    fn cancel(of: &Envelope) -> CancelRequested {
        CancelRequested { load_id: of.load_id().clone(), command_id: of.id, reason: Some("a typo".into()) }
    }

    #[tokio::test]
    async fn whoever_waits_hears_its_own_and_no_other() {
        let cancels = Cancels::default();
        let (mine, other) = (asked("a"), asked("a"));
        let signal = cancels.about(&mine);
        let waiting = tokio::spawn({
            let signal = signal.clone();
            async move { signal.comes().await }
        });
        cancels.hear(&cancel(&other), TraceContext::root());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished() && signal.heard().is_none());
        let trace = TraceContext::root();
        cancels.hear(&cancel(&mine), trace);
        let failure = tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap().unwrap();
        assert_eq!(failure.message, "cancelled: a typo");
        assert_eq!((signal.check(), signal.trace()), (Err(failure), Some(trace)));
    }

    #[test]
    fn what_is_long_past_is_forgotten() {
        let cancels = Cancels::default();
        let (first, last) = (asked("a"), asked("b"));
        cancels.hear(&cancel(&first), TraceContext::root());
        for _ in 0..3 {
            cancels.hear(&cancel(&last), TraceContext::root());
        }
        for _ in 2..REMEMBERED {
            cancels.hear(&cancel(&asked("c")), TraceContext::root());
        }
        assert!(cancels.about(&first).heard().is_some(), "a copy takes no room");
        cancels.hear(&cancel(&asked("c")), TraceContext::root());
        assert!(cancels.about(&first).heard().is_none() && cancels.about(&last).heard().is_some());
    }
}
