//! From outcomes to the event that announces them, and back from the audit's line.

use messages::{CheckOutcome, CheckStatus, DqCompleted, DqFailed, Failure, LoadId, Message, Verdict};
use serde_json::Value;
use warehouse::{StageLine, StageStatus};

/// Failed checks that are named; the event lists all of them anyway.
const NAMED: usize = 10;

/// What is announced of a load whose checks gave these outcomes.
pub(crate) fn announcement(load_id: &LoadId, checks: Vec<CheckOutcome>) -> Message {
    match Verdict::over(&checks) {
        Verdict::Failed => {
            let failure = Failure::permanent(told(&checks));
            DqFailed { load_id: load_id.clone(), verdict: Verdict::Failed, checks, failure }.into()
        }
        verdict => DqCompleted { load_id: load_id.clone(), verdict, checks }.into(),
    }
}

/// What is announced of a load that could not be judged.
pub(crate) fn not_judged(load_id: &LoadId, failure: &Failure) -> Message {
    DqFailed { load_id: load_id.clone(), verdict: Verdict::Failed, checks: Vec::new(), failure: failure.clone() }.into()
}

/// Whether the line tells what checks found, rather than that none could run.
pub(crate) fn was_judged(line: &StageLine) -> bool {
    line.status == StageStatus::Success
        || line.announced.get("checks").and_then(Value::as_array).is_some_and(|checks| !checks.is_empty())
}

/// How a message ended that the audit knows as cancelled.
pub(crate) fn cancelled(line: &StageLine) -> Failure {
    Failure::cancelled(line.error.clone().unwrap_or_else(|| "cancelled".into()))
}

/// The failed checks by name, for whoever sees only one line.
pub(crate) fn told(checks: &[CheckOutcome]) -> String {
    let failed: Vec<String> = checks
        .iter()
        .filter(|check| matches!(check.status, CheckStatus::Fail | CheckStatus::Error))
        .map(|check| format!("{}.{} ({})", check.table, check.check, check.observed))
        .collect();
    let more = failed.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = failed[..failed.len().min(NAMED)].join("; ");
    format!("{} of {} checks failed: {named}{more}", failed.len(), checks.len())
}

/// The event's data, as the audit keeps it.
pub(crate) fn data(message: &Message) -> serde_json::Result<Value> {
    match message {
        Message::DqCompleted(data) => serde_json::to_value(data),
        Message::DqFailed(data) => serde_json::to_value(data),
        // Nothing else is announced by this stage.
        _ => Ok(Value::Null),
    }
}

/// The event that a line of the audit announced.
///
/// # Errors
/// The line holds no event of this stage: somebody else wrote it.
pub(crate) fn announced(line: &StageLine) -> Result<Message, Failure> {
    let data = line.announced.clone();
    let message = match data.get("verdict").and_then(Value::as_str) {
        Some("failed") => serde_json::from_value::<DqFailed>(data).map(Message::from),
        _ => serde_json::from_value::<DqCompleted>(data).map(Message::from),
    };
    message.map_err(|error| {
        Failure::permanent(format!(
            "the audit's line for message {} can't be announced again: {error}; ask for the checks with a new message",
            line.message_id
        ))
    })
}

#[cfg(test)]
mod tests {
    use messages::Severity;

    use super::*;

    fn check(name: &str, status: CheckStatus) -> CheckOutcome {
        CheckOutcome {
            check: name.into(),
            table: "RAW.BATCHES".into(),
            severity: Severity::Error,
            status,
            observed: "3 rows".into(),
            expected: "none".into(),
            failed_rows: Some(3),
            kind: String::new(),
            value: None,
        }
    }

    #[test]
    fn warnings_pass_and_failures_are_named() {
        let load_id = LoadId::new("a'b").unwrap();
        let warned = announcement(&load_id, vec![check("a", CheckStatus::Warn), check("b", CheckStatus::Pass)]);
        assert!(matches!(warned, Message::DqCompleted(DqCompleted { verdict: Verdict::Warned, .. })));
        let failed = announcement(&load_id, vec![check("a", CheckStatus::Fail), check("b", CheckStatus::Error)]);
        let Message::DqFailed(failed) = failed else { panic!("{failed:?}") };
        assert_eq!(failed.failure.message, "2 of 2 checks failed: RAW.BATCHES.a (3 rows); RAW.BATCHES.b (3 rows)");
        let many = vec![check("x", CheckStatus::Fail); 12];
        assert!(told(&many).ends_with(" and 2 more"));
    }
}
