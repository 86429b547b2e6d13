//! How long the oldest message has waited at most, where the bus can't tell.
//!
//! Queues hand out in the order in which messages came in. So whatever waits came in after the last message that was taken
//! did, and that one no earlier than it was made; and whatever waits came in after the queue was last seen empty. Of the two, the
//! later moment counts. A message that a dead worker gave back may be older.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use messages::Stage;

/// By stage, when the newest of the messages was made that this process has taken, in milliseconds since 1970. A retry
/// that comes again is old, and tells nothing of those behind it.
static NEWEST_TAKEN: [AtomicI64; Stage::ALL.len()] = [const { AtomicI64::new(0) }; Stage::ALL.len()];

/// A loop of this process took a message that was made at `made`.
pub(crate) fn taken(stage: Stage, made: DateTime<Utc>) {
    NEWEST_TAKEN[stage as usize].fetch_max(made.timestamp_millis(), Ordering::Relaxed);
}

pub(super) fn newest_taken(stage: Stage) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(NEWEST_TAKEN[stage as usize].load(Ordering::Relaxed))
        .filter(|at| at.timestamp() > 0)
}

/// Seconds at most; `None` if this process knows nothing yet.
pub(super) fn at_most_secs(
    now: DateTime<Utc>,
    seen_empty: Option<DateTime<Utc>>,
    newest_taken: Option<DateTime<Utc>>,
) -> Option<u64> {
    let since = seen_empty.max(newest_taken)?;
    // Whoever made it may have a clock that is ahead.
    Some(now.signed_duration_since(since).num_seconds().max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(secs, 0)
    }

    #[test]
    fn the_later_moment_counts_and_nothing_is_made_up() {
        let now = at(1_000).unwrap_or_default();
        assert_eq!(at_most_secs(now, None, None), None);
        assert_eq!(at_most_secs(now, at(900), None), Some(100));
        assert_eq!(at_most_secs(now, at(900), at(990)), Some(10));
        assert_eq!(at_most_secs(now, at(990), at(900)), Some(10));
        assert_eq!(at_most_secs(now, None, at(1_010)), Some(0), "a clock that is ahead");
    }

    #[test]
    fn an_older_message_that_comes_again_tells_nothing() {
        for secs in [500, 700, 600] {
            taken(Stage::Dq, at(secs).unwrap_or_default());
        }
        assert_eq!(newest_taken(Stage::Dq), at(700));
        assert_eq!(newest_taken(Stage::Ingest), None);
    }
}
