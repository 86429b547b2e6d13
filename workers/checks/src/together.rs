//! What was measured of loads that are judged together.
//!
//! The audit is the history of a load, and verdicts of loads that are judged together stand there no earlier than all of them are
//! given. Files that came at once would be no history for each other, and a fault among them would never be seen.

use std::collections::HashMap;

use messages::CheckOutcome;

use crate::deliveries::Subject;
use crate::history::Point;

/// The kind of check that learns from what it measured before.
pub(crate) const LEARNS: &str = "change";

/// What checks that learn from history measured of loads that are judged together, before any verdict is recorded.
#[derive(Clone, Debug, Default)]
pub struct Together {
    /// By table: by check: by the load's mark, so that a load that is judged twice is one.
    measured: HashMap<String, HashMap<String, HashMap<String, Point>>>,
}

impl Together {
    /// What was found of one table for one load: its values become history for the others. As in the audit, a load that brought
    /// nothing of the table is no history, and a value that could not be measured replaces none.
    pub fn add(&mut self, subject: &Subject<'_>, outcomes: &[CheckOutcome]) {
        let Some((mark, at)) = subject.delivered() else { return };
        for outcome in outcomes.iter().filter(|outcome| outcome.kind == LEARNS) {
            // What is no number is written as none.
            let Some(value) = outcome.value.filter(|value| value.is_finite()) else { continue };
            let table = self.measured.entry(subject.table().table.clone()).or_default();
            table.entry(outcome.check.clone()).or_default().insert(mark.into(), Point { at, value });
        }
    }

    /// Whether anything of the table may be history for another load.
    pub fn knows(&self, table: &str) -> bool {
        self.measured.contains_key(table)
    }

    pub(crate) fn points(&self, table: &str, check: &str) -> impl Iterator<Item = (&str, Point)> {
        let points = self.measured.get(table).and_then(|checks| checks.get(check));
        points.into_iter().flatten().map(|(mark, point)| (mark.as_str(), *point))
    }
}
