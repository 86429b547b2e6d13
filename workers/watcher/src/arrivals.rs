//! Who has not delivered when he should have.
//!
//! The warehouse is asked as seldom as can be, because asking keeps Snowflake's awake: when the watcher begins, when the next
//! expectation could have been missed, when a file of an expected source was loaded, and now and then while somebody is late,
//! because not every delivery comes through this watcher.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use messages::{Envelope, LoadId, MessageId, SourceOverdue};
use runtime::{Arrival, Contracts, Punctuality, expected_from, pulse};
use warehouse::{Freshness, LoadLine, LoadStatus};

/// How often the warehouse is asked while somebody is late.
const WHILE_LATE: Duration = Duration::from_secs(300);
/// And how seldom at most: whoever has been late for days is not expected within minutes, and asking may wake a warehouse.
const WHILE_VERY_LATE: Duration = Duration::from_secs(3600);

/// What is expected of the sources, and what was said about it.
pub(crate) struct Arrivals {
    contracts: Arc<Contracts>,
    /// From when on deliveries of sources are expected that never delivered: this process knows of no earlier time.
    began: DateTime<Utc>,
    /// When the warehouse is asked next; never, if nothing is expected.
    look_at: Option<DateTime<Utc>>,
    /// By source, the last expectation that was told as missed.
    told: HashMap<String, DateTime<Utc>>,
}

impl Arrivals {
    pub(crate) fn new(contracts: Arc<Contracts>, now: DateTime<Utc>) -> Self {
        let any = contracts.iter().any(|contract| contract.arrival.is_some());
        Self { contracts, began: now, look_at: any.then_some(now), told: HashMap::new() }
    }

    /// Whether the warehouse is to be asked.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.look_at.is_some_and(|at| at <= now)
    }

    /// The audit has these lines: one that tells of a delivery is a reason to look at once.
    pub(crate) fn heard(&mut self, lines: &[LoadLine], now: DateTime<Utc>) {
        let expected = |line: &&LoadLine| self.contracts.source(&line.source).is_some_and(|of| of.arrival.is_some());
        if lines.iter().filter(|line| line.status == LoadStatus::Success).any(|line| expected(&line)) {
            self.look_at = Some(now);
        }
    }

    /// Judges each source by its newest delivery. Returns what is to be said, and was not said yet.
    pub(crate) fn look(&mut self, newest: &[Freshness], now: DateTime<Utc>) -> Vec<SourceOverdue> {
        let mut missed = Vec::new();
        let mut look_at: Option<DateTime<Utc>> = None;
        for (contract, arrival) in self.contracts.iter().filter_map(|of| Some((of, of.arrival?))) {
            let known = newest.iter().find(|known| known.source == contract.source);
            let newest_as_of = known.and_then(|known| known.as_of);
            let Some(from) = newest_as_of.or_else(|| expected_from(self.began, arrival)) else { continue };
            let Some(standing) = Punctuality::at(now, from, arrival) else { continue };
            pulse::expected(&contract.source, standing.late_since());
            let next = match standing {
                Punctuality::InTime { expected_at } => after_grace(expected_at, arrival),
                Punctuality::Late { since, missed_at } => {
                    if self.told.get(&contract.source) != Some(&missed_at) {
                        missed.push(SourceOverdue {
                            load_id: LoadId::overdue(&contract.source, missed_at),
                            source: contract.source.clone(),
                            expected_at: missed_at,
                            newest_as_of,
                            owner: contract.owner.clone(),
                        });
                    }
                    let late = now.signed_duration_since(since).to_std().unwrap_or_default();
                    now + (late / 12).clamp(WHILE_LATE, WHILE_VERY_LATE).min(hours(arrival.every_hours))
                }
            };
            look_at = Some(look_at.map_or(next, |at| at.min(next)));
        }
        self.look_at = look_at;
        missed
    }

    /// What was to be said could not be: the next look is soon, and not at once, which would keep the warehouse awake for as long as
    /// the bus is away.
    pub(crate) fn look_again(&mut self, now: DateTime<Utc>) {
        let soon = now + WHILE_LATE;
        self.look_at = Some(self.look_at.map_or(soon, |at| at.min(soon)));
    }

    /// It was said.
    pub(crate) fn told(&mut self, overdue: &SourceOverdue) {
        self.told.insert(overdue.source.clone(), overdue.expected_at);
    }
}

/// The event that tells of it: the same id, whoever tells it and however often.
pub(crate) fn event(sender: &str, overdue: SourceOverdue) -> Envelope {
    let id = MessageId::derived(overdue.expected_at, overdue.load_id.as_str());
    Envelope::new(sender, overdue).with_id(id)
}

fn after_grace(expected_at: DateTime<Utc>, arrival: Arrival) -> DateTime<Utc> {
    expected_at + hours(arrival.grace_hours)
}

