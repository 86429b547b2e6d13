//! What the calls of the bus or the warehouse tell of it by the way, so that nobody has to ask again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};

use super::Finding;

/// What was heard of a part last.
#[derive(Default)]
pub struct Vitals {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: usize,
    /// When a call ended, however it did.
    heard_at: Option<Instant>,
    /// It is there, and others have it.
    busy: Option<String>,
    /// It can't be used: since when, and why.
    fault: Option<(DateTime<Utc>, String)>,
}

/// How a call ended, as far as that tells of the part and not of the call.
pub(crate) enum Told {
    /// It can be used, even if what was asked for could not be done.
    Good,
    /// Others have it at the moment.
    Busy(String),
    /// It can't be used.
    Bad(String),
}

/// A call that is under way until this is dropped.
pub(crate) struct UnderWay(Arc<Vitals>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
    }
}

/// What is wrong, and since when.
pub(crate) fn lasting(text: &str, since: DateTime<Utc>) -> String {
    format!("since {}: {text}", since.to_rfc3339_opts(SecondsFormat::Secs, true))
}

impl Vitals {
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.lock().under_way += 1;
        UnderWay(self.clone())
    }

    pub(crate) fn hear(&self, told: Told) {
        let mut state = self.lock();
        state.heard_at = Some(Instant::now());
        state.busy = None;
        match told {
            Told::Good => state.fault = None,
            Told::Busy(text) => state.busy = Some(text),
            Told::Bad(text) => {
                let since = state.fault.as_ref().map_or_else(Utc::now, |(since, _)| *since);
                state.fault = Some((since, text));
            }
        }
    }

    /// The last thing that was heard, whenever that was.
    pub(crate) fn last(&self) -> Finding {
        let state = self.lock();
        if let Some((since, text)) = &state.fault {
            return Finding::bad(lasting(text, *since));
        }
        match (&state.busy, state.heard_at) {
            (Some(text), _) => Finding::good(format!("in use by others: {text}")),
            (None, _) if state.under_way > 0 => Finding::good("at work"),
            (None, Some(at)) => Finding::good(format!("answered {} s ago", at.elapsed().as_secs())),
            (None, None) => Finding::bad("not heard of yet; it is being asked"),
        }
    }

    /// The same if it still says something: a good word for `good`, a fault for `bad`. Work that is under way is a good
    /// word, unless something went wrong before.
    pub(crate) fn fresh(&self, good: Duration, bad: Duration) -> Option<Finding> {
        let (limit, at, at_work) = {
            let state = self.lock();
            let limit = if state.fault.is_some() { bad } else { good };
            (limit, state.heard_at, state.fault.is_none() && state.under_way > 0)
        };
        (at_work || at.is_some_and(|at| at.elapsed() < limit)).then(|| self.last())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_fault_lasts_until_something_succeeds() {
        let vitals = Arc::new(Vitals::default());
        assert!(!vitals.last().ok && vitals.fresh(LONG, LONG).is_none());
        vitals.hear(Told::Good);
        assert!(vitals.last().ok);
        vitals.hear(Told::Bad("the disk is full".into()));
        let _retried = vitals.begin();
        vitals.hear(Told::Busy("process 7 has it".into()));
        assert!(vitals.last().text.contains(": the disk is full"), "{:?}", vitals.last());
        assert!(vitals.fresh(LONG, Duration::ZERO).is_none(), "whoever tries again has not succeeded yet");
        vitals.hear(Told::Good);
        assert!(vitals.last().ok);
    }

    #[test]
    fn work_that_is_under_way_is_a_good_word_and_so_is_one_who_has_it() {
        let vitals = Arc::new(Vitals::default());
        vitals.hear(Told::Good);
        assert!(vitals.fresh(Duration::ZERO, LONG).is_none());
        let lent = vitals.begin();
        assert_eq!(vitals.fresh(Duration::ZERO, LONG), Some(Finding::good("at work")));
        drop(lent);
        assert!(vitals.fresh(Duration::ZERO, LONG).is_none());
        vitals.hear(Told::Busy("process 7 has it".into()));
        assert_eq!(vitals.last(), Finding::good("in use by others: process 7 has it"));
    }
}
