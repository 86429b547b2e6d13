//! `millrace freshness`: has every source delivered what its contract expects?

use chrono::{DateTime, Utc};
use messages::Failure;
use runtime::{Contract, Contracts, Punctuality, Settings};
use serde::Serialize;
use warehouse::{Freshness, Ledger};

use crate::End;
use crate::output::{self, Output, age};
use crate::platform;

/// A source, and how it stands with what is expected of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Source {
    pub source: String,
    pub owner: String,
    pub state: State,
    /// How new the newest delivery is.
    pub newest_as_of: Option<DateTime<Utc>>,
    /// When a file of it was last loaded.
    pub loaded_at: Option<DateTime<Utc>>,
    /// By when the next delivery is expected, or the first was that did not come.
    pub expected_at: Option<DateTime<Utc>>,
    /// How late it is.
    pub overdue_secs: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    InTime,
    Late,
    /// It is expected to deliver, and never did. By when, only the watcher knows, which tells of it.
    Never,
    /// The contract expects nothing.
    NotExpected,
}

impl State {
    /// As printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InTime => "in time",
            Self::Late => "late",
            Self::Never => "never delivered",
            Self::NotExpected => "not expected",
        }
    }
}

pub async fn freshness(settings: Settings, output: &Output) -> Result<End, Failure> {
    let contracts = platform::read_contracts(&settings)?;
    let ledger = Ledger::new(platform::open_to_look(&settings).await?);
    let sources = sources(&contracts, &ledger.freshness().await?, Utc::now());
    ledger.warehouse().close().await;
    output.value(&sources, |sources| show(sources, output))?;
    Ok(if sources.iter().any(|source| source.state == State::Late) { End::Bad } else { End::Good })
}

/// How every source stands at `now`, in the order of the contracts.
pub fn sources(contracts: &Contracts, known: &[Freshness], now: DateTime<Utc>) -> Vec<Source> {
    let of = |contract: &Contract| {
        let known = known.iter().find(|known| known.source == contract.source);
        let newest = known.and_then(|known| known.as_of);
        let standing = contract.arrival.zip(newest).and_then(|(arrival, newest)| Punctuality::at(now, newest, arrival));
        let (state, expected_at) = match (standing, contract.arrival) {
            (Some(Punctuality::InTime { expected_at }), _) => (State::InTime, Some(expected_at)),
            (Some(Punctuality::Late { since, .. }), _) => (State::Late, Some(since)),
            (None, Some(_)) if newest.is_none() => (State::Never, None),
            (None, _) => (State::NotExpected, None),
        };
        let late = expected_at.filter(|_| state == State::Late).map(|at| now.signed_duration_since(at).num_seconds());
        Source {
            source: contract.source.clone(),
            owner: contract.owner.clone(),
            state,
            newest_as_of: newest,
            loaded_at: known.map(|known| known.loaded_at),
            expected_at,
            overdue_secs: late.unwrap_or_default().max(0).unsigned_abs(),
        }
    };
    contracts.iter().map(of).collect()
}

fn show(sources: &[Source], output: &Output) {
    let time = |at: Option<DateTime<Utc>>| at.map_or("-".into(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string());
    let row = |source: &Source| {
        let state = match source.state {
            State::InTime => output::good(source.state.as_str()),
            State::Late => output::bad(&format!("late for {}", age(source.overdue_secs))),
            State::Never => output::warn(source.state.as_str()),
            State::NotExpected => output::faint(source.state.as_str()),
        };
        vec![
            state,
            source.source.clone(),
            time(source.newest_as_of),
            time(source.expected_at),
            time(source.loaded_at),
            source.owner.clone(),
        ]
    };
    let header = ["state", "source", "newest data (UTC)", "expected by (UTC)", "last loaded (UTC)", "owner"];
    output.table(&header, sources.iter().map(row).collect());
    if sources.iter().any(|source| source.state == State::Late) {
        output.note(&format!(
            "{} is its file in the raw folder? then `millrace loads`, `dead list` and `queues` tell where it is; else ask its owner",
            output::bad("late:")
        ));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_source_is_in_time_or_late_or_never_came_or_may_come_when_it_likes() {
        let now = Utc::now();
        let mut contracts = Contracts::default();
        let expected = json!({"every_hours": 24.0, "grace_hours": 1.0});
        for (source, arrival) in [("good", &expected), ("late", &expected), ("new", &expected), ("free", &json!(null))]
        {
            let contract =
                json!({"source": source, "files": [format!("{source}.csv")], "columns": ["a"], "arrival": arrival});
            contracts.add(serde_json::from_value(contract).unwrap()).unwrap();
        }
        let of = |source: &str, hours: i64| {
            let at = now - TimeDelta::hours(hours);
            Freshness { source: source.into(), as_of: Some(at), loaded_at: at }
        };
        let found = sources(&contracts, &[of("free", 900), of("good", 24), of("late", 26)], now);
        let states: Vec<_> = found.iter().map(|source| (source.state, source.overdue_secs)).collect();
        assert_eq!(
            states,
            [(State::InTime, 0), (State::Late, 7200), (State::Never, 0), (State::NotExpected, 0)],
            "{found:?}"
        );
        assert_eq!(found[1].expected_at, Some(now - TimeDelta::hours(2)));
    }
}
