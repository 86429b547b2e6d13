//! The queues as they were counted last.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bus::QueueDepth;
use chrono::{DateTime, Utc};
use messages::Stage;

use super::oldest::{at_most_secs, newest_taken};

/// What the instruments read.
#[derive(Default)]
pub(super) struct Queues(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    depths: Option<Vec<QueueDepth>>,
    empty: BTreeMap<Stage, DateTime<Utc>>,
}

impl Queues {
    /// They were counted, or could not be.
    pub(super) fn saw(&self, depths: Option<Vec<QueueDepth>>) {
        let mut seen = self.lock();
        for depth in depths.iter().flatten().filter(|depth| depth.ready == 0) {
            seen.empty.insert(depth.stage, Utc::now());
        }
        seen.depths = depths;
    }

    /// What was counted last, with the age of the oldest message that waits, at most, where it is known. Nothing if they
    /// could not be counted.
    pub(super) fn last(&self) -> Vec<QueueDepth> {
        let seen = self.lock();
        let aged = |depth: &QueueDepth| {
            let oldest_secs = match depth.ready {
                0 => Some(0),
                _ => depth.oldest_secs.or_else(|| {
                    at_most_secs(Utc::now(), seen.empty.get(&depth.stage).copied(), newest_taken(depth.stage))
                }),
            };
            QueueDepth { oldest_secs, ..depth.clone() }
        };
        seen.depths.iter().flatten().map(aged).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(ready: u64, oldest_secs: Option<u64>) -> QueueDepth {
        QueueDepth {
            stage: Stage::Transform,
            ready,
            delayed: 0,
            in_hand: 0,
            dead: 0,
            oldest_secs,
            consumers: None,
            published_per_sec: None,
            acknowledged_per_sec: None,
            paused: false,
        }
    }

    fn oldest(queues: &Queues) -> Vec<Option<u64>> {
        queues.last().into_iter().map(|depth| depth.oldest_secs).collect()
    }

    #[test]
    fn an_age_is_the_buses_word_or_a_bound_or_absent() {
        let queues = Queues::default();
        queues.saw(Some(vec![depth(2, Some(7))]));
        assert_eq!(oldest(&queues), [Some(7)]);
        queues.saw(Some(vec![depth(2, None)]));
        assert_eq!(oldest(&queues), [None], "nobody knows yet");
        queues.saw(Some(vec![depth(0, None)]));
        queues.saw(Some(vec![depth(2, None)]));
        assert_eq!(oldest(&queues), [Some(0)], "it was empty a moment ago");
        queues.saw(None);
        assert!(oldest(&queues).is_empty(), "what can't be counted is not told");
    }
}
