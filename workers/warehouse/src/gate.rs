//! What decides whether a slice that stands may become current.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use messages::CheckOutcome;

use crate::ledger::insert;
use crate::standing::generation;
use crate::{FileFacts, LoadOutcome, QualityLine, QualityOrigin, RejectedLine, ShapeLine, Slice};

/// Checks of a slice before anybody sees it.
///
/// The warehouse asks inside the load's transaction, once the generation's last file stands: what does not pass is kept and
/// held back, and the views never show it.
pub trait Gate: Send + Sync {
    /// What is to be asked: statements that read and give one row each. `rows`, to stand behind FROM, gives the generation's
    /// rows with all columns of the `RAW_RUN` table.
    fn questions(&self, rows: &str) -> Vec<String>;

    /// What it asks, by the names that people know: for whoever tells of it without asking.
    fn names(&self) -> Vec<String>;

    /// Judges the answers, which stand in the order of the questions: the values of the one row, as text, or what the
    /// warehouse complained of.
    fn judge(&self, answers: &[GateAnswer]) -> GateVerdict;
}

/// The answer to one question of a gate.
pub type GateAnswer = Result<Vec<Option<String>>, String>;

/// What a gate found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GateVerdict {
    /// Every check's result, for the audit.
    pub checks: Vec<CheckOutcome>,
    /// Why the slice must not become current, in words with numbers and without row contents; nothing if it may.
    pub held: Vec<String>,
}

/// A gate being asked about a slice. What the warehouse refused is kept: a transaction that broke off over it is done once
/// more, and then the complaint is the answer.
pub(crate) struct Asking<'a> {
    gate: &'a dyn Gate,
    questions: Vec<String>,
    /// By the question's place.
    refused: HashMap<usize, String>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(gate: &'a dyn Gate, slice: &Slice) -> Self {
        Self { gate, questions: gate.questions(&generation(slice)), refused: HashMap::new() }
    }

    /// What is to be asked, each with its place. What was refused before is not asked again.
    pub(crate) fn open(&self) -> impl Iterator<Item = (usize, &str)> {
        let open = |(at, _): &(usize, &String)| !self.refused.contains_key(at);
        self.questions.iter().enumerate().filter(open).map(|(at, sql)| (at, sql.as_str()))
    }

    /// The warehouse refused the question at this place.
    pub(crate) fn refuse(&mut self, at: usize, why: String) {
        self.refused.insert(at, why);
    }

    /// Judges the answers to all that was open, in their order.
    pub(crate) fn judge(&self, answers: Vec<GateAnswer>) -> GateVerdict {
        let mut answers = answers.into_iter();
        let answer = |at: usize| match self.refused.get(&at) {
            Some(why) => Err(why.clone()),
            None => answers.next().unwrap_or_else(|| Err("it was not asked".into())),
        };
        let answers: Vec<GateAnswer> = (0..self.questions.len()).map(answer).collect();
        self.gate.judge(&answers)
    }
}

/// The one row of an answer.
pub(crate) fn one_row(rows: Vec<Vec<Option<String>>>) -> GateAnswer {
    rows.into_iter().next().ok_or_else(|| "the question gave no row".into())
}

/// The statements that append what is to be known of a slice beside its line: the gate's checks, the rows that were set aside,
/// the changes of shape.
pub(crate) fn remarks(slice: &Slice, facts: &FileFacts, verdict: &GateVerdict, at: DateTime<Utc>) -> Vec<String> {
    let check = |outcome: &CheckOutcome| QualityLine {
        load_id: slice.load_id.clone(),
        outcome: outcome.clone(),
        checked_at: at,
        origin: QualityOrigin::Gate,
    };
    let checks: Vec<_> = verdict.checks.iter().map(check).collect();
    let (rejected, shape) = (RejectedLine::all(slice, facts, at), ShapeLine::all(slice, facts, at));
    [insert(&checks), insert(&rejected), insert(&shape)].concat()
}

/// Why the slice is held back: what its file's reader said, and what the gate found. Nothing if it is not.
pub(crate) fn held(facts: &FileFacts, verdict: &GateVerdict) -> Vec<String> {
    facts.held.iter().chain(&verdict.held).cloned().collect()
}

/// What became of a slice that stands.
pub(crate) fn outcome(facts: FileFacts, held: Vec<String>) -> LoadOutcome {
    if held.is_empty() { LoadOutcome::Loaded(facts) } else { LoadOutcome::Quarantined { facts, held } }
}
