//! What decides whether a slice that stands may become current.

use messages::CheckOutcome;

/// Checks of a slice before anybody sees it.
///
/// The warehouse asks inside the load's transaction, once the generation's last file stands: what does not pass is kept and
/// held back, and the views never show it.
pub trait Gate: Send + Sync {
    /// What is to be asked: statements that read and give one row each. `rows`, to stand behind FROM, gives the generation's
    /// rows with all columns of the `RAW_RUN` table.
    fn questions(&self, rows: &str) -> Vec<String>;

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
