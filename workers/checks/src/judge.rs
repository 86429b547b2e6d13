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
    let wanted: Vec<Vec<Measure>> = plan.checks.iter().map(|planned| planned.check.measures(subject)).collect();
    let together = Scan::of(&wanted.concat());
    let row = if wanted.iter().all(Vec::is_empty) { Ok(Vec::new()) } else { scans.run(&together).await? };
    let mut outcomes = Vec::with_capacity(wanted.len());
    for (planned, measures) in plan.checks.iter().zip(&wanted) {
        let found = match &row {
            Ok(row) => found(planned, subject, &together, measures, row),
            // One of them spoilt it for all: which one shows when each is run alone.
            Err(_) if !measures.is_empty() => {
                let alone = Scan::of(measures);
                match scans.run(&alone).await? {
                    Ok(row) => found(planned, subject, &alone, measures, &row),
                    Err(why) => Err(why),
                }
            }
            Err(_) => found(planned, subject, &together, measures, &[]),
        };
        outcomes.push(outcome(planned, &plan.table.table, found));
    }
    Ok(outcomes)
}

/// What a check finds in the row of a scan.
pub(crate) fn found(
    planned: &PlannedCheck,
    subject: &Subject<'_>,
    scan: &Scan,
    measures: &[Measure],
    row: &[Option<String>],
) -> Result<Finding, String> {
    let values = measures.iter().map(|measure| scan.value(measure, row)).collect();
    planned.check.judge(&Measured(values), subject)
}

/// A check's result, for the audit.
pub(crate) fn outcome(planned: &PlannedCheck, table: &str, found: Result<Finding, String>) -> CheckOutcome {
    let (status, observed, failed_rows) = match found {
        Ok(finding) => {
            let status = match (finding.judgement, planned.severity) {
                (Judgement::Holds, _) => CheckStatus::Pass,
                (Judgement::NotJudged, _) | (Judgement::Broken, Severity::Warn) => CheckStatus::Warn,
                (Judgement::Broken, Severity::Error) => CheckStatus::Fail,
            };
            (status, finding.observed, finding.failed_rows)
        }
        Err(why) => {
            // DuckDB draws the statement below its complaint; the first line is what people need.
            let why: String = why.lines().next().unwrap_or_default().chars().take(MAX_FAULT_CHARS).collect();
            (CheckStatus::Error, format!("could not be judged: {why}"), None)
        }
    };
    CheckOutcome {
        check: planned.name.clone(),
        table: format!("RAW.{table}"),
        severity: planned.severity,
        status,
        observed,
        expected: planned.check.expected(),
        failed_rows,
        kind: planned.kind.into(),
        value: None,
    }
}
