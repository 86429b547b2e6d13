//! What the report is about.

use std::collections::HashSet;

use bus::DeadLetter;
use chrono::{DateTime, Utc};

use super::lineage::Lineage;
use crate::freshness::{Source, State as Arrival};
use crate::output::age;

/// The state of what nobody has decided about yet.
pub const QUARANTINED: &str = "QUARANTINED";

/// The states of a load that is not there yet, or that somebody cut short or gave up: it makes up for no failure before it.
const NOT_THERE: [&str; 3] = ["CANCELLED", "DISCARDED", "INGESTING"];

/// Everything that is shown.
#[derive(Debug, Default)]
pub struct Facts {
    /// Which warehouse, for people and without secrets.
    pub warehouse: String,
    pub made_at: DateTime<Utc>,
    pub since: DateTime<Utc>,
    pub days: u32,
    /// Where people look at a trace, with `{trace_id}`.
    pub trace_url: Option<String>,
    /// The loads since then, newest first.
    pub loads: Vec<Load>,
    /// There were more lines than are read.
    pub is_cut: bool,
    pub sources: Vec<Source>,
    /// By table below RAW and load, how many checks there were and how many did not pass.
    pub judged: Vec<Judged>,
    pub checks: Vec<Check>,
    /// Checks that are not among them.
    pub more_checks: usize,
    pub reject_groups: Vec<RejectGroup>,
    pub rejects: Vec<Reject>,
    pub held: Vec<Held>,
    pub shapes: Vec<Shape>,
    pub samples: Vec<Samples>,
    pub lineage: Lineage,
    pub dead: Vec<DeadLetter>,
    /// What could not be read.
    pub faults: Vec<String>,
}

/// A load, from its files to its verdict.
#[derive(Clone, Debug)]
pub struct Load {
    pub load_id: String,
    /// As `millrace loads` prints it.
    pub state: String,
    pub is_failure: bool,
    pub sources: Vec<String>,
    /// Tables, in capitals.
    pub tables: Vec<String>,
    pub files: Vec<String>,
    /// Files of the whole run.
    pub file_count: usize,
    pub rows: u64,
    pub rejected: u64,
    pub begun_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    pub error: Option<String>,
    pub trace_id: String,
}

/// How a load's checks of one table ended.
#[derive(Clone, Debug)]
pub struct Judged {
    pub table: String,
    pub load_id: String,
    pub checks: u64,
    pub not_passed: u64,
    /// When its first check was.
    pub begun_at: DateTime<Utc>,
}

/// A check and its newest results, oldest first.
#[derive(Clone, Debug)]
pub struct Check {
    pub table: String,
    pub name: String,
    pub kind: String,
    pub origin: String,
    pub severity: String,
    pub results: Vec<CheckResult>,
    /// Results since the report's beginning, and how many of them did not pass.
    pub count: u64,
    pub not_passed: u64,
}

#[derive(Clone, Debug)]
pub struct CheckResult {
    pub at: DateTime<Utc>,
    /// `PASS`, `WARN`, `FAIL`, `ERROR`.
    pub status: String,
    pub value: Option<f64>,
    pub observed: String,
    pub expected: String,
    pub failed_rows: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct RejectGroup {
    pub table: String,
    pub file: String,
    pub reason: String,
    pub rows: u64,
    pub last_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug)]
pub struct Reject {
    pub load_id: String,
    pub file: String,
    pub line: u64,
    pub reason: String,
    pub raw: String,
    pub is_truncated: bool,
}

/// A load that was held back, and what somebody decided.
#[derive(Clone, Debug)]
pub struct Held {
    pub load_id: String,
    pub table: String,
    pub file: String,
    /// `QUARANTINED` while nobody has decided.
    pub status: String,
    pub rows: u64,
    pub why: String,
    pub decided_by: String,
    pub decided_why: String,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct Shape {
    pub at: Option<DateTime<Utc>>,
    pub table: String,
    pub file: String,
    pub change: String,
    pub column: String,
    pub policy: String,
}

/// Failing rows that were kept of a check.
#[derive(Clone, Debug)]
pub struct Samples {
    pub table: String,
    pub check: String,
    pub rows: u64,
    pub loads: u64,
}

/// Something that needs somebody now, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub what: String,
    pub about: String,
    pub act: String,
}

