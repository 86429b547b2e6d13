//! How fresh the data is, by source: as moments, which stay true when nothing happens.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

/// What is known of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    /// How new the current data is.
    pub(super) as_of: Option<DateTime<Utc>>,
    /// When a load was last committed.
    pub(super) loaded_at: Option<DateTime<Utc>>,
}

type Sources = BTreeMap<String, Times>;

static SOURCES: LazyLock<Mutex<Sources>> = LazyLock::new(Mutex::default);

/// A load of `source` was committed at `at`. Whatever is told out of order moves nothing back.
pub fn loaded(source: &str, at: DateTime<Utc>) {
    tell(&mut sources(), source, Times { loaded_at: Some(at), as_of: None });
}

/// A complete load of `source` stands whose data is of `as_of`. The newest data is the current one.
pub fn current(source: &str, as_of: DateTime<Utc>) {
    tell(&mut sources(), source, Times { as_of: Some(as_of), loaded_at: None });
}

/// What is known of each source.
pub(super) fn all() -> Vec<(String, Times)> {
    sources().iter().map(|(source, times)| (source.clone(), *times)).collect()
}

fn tell(sources: &mut Sources, source: &str, told: Times) {
    let known = sources.entry(source.to_owned()).or_default();
    known.as_of = known.as_of.max(told.as_of);
    known.loaded_at = known.loaded_at.max(told.loaded_at);
}

fn sources() -> MutexGuard<'static, Sources> {
    SOURCES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_back() {
        let at = |secs| DateTime::from_timestamp(secs, 0);
        let mut sources = Sources::new();
        for secs in [500, 700, 600] {
            tell(&mut sources, "batches", Times { as_of: at(secs), loaded_at: None });
        }
        assert_eq!(sources["batches"], Times { as_of: at(700), loaded_at: None });
        tell(&mut sources, "batches", Times { as_of: None, loaded_at: at(800) });
        assert_eq!(sources["batches"], Times { as_of: at(700), loaded_at: at(800) });
    }
}
