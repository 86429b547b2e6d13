//! Which sources are late, as whoever looks has judged it last.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

/// By source, since when it is late.
type Sources = BTreeMap<String, Option<DateTime<Utc>>>;

static SOURCES: LazyLock<Mutex<Sources>> = LazyLock::new(Mutex::default);

/// What is expected of `source` was looked at: it is late since `late_since`, or in time.
pub fn expected(source: &str, late_since: Option<DateTime<Utc>>) {
    sources().insert(source.to_owned(), late_since);
}

/// The warehouse can't be asked: of no source is known whether it is late.
pub fn not_known() {
    sources().clear();
}

/// By source, for how many seconds it has been late.
pub(super) fn secs(now: DateTime<Utc>) -> Vec<(String, f64)> {
    sources().iter().map(|(source, late_since)| (source.clone(), late_secs(now, *late_since))).collect()
}

fn late_secs(now: DateTime<Utc>, late_since: Option<DateTime<Utc>>) -> f64 {
    late_since.map_or(0.0, |since| now.signed_duration_since(since).as_seconds_f64().max(0.0))
}

fn sources() -> MutexGuard<'static, Sources> {
    SOURCES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_becomes_later_and_what_is_in_time_is_zero() {
        let at = |secs| DateTime::from_timestamp(secs, 0).unwrap_or_default();
        assert_eq!(late_secs(at(100), None), 0.0);
        assert_eq!(late_secs(at(100), Some(at(40))), 60.0);
        assert_eq!(late_secs(at(30), Some(at(40))), 0.0, "a clock that was set back");
    }

    #[test]
    fn what_can_not_be_seen_is_told_as_neither() {
        let at = |secs| DateTime::from_timestamp(secs, 0).unwrap_or_default();
        expected("parts", None);
        expected("moves", Some(at(40)));
        assert_eq!(secs(at(100)), [("moves".to_owned(), 60.0), ("parts".to_owned(), 0.0)]);
        not_known();
        assert_eq!(secs(at(100)), []);
    }
}