/// Hours that were a time when somebody was judged by them.
fn hours(hours: f64) -> Duration {
    Duration::try_from_secs_f64(hours * 3600.0).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use runtime::Contract;
    use serde_json::json;

    use super::*;

    const HOUR: f64 = 3600.0;

    fn at(secs: f64) -> DateTime<Utc> {
        #[allow(clippy::cast_possible_truncation)]
        DateTime::from_timestamp_millis(1_795_435_200_000 + (secs * 1000.0) as i64).unwrap()
    }

    /// `hourly` is expected every hour, with half an hour's grace; of `free` nothing is.
    fn arrivals(now: DateTime<Utc>) -> Arrivals {
        let mut contracts = Contracts::default();
        for (source, arrival) in [("hourly", json!({"every_hours": 1.0, "grace_hours": 0.5})), ("free", json!(null))] {
            let contract = json!({
                "source": source, "files": [format!("{source}.csv")], "columns": ["a"], "owner": "plant",
                "arrival": arrival,
            });
            contracts.add(serde_json::from_value::<Contract>(contract).unwrap()).unwrap();
        }
        Arrivals::new(Arc::new(contracts), now)
    }

    fn delivered(secs: f64) -> Vec<Freshness> {
        let of = |source: &str| Freshness { source: source.into(), as_of: Some(at(secs)), loaded_at: at(secs) };
        vec![of("free"), of("hourly")]
    }

    #[test]
    fn each_expectation_is_told_once_and_none_before_its_time() {
        let mut arrivals = arrivals(at(0.0));
        let mut look = |secs: f64| {
            assert!(arrivals.is_due(at(secs)), "{secs}");
            let missed = arrivals.look(&delivered(0.0), at(secs));
            missed.iter().for_each(|one| arrivals.told(one));
            missed.into_iter().map(|one| one.expected_at).collect::<Vec<_>>()
        };
        assert!(look(1.0).is_empty());
        assert_eq!(look(1.5 * HOUR), [at(HOUR)]);
        assert!(look(1.6 * HOUR).is_empty());
        assert_eq!(look(2.5 * HOUR), [at(2.0 * HOUR)], "the next one is missed too");
        assert_eq!(look(9.5 * HOUR), [at(9.0 * HOUR)], "of many the last");
    }

    #[test]
    fn what_could_not_be_said_is_said_the_next_time() {
        let mut arrivals = arrivals(at(0.0));
        let first = arrivals.look(&delivered(0.0), at(2.0 * HOUR));
        assert_eq!(first, arrivals.look(&delivered(0.0), at(2.1 * HOUR)));
        assert_eq!(event("x", first[0].clone()).id, event("y", first[0].clone()).id);
        let one = &first[0];
        assert_eq!((one.owner.as_str(), one.newest_as_of), ("plant", Some(at(0.0))));
    }

    #[test]
    fn what_could_not_be_said_is_not_looked_at_without_a_pause() {
        let mut arrivals = arrivals(at(0.0));
        let now = at(1.5 * HOUR);
        let missed = arrivals.look(&delivered(0.0), now);
        arrivals.look_again(now);
        assert!(!arrivals.is_due(now), "the warehouse is not kept awake while the bus is away");
        let soon = at(1.5 * HOUR + 300.0);
        assert!(arrivals.is_due(soon));
        assert_eq!(arrivals.look(&delivered(0.0), soon), missed);
    }

    #[test]
    fn whoever_is_late_for_days_is_asked_for_once_an_hour() {
        let daily = json!({"source": "daily", "files": ["d.csv"], "columns": ["a"], "arrival": {"every_hours": 24.0}});
        let mut contracts = Contracts::default();
        contracts.add(serde_json::from_value::<Contract>(daily).unwrap()).unwrap();
        let mut arrivals = Arrivals::new(Arc::new(contracts), at(0.0));
        let newest = [Freshness { source: "daily".into(), as_of: Some(at(0.0)), loaded_at: at(0.0) }];
        let now = 5.0 * 24.0 * HOUR + 1.0;
        arrivals.look(&newest, at(now));
        assert!(!arrivals.is_due(at(now + HOUR - 1.0)) && arrivals.is_due(at(now + HOUR)));
    }

    #[test]
    fn the_warehouse_is_asked_when_something_could_be_missed_or_was_loaded() {
        let mut arrivals = arrivals(at(0.0));
        assert!(arrivals.is_due(at(0.0)), "at the beginning");
        arrivals.look(&delivered(0.0), at(1.0));
        assert!(!arrivals.is_due(at(1.49 * HOUR)) && arrivals.is_due(at(1.5 * HOUR)));
        arrivals.look(&delivered(0.0), at(1.5 * HOUR));
        assert!(!arrivals.is_due(at(1.5 * HOUR + 299.0)) && arrivals.is_due(at(1.5 * HOUR + 300.0)), "while late");
        arrivals.look(&delivered(1.5 * HOUR), at(1.5 * HOUR + 300.0));
        assert!(!arrivals.is_due(at(2.9 * HOUR)), "in time again");
    }

    #[test]
    fn who_never_delivered_is_expected_a_period_after_the_next_full_one() {
        // A full hour, so the next one is an hour later.
        let mut arrivals = arrivals(at(0.0));
        assert_eq!(arrivals.look(&[], at(2.4 * HOUR)), []);
        let missed = arrivals.look(&[], at(2.5 * HOUR));
        assert_eq!((missed[0].expected_at, missed[0].newest_as_of), (at(2.0 * HOUR), None));
        assert_eq!(missed.len(), 1, "of the other nothing is expected");
    }

    #[test]
    fn nobody_is_asked_where_nothing_is_expected() {
        assert!(!Arrivals::new(Arc::default(), at(0.0)).is_due(at(1e6)));
    }
}
