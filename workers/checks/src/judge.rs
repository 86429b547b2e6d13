//! Judging one table for one load.

use messages::{CheckOutcome, CheckStatus, Severity};
use warehouse::WarehouseError;

use crate::check::{Finding, Judgement, Measure, Measured};
use crate::deliveries::Subject;
use crate::plan::{PlannedCheck, TablePlan};
use crate::scan::{Scan, Scans};

/// The longest complaint of a warehouse that is kept.
const MAX_FAULT_CHARS: usize = 500;

/// Runs all checks of a table, in one statement if all of them can be run.
///
/// # Errors
/// The warehouse can't be used. A check whose own SQL fails is an outcome, not an error.
pub async fn judge(
    plan: &TablePlan,
    subject: &Subject<'_>,
    scans: &mut Scans<'_>,
) -> Result<Vec<CheckOutcome>, WarehouseError> {
    let wanted: Vec<Vec<Vec<Measure>>> = plan.checks.iter().map(|planned| planned.measures(subject)).collect();
    let together = Scan::of(&wanted.concat().concat());
    let row = if together.is_empty() { Ok(Vec::new()) } else { scans.run(&together).await? };
    let mut outcomes = Vec::with_capacity(wanted.len());
    for (planned, measures) in plan.checks.iter().zip(&wanted) {
        let alone = Scan::of(&measures.concat());
        let found = match &row {
            Ok(row) => found(planned, subject, &together, measures, row),
            // One of them spoilt it for all: which one shows when each is run alone.
            Err(_) if !alone.is_empty() => match scans.run(&alone).await? {
                Ok(row) => found(planned, subject, &alone, measures, &row),
                Err(why) => Found::unknown(planned, why),
            },
            Err(_) => found(planned, subject, &together, measures, &[]),
        };
        outcomes.push(found.outcome(planned, &plan.table.table));
    }
    Ok(outcomes)
}

/// What became of a check, and of which of its levels.
pub(crate) struct Found {
    severity: Severity,
    status: CheckStatus,
    finding: Result<Finding, String>,
}

/// What a check finds in the row of a scan: the gravest level that is broken, else the last one.
pub(crate) fn found(
    planned: &PlannedCheck,
    subject: &Subject<'_>,
    scan: &Scan,
    measures: &[Vec<Measure>],
    row: &[Option<String>],
) -> Found {
    let mut held = None;
    for (level, measures) in planned.levels.iter().zip(measures) {
        let values = measures.iter().map(|measure| scan.value(measure, row)).collect();
        let finding = level.check.judge(&Measured(values), subject);
        let status = match (finding.as_ref().map(|finding| finding.judgement), level.severity) {
            (Err(_), _) => CheckStatus::Error,
            (Ok(Judgement::Holds), _) => CheckStatus::Pass,
            (Ok(Judgement::NotJudged), _) | (Ok(Judgement::Broken), Severity::Warn) => CheckStatus::Warn,
            (Ok(Judgement::Broken), Severity::Error) => CheckStatus::Fail,
        };
        let found = Found { severity: level.severity, status, finding };
        if status != CheckStatus::Pass {
            return found;
        }
        held.get_or_insert(found);
    }
    held.unwrap_or_else(|| Found::unknown(planned, "the check has no level: a fault of millrace".into()))
}

impl Found {
    /// It could not be judged.
    pub(crate) fn unknown(planned: &PlannedCheck, why: String) -> Self {
        let level = &planned.levels[0];
        Self { severity: level.severity, status: CheckStatus::Error, finding: Err(why) }
    }

    /// The result, for the audit.
    pub(crate) fn outcome(self, planned: &PlannedCheck, table: &str) -> CheckOutcome {
        let (observed, failed_rows, value) = match self.finding {
            Ok(finding) => (finding.observed, finding.failed_rows, finding.value),
            Err(why) => (format!("could not be judged: {}", complaint(&why)), None, None),
        };
        CheckOutcome {
            check: planned.name.clone(),
            table: format!("RAW.{table}"),
            severity: self.severity,
            status: self.status,
            observed,
            expected: planned.expected(),
            failed_rows,
            kind: planned.kind.into(),
            value,
        }
    }
}

/// What the warehouse complains of, as far as it may be shown: DuckDB draws the statement below its complaint, and the first
/// line is what people need. A value of the data may hold quotes and line breaks itself, and a number stands without quotes: all
/// that follows is left out.
pub(crate) fn complaint(why: &str) -> String {
    let line = why.lines().next().unwrap_or_default();
    let at = [line.find('\''), line.find("with value ")].into_iter().flatten().min();
    let shown = at.map_or_else(|| line.to_owned(), |at| format!("{}…", &line[..at]));
    shown.chars().take(MAX_FAULT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn a_complaint_shows_no_value() {
        let why = "Conversion Error: Could not convert string 'Jane Doe' to INT32\nLINE 1: SELECT 'Jane Doe'";
        assert_eq!(complaint(why), "Conversion Error: Could not convert string …");
        assert_eq!(complaint("Could not convert string 'O'Brien, 4711' to INT32"), "Could not convert string …");
        assert_eq!(complaint("Type INT64 with value 99999999999 can't be cast"), "Type INT64 …");
        assert_eq!(complaint("column x is not there"), "column x is not there");
    }
}
