//! Dry runs as people see them: what a command would do, and why it would fail.

use messages::{
    CheckOutcome, CheckStatus, DqDryRunCompleted, DqDryRunRequested, Failure, IngestDryRunCompleted,
    IngestDryRunRequested, Message, NodeOutcome, TransformDryRunCompleted, TransformDryRunRequested,
};

use crate::output::{self, counted, thousands};

/// The question instead of the command.
pub fn of(command: Message) -> Message {
    match command {
        Message::IngestRequested(command) => IngestDryRunRequested(command).into(),
        Message::TransformRequested(command) => TransformDryRunRequested(command).into(),
        Message::DqRequested(command) => DqDryRunRequested(command).into(),
        other => other,
    }
}

/// Whether it answers a dry run, so that no load is under way.
pub fn is_answer(message: &Message) -> bool {
    matches!(
        message,
        Message::IngestDryRunCompleted(_) | Message::TransformDryRunCompleted(_) | Message::DqDryRunCompleted(_)
    )
}

/// Why the command would fail.
pub fn failure(answer: &Message) -> Option<&Failure> {
    match answer {
        Message::IngestDryRunCompleted(told) => told.failure.as_ref(),
        Message::TransformDryRunCompleted(told) => told.failure.as_ref(),
        Message::DqDryRunCompleted(told) => told.failure.as_ref(),
        _ => None,
    }
}

/// The answer for people: the end in the first line, what there is to see in those below. `None` for any other message.
pub fn describe(answer: &Message) -> Option<String> {
    let (stage, end, details) = match answer {
        Message::IngestDryRunCompleted(told) => ("ingest", load(told), [faults(told), not_asked(told)].concat()),
        Message::TransformDryRunCompleted(told) => ("transform", build(told), models(&told.nodes)),
        Message::DqDryRunCompleted(told) => ("dq", verdict(told), broken(&told.checks)),
        _ => return None,
    };
    let mut lines = match failure(answer) {
        None => vec![format!("{} {end}", output::good(&format!("{stage} dry run:")))],
        Some(failure) => {
            vec![format!("{} {failure}", output::bad(&format!("{stage} dry run, would fail:"))), format!("  {end}")]
        }
    };
    lines.extend(details.into_iter().map(|detail| format!("  {detail}")));
    Some(lines.join("\n"))
}

fn load(told: &IngestDryRunCompleted) -> String {
    let table = |table: &messages::TableLoad| {
        let files = counted(usize::try_from(table.files).unwrap_or(usize::MAX), "file");
        format!("{} {} rows of {files}", table.table, thousands(table.rows_loaded))
    };
    match told.tables.as_slice() {
        [] => "would load nothing".into(),
        tables => format!("would load {}", tables.iter().map(table).collect::<Vec<_>>().join(", ")),
    }
}

fn faults(told: &IngestDryRunCompleted) -> Vec<String> {
    // Most reasons begin with the file's name.
    let told = told.faults.iter().map(|fault| match fault.failure.message.starts_with(&fault.uri) {
        true => fault.failure.message.clone(),
        false => format!("{}: {}", fault.uri, fault.failure.message),
    });
    told.collect()
}

/// What may object yet.
fn not_asked(told: &IngestDryRunCompleted) -> Vec<String> {
    match told.gates_not_asked.as_slice() {
        [] => Vec::new(),
        gates => vec![format!("not asked, and may hold it back: {}", gates.join(", "))],
    }
}

fn build(told: &TransformDryRunCompleted) -> String {
    let models = told.nodes.iter().filter(|node| node.resource_type == "model").count();
    match told.nodes.len() {
        0 => "would build nothing".into(),
        nodes => format!("would build {}, {} of them models", counted(nodes, "node"), models),
    }
}

fn models(nodes: &[NodeOutcome]) -> Vec<String> {
    let models = nodes.iter().filter(|node| node.resource_type == "model");
    models.map(|node| node.unique_id.rsplit('.').next().unwrap_or(&node.unique_id).to_owned()).collect()
}

fn verdict(told: &DqDryRunCompleted) -> String {
    match told.verdict {
        Some(verdict) => {
            format!("{} over {}", output::status(verdict.as_str()), counted(told.checks.len(), "check"))
        }
        None => "the checks could not run".into(),
    }
}

fn broken(checks: &[CheckOutcome]) -> Vec<String> {
    let broken = checks.iter().filter(|check| check.status != CheckStatus::Pass);
    let line = |check: &CheckOutcome| {
        let (status, expected) = (output::status(check.status.as_str()), &check.expected);
        format!("{status} {}.{}: {}; expected {expected}", check.table, check.check, check.observed)
    };
    broken.map(line).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use messages::{FileFault, LoadId, TableLoad};

    use super::*;

    #[test]
    fn what_would_be_loaded_and_what_would_not_is_told_line_by_line() {
        let fault = |uri: &str, message: &str| FileFault { uri: uri.into(), failure: Failure::permanent(message) };
        let table = TableLoad {
            source: "materials".into(),
            table: "MATERIALS".into(),
            files: 2,
            rows_loaded: 1234,
            rows_rejected: 0,
            bytes: 9,
        };
        let told = IngestDryRunCompleted {
            load_id: LoadId::new("a").unwrap(),
            as_of: chrono::Utc::now(),
            tables: vec![table],
            faults: vec![fault("b.csv", "b.csv: line 3: bad"), fault("c.csv", "no such luck")],
            gates_not_asked: vec!["MATERIALS.row_count".into(), "MATERIALS.unique".into()],
            failure: Some(Failure::permanent("2 of 4 files would fail")),
        };
        let plain = anstream::adapter::strip_str(&describe(&told.into()).unwrap()).to_string();
        let expected = "ingest dry run, would fail: 2 of 4 files would fail\n  would load MATERIALS 1,234 rows of 2 files\n  \
            b.csv: line 3: bad\n  c.csv: no such luck\n  not asked, and may hold it back: MATERIALS.row_count, MATERIALS.unique";
        assert_eq!(plain, expected);
    }
}