impl Facts {
    /// What needs somebody now, the most urgent first.
    pub fn needs(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        for source in self.sources.iter().filter(|source| source.state == Arrival::Late) {
            needs.push(Need {
                what: format!("late for {}", age(source.overdue_secs)),
                about: source.source.clone(),
                act: "look into the raw folder; is the file not there, ask its owner".into(),
            });
        }
        let held = self.held.iter().filter(|held| held.status == QUARANTINED);
        // A load of many files is decided about once.
        let mut known = HashSet::new();
        for held in held.filter(|held| known.insert(&held.load_id)) {
            needs.push(Need {
                what: "held back".into(),
                about: held.load_id.clone(),
                act: "`millrace release` or `discard` decides".into(),
            });
        }
        for load in self.newest_failures() {
            needs.push(Need {
                what: load.state.to_lowercase(),
                about: load.load_id.clone(),
                act: "`millrace load` tells why".into(),
            });
        }
        let dead = self.dead.len();
        if dead > 0 {
            needs.push(Need {
                what: format!("{dead} given up"),
                about: "dead letters".into(),
                act: "mend the cause, then `millrace dead replay`".into(),
            });
        }
        needs
    }

    /// Failed loads that no newer one of the same source (of the same file, where no contract matches) has made up for.
    fn newest_failures(&self) -> Vec<&Load> {
        let mut seen: HashSet<&str> = HashSet::new();
        let mut failures = Vec::new();
        for load in self.loads.iter().filter(|load| !NOT_THERE.contains(&load.state.as_str())) {
            let known = load.sources.iter().filter(|source| !source.is_empty());
            let mut of: Vec<&str> = known.map(String::as_str).collect();
            if of.is_empty() {
                of = load.files.iter().map(String::as_str).collect();
            }
            // Each is seen from now on, not only the first that is new.
            let is_newest = of.iter().filter(|name| seen.insert(name)).count() > 0;
            // What is held back is listed as that.
            if is_newest && load.is_failure && load.state != QUARANTINED {
                failures.push(load);
            }
        }
        failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::State;

    fn load(id: &str, state: &str, sources: &[&str]) -> Load {
        Load {
            load_id: id.into(),
            state: state.into(),
            is_failure: ["INGEST FAILED", QUARANTINED].contains(&state),
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
            tables: Vec::new(),
            files: vec![format!("{id}.csv")],
            file_count: 1,
            rows: 0,
            rejected: 0,
            begun_at: DateTime::default(),
            ended_at: DateTime::default(),
            error: None,
            trace_id: String::new(),
        }
    }

    fn held(id: &str, status: &str) -> Held {
        let text = String::new;
        Held {
            load_id: id.into(),
            table: text(),
            file: text(),
            status: status.into(),
            rows: 0,
            why: text(),
            decided_by: text(),
            decided_why: text(),
            at: DateTime::default(),
        }
    }

    #[test]
    fn what_was_made_up_for_needs_nobody_and_the_rest_is_named_once() {
        let facts = Facts {
            loads: vec![
                load("a2", "PASSED", &["a"]),
                load("b1", "INGEST FAILED", &["b"]),
                load("a1", "INGEST FAILED", &["a"]),
                load("ab", "INGEST FAILED", &["a", "b", "c"]),
                load("stray", "INGEST FAILED", &[""]),
                load("h", QUARANTINED, &["d"]),
            ],
            held: vec![
                held("h", QUARANTINED),
                held("h", QUARANTINED),
                held("old", "SUCCESS"),
                held("gone", "overtaken"),
            ],
            ..Facts::default()
        };
        let about: Vec<String> = facts.needs().into_iter().map(|need| need.about).collect();
        // `ab` is the newest of c.
        assert_eq!(about, ["h", "b1", "ab", "stray"]);
    }

    #[test]
    fn what_is_not_there_makes_up_for_no_failure() {
        for state in [State::Cancelled, State::Discarded, State::Ingesting] {
            let loads = vec![load("a2", state.as_str(), &["a"]), load("a1", "INGEST FAILED", &["a"])];
            let about: Vec<String> =
                Facts { loads, ..Facts::default() }.needs().into_iter().map(|need| need.about).collect();
            assert_eq!(about, ["a1"], "{state:?}");
        }
    }
}
