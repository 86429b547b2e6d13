//! What is told of events on their way: one line when they are not taken any more, one when they are again, and the numbers.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::telemetry::{labels, metrics};

static DROPPING: AtomicBool = AtomicBool::new(false);

/// One way, watched.
pub(super) struct Watch {
    to: String,
    is_away: bool,
    has_refused: bool,
}

impl Watch {
    pub(super) fn new(to: String) -> Self {
        count("sent", 0);
        count("refused", 0);
        count("dropped", 0);
        Self { to, is_away: false, has_refused: false }
    }

    /// An event was taken.
    pub(super) fn taken(&mut self) {
        count("sent", 1);
        DROPPING.store(false, Ordering::Relaxed);
        if std::mem::take(&mut self.is_away) {
            tracing::info!(to = self.to, "lineage events are taken again");
        }
    }

    /// An event was not taken, and is tried again.
    pub(super) fn away(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_away, true) {
            tracing::warn!(to = self.to, why, "lineage events are not taken; they wait, and all other work goes on");
        }
    }

    /// An event was refused for good.
    pub(super) fn refused(&mut self, why: &str) {
        count("refused", 1);
        if !std::mem::replace(&mut self.has_refused, true) {
            tracing::warn!(
                to = self.to,
                why,
                "a lineage event was refused and is lost; what is refused from now on is only counted"
            );
        }
    }
}

/// So many events were dropped because too many wait.
pub(super) fn dropped(events: u64) {
    if events == 0 {
        return;
    }
    count("dropped", events);
    if !DROPPING.swap(true, Ordering::Relaxed) {
        tracing::warn!("too many lineage events wait; those that come are dropped until some are taken");
    }
}

/// The process ends, and so many were not sent.
pub(super) fn left(events: usize) {
    if events > 0 {
        count("dropped", events as u64);
        tracing::warn!(events, "lineage events were not sent before the process ended; they are lost");
    }
}

fn count(outcome: &'static str, events: u64) {
    metrics().lineage.add(events, &[labels::outcome(outcome)]);
}
