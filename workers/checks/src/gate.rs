//! Checks that decide whether rows become current.

use std::sync::Arc;

use chrono::Utc;
use messages::CheckStatus;
use warehouse::{Gate, GateAnswer, GateVerdict};

use crate::check::Measure;
use crate::deliveries::Subject;
use crate::judge::{Found, found};
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
        Subject::standing(&self.plan.table, rows, Utc::now())
    }

    /// The checks by question, with what each needs of the answer: all in one, but for those whose SQL may fail. One of these
    /// must not take the others with it, and nobody asks again.
    fn questions_of(&self, subject: &Subject<'_>) -> Vec<Question<'_>> {
        let gates = self.plan.checks.iter().filter(|planned| planned.gate);
        let (own, shared): (Vec<_>, Vec<_>) = gates.partition(|planned| planned.may_fail());
        let asked = |planned| (planned, PlannedCheck::measures(planned, subject));
        let mut questions = vec![shared];
        questions.extend(own.into_iter().map(|planned| vec![planned]));
        questions.retain(|question| !question.is_empty());
        questions.into_iter().map(|planned| planned.into_iter().map(asked).collect()).collect()
    }
}

/// What is asked at once: checks, with their measures by level.
type Question<'a> = Vec<(&'a PlannedCheck, Vec<Vec<Measure>>)>;

fn scan(question: &Question<'_>) -> Scan {
    Scan::of(&question.iter().flat_map(|(_, measures)| measures.concat()).collect::<Vec<_>>())
}

impl Gate for TableGate {
    fn questions(&self, rows: &str) -> Vec<String> {
        self.questions_of(&self.subject(rows)).iter().map(|question| scan(question).sql).collect()
    }

    fn names(&self) -> Vec<String> {
        let gates = self.plan.checks.iter().filter(|planned| planned.gate);
        gates.map(|planned| format!("{}.{}", self.plan.table.table, planned.name)).collect()
    }

    fn judge(&self, answers: &[GateAnswer]) -> GateVerdict {
        let subject = self.subject(ANY_ROWS);
        let mut verdict = GateVerdict::default();
        for (at, question) in self.questions_of(&subject).iter().enumerate() {
            let scan = scan(question);
            for (planned, measures) in question {
                let found = match answers.get(at) {
                    Some(Ok(row)) => found(planned, &subject, &scan, measures, row),
                    Some(Err(why)) => Found::unknown(planned, why.clone()),
                    None => Found::unknown(planned, "the warehouse gave no answer".into()),
                };
                let outcome = found.outcome(planned, &self.plan.table.table);
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
