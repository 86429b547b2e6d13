//! What this worker tells the log, each thing in one place.

use messages::{CheckStatus, Message, Verdict};
use warehouse::StageLine;

/// A load was judged, and the verdict is recorded.
pub(crate) struct Judged<'a> {
    pub(crate) stage: &'a StageLine,
    pub(crate) message: &'a Message,
}

/// Loads that waited were judged together.
pub(crate) struct JudgedTogether {
    pub(crate) loads: usize,
    pub(crate) statements: usize,
}

impl Judged<'_> {
    /// Writes it.
    pub(crate) fn log(&self) {
        let (verdict, checks) = match self.message {
            Message::DqCompleted(data) => (data.verdict, &data.checks),
            Message::DqFailed(data) => (data.verdict, &data.checks),
            _ => return,
        };
        let named = |wanted: &[CheckStatus]| {
            let named = checks.iter().filter(|check| wanted.contains(&check.status));
            named.map(|check| format!("{}.{}", check.table, check.check)).collect::<Vec<_>>().join(", ")
        };
        let (failed, warned) = (named(&[CheckStatus::Fail, CheckStatus::Error]), named(&[CheckStatus::Warn]));
        let StageLine { load_id, trace_id, attempt, started_at, finished_at, .. } = self.stage;
        let (checks, millis) = (checks.len(), (*finished_at - *started_at).num_milliseconds());
        if verdict == Verdict::Failed {
            tracing::warn!(%load_id, trace_id, attempt, verdict = verdict.as_str(), checks, failed, warned, millis, "data judged, not good enough");
        } else {
            tracing::info!(%load_id, trace_id, attempt, verdict = verdict.as_str(), checks, warned, millis, "data judged");
        }
    }
}

impl JudgedTogether {
    /// Writes it, if there was more than one.
    pub(crate) fn log(&self) {
        if self.loads > 1 {
            tracing::debug!(loads = self.loads, statements = self.statements, "loads judged together");
        }
    }
}
