//! Checks that decide whether rows become current.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use messages::CheckStatus;
use warehouse::{Gate, GateAnswer, GateVerdict};

use crate::check::Measure;
use crate::deliveries::Subject;
use crate::judge::{found, outcome};
use crate::plan::{PlannedCheck, TablePlan};
use crate::scan::Scan;

/// The checks of one table that are marked as gates.
///
/// Broken at severity error, or not to be judged at all, one of them holds the rows back; at severity warn it only says so.
#[derive(Clone, Debug)]
pub struct TableGate {
    plan: Arc<TablePlan>,
}

/// Stands for the rows where only the places of the answers matter.
const ANY_ROWS: &str = "ROWS";

impl TableGate {
    /// The gate of a table; `None` if none of its checks is one.
    pub(crate) fn of(plan: &Arc<TablePlan>) -> Option<Self> {
        plan.checks.iter().any(|planned| planned.gate).then(|| Self { plan: plan.clone() })
    }

    fn subject<'a>(&'a self, rows: &'a str) -> Subject<'a> {
        Subject::standing(&self.plan.table, rows, DateTime::<Utc>::MIN_UTC)
    }

    /// The checks by question, with what each needs of the answer: all in one, but for those that bring SQL of their own. One
    /// of these that fails must not take the others with it, and nobody asks again.
    fn questions_of(&self, subject: &Subject<'_>) -> Vec<Vec<(&PlannedCheck, Vec<Measure>)>> {
        let checks = || self.plan.checks.iter().filter(|planned| planned.gate);
        let asked = |planned| {
            let planned: &PlannedCheck = planned;
            (planned, planned.check.measures(subject))
        };
        let shared: Vec<_> = checks().filter(|planned| !planned.check.has_own_sql()).map(asked).collect();
        let own = checks().filter(|planned| planned.check.has_own_sql()).map(|planned| vec![asked(planned)]);
        Some(shared).filter(|shared| !shared.is_empty()).into_iter().chain(own).collect()
    }
}

fn scan(question: &[(&PlannedCheck, Vec<Measure>)]) -> Scan {
    let measures: Vec<Measure> = question.iter().flat_map(|(_, measures)| measures.clone()).collect();
    Scan::of(&measures)
}

impl Gate for TableGate {
    fn questions(&self, rows: &str) -> Vec<String> {
        self.questions_of(&self.subject(rows)).iter().map(|question| scan(question).sql).collect()
    }

    fn judge(&self, answers: &[GateAnswer]) -> GateVerdict {
        let subject = self.subject(ANY_ROWS);
        let mut verdict = GateVerdict::default();
        for (at, question) in self.questions_of(&subject).iter().enumerate() {
            let scan = scan(question);
            for (planned, measures) in question {
                let found = match answers.get(at) {
                    Some(Ok(row)) => found(planned, &subject, &scan, measures, row),
                    Some(Err(why)) => Err(why.clone()),
                    None => Err("the warehouse gave no answer".into()),
                };
                let outcome = outcome(planned, &self.plan.table.table, found);
                if matches!(outcome.status, CheckStatus::Fail | CheckStatus::Error) {
                    let held = format!("{}: {} (expected: {})", outcome.check, outcome.observed, outcome.expected);
                    verdict.held.push(held);
                }
                verdict.checks.push(outcome);
            }
        }
        verdict
    }
}
