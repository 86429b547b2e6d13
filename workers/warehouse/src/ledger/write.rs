//! Audit lines as SQL.

use crate::layout::{AUDIT_TABLES, AuditTable};
use crate::sql::{literal, optional, timestamp};
use crate::{LoadLine, QualityLine, RejectedLine, ShapeLine, StageLine};

/// Lines in one statement.
pub(super) const LINES_PER_STATEMENT: usize = 200;
/// The text of the lines in one statement, a longer line alone excepted. Snowflake takes statements up to 1 MB.
const BYTES_PER_STATEMENT: usize = 500_000;

/// A line's table and its values, in the order of the table's columns.
pub(crate) trait AuditLine {
    /// The table.
    const TABLE: &'static AuditTable;
    /// The values as SQL.
    fn values(&self) -> Vec<String>;
}

/// The statements that append `lines`.
pub(crate) fn insert<L: AuditLine>(lines: &[L]) -> Vec<String> {
    insert_if(lines, |_| String::new())
}

/// The statement that appends `line` where `condition` holds.
pub(crate) fn insert_where<L: AuditLine>(line: &L, condition: &str) -> String {
    insert_if(std::slice::from_ref(line), |_| format!(" WHERE {condition}")).concat()
}

/// The statements that append `lines`; `condition` gives the WHERE of each by the lines before it.
pub(super) fn insert_if<L: AuditLine>(lines: &[L], condition: impl Fn(usize) -> String) -> Vec<String> {
    let names: Vec<_> = L::TABLE.columns.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    let statement = |rows: &[String], before: usize| {
        format!(
            "INSERT INTO RAW.{} ({names}) SELECT * FROM (VALUES {}) AS V ({names}){}",
            L::TABLE.name,
            rows.join(", "),
            condition(before)
        )
    };
    let (mut statements, mut rows, mut bytes, mut before) = (Vec::new(), Vec::new(), 0, 0);
    for line in lines {
        let row = format!("({})", line.values().join(", "));
        if !rows.is_empty() && (rows.len() == LINES_PER_STATEMENT || bytes + row.len() > BYTES_PER_STATEMENT) {
            statements.push(statement(&rows, before));
            before += rows.len();
            bytes = 0;
            rows.clear();
        }
        bytes += row.len();
        rows.push(row);
    }
    if !rows.is_empty() {
        statements.push(statement(&rows, before));
    }
    statements
}

impl AuditLine for LoadLine {
    const TABLE: &'static AuditTable = &AUDIT_TABLES[0];

    fn values(&self) -> Vec<String> {
        vec![
            literal(self.load_id.as_str()),
            literal(&self.command_id.to_string()),
            literal(&self.table.to_uppercase()),
            literal(&self.source),
            literal(&self.uri),
            optional(self.file_id.as_deref()),
            literal(self.status.as_str()),
            self.attempt.to_string(),
            self.rows_loaded.to_string(),
            self.rows_rejected.to_string(),
            self.bytes.to_string(),
            timestamp(self.modified_at),
            timestamp(self.as_of),
            timestamp(self.started_at),
            timestamp(self.finished_at),
            optional(self.error.as_deref()),
            literal(&self.trace_id),
            self.run_files.to_string(),
            self.table_files.to_string(),
            literal(&self.worker),
            optional(self.decided_by.as_deref()),
            optional(self.decided_why.as_deref()),
        ]
    }
}

impl AuditLine for StageLine {
    const TABLE: &'static AuditTable = &AUDIT_TABLES[1];

    fn values(&self) -> Vec<String> {
        vec![
            literal(self.load_id.as_str()),
            literal(self.stage.as_str()),
            literal(&self.message_id.to_string()),
            literal(self.status.as_str()),
            self.attempt.to_string(),
            timestamp(self.started_at),
            timestamp(self.finished_at),
            optional(self.error.as_deref()),
            literal(&self.announced.to_string()),
            literal(&self.trace_id),
            literal(&self.worker),
        ]
    }
}

impl AuditLine for QualityLine {
    const TABLE: &'static AuditTable = &AUDIT_TABLES[2];

    fn values(&self) -> Vec<String> {
        let outcome = &self.outcome;
        vec![
            literal(self.load_id.as_str()),
            literal(&outcome.check),
            literal(&outcome.table),
            literal(outcome.severity.as_str()),
            literal(outcome.status.as_str()),
            literal(&outcome.observed),
            literal(&outcome.expected),
            outcome.failed_rows.map_or_else(|| "CAST(NULL AS BIGINT)".into(), |rows| rows.to_string()),
            timestamp(self.checked_at),
            literal(&outcome.kind),
            match outcome.value.filter(|value| value.is_finite()) {
                // Written with an exponent, so that it is a DOUBLE on both and not a decimal of too many digits.
                Some(value) => format!("CAST({value:e} AS DOUBLE)"),
                None => "CAST(NULL AS DOUBLE)".into(),
            },
            literal(self.origin.as_str()),
        ]
    }
}

impl AuditLine for RejectedLine {
    const TABLE: &'static AuditTable = &AUDIT_TABLES[3];

    fn values(&self) -> Vec<String> {
        vec![
            literal(self.load_id.as_str()),
            literal(&self.command_id.to_string()),
            literal(&self.table),
            literal(&self.uri),
            self.line.to_string(),
            literal(&self.reason),
            literal(&self.raw),
            if self.truncated { "TRUE" } else { "FALSE" }.into(),
            timestamp(self.rejected_at),
        ]
    }
}

impl AuditLine for ShapeLine {
    const TABLE: &'static AuditTable = &AUDIT_TABLES[4];

    fn values(&self) -> Vec<String> {
        vec![
            literal(self.load_id.as_str()),
            literal(&self.command_id.to_string()),
            literal(&self.table),
            literal(&self.uri),
            literal(self.change.as_str()),
            literal(&self.column),
            literal(&self.policy),
            timestamp(self.noted_at),
        ]
    }
}
