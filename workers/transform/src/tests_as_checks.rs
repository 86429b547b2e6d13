//! dbt's tests as checks: they stand in the same audit as those of contracts, under each load that the build was for.

use chrono::{DateTime, Utc};
use messages::{CheckOutcome, CheckStatus, LoadId, Severity};
use warehouse::{QualityLine, QualityOrigin};

use crate::dbt::{BuildReport, NodeResult, NodeStatus};

/// The kind that they have in the audit.
const KIND: &str = "dbt";

/// What is said of a test whose relation dbt did not tell.
const SOME_TABLE: &str = "DBT";

/// The results of a build's tests. One that was skipped has none: what it looks at was not built.
pub(crate) fn outcomes(report: &BuildReport) -> Vec<CheckOutcome> {
    report.nodes.iter().filter(|node| node.is_test()).filter_map(outcome).collect()
}

/// The lines of the audit for one load.
pub(crate) fn lines(load_id: &LoadId, tests: &[CheckOutcome], checked_at: DateTime<Utc>) -> Vec<QualityLine> {
    let line = |outcome: &CheckOutcome| QualityLine {
        load_id: load_id.clone(),
        outcome: outcome.clone(),
        checked_at,
        origin: QualityOrigin::Dbt,
    };
    tests.iter().map(line).collect()
}

fn outcome(node: &NodeResult) -> Option<CheckOutcome> {
    let status = match node.status {
        NodeStatus::Pass | NodeStatus::Success => CheckStatus::Pass,
        NodeStatus::Warn => CheckStatus::Warn,
        NodeStatus::Fail => CheckStatus::Fail,
        NodeStatus::Error => CheckStatus::Error,
        NodeStatus::Skipped | NodeStatus::Selected => return None,
    };
    let is_warning = node.is_warning || status == CheckStatus::Warn;
    let rows = |rows: u64| if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
    Some(CheckOutcome {
        check: node.name.clone(),
        table: node.tested.as_deref().map_or_else(|| SOME_TABLE.into(), table),
        severity: if is_warning && status != CheckStatus::Fail { Severity::Warn } else { Severity::Error },
        status,
        observed: match (status, node.failures) {
            // Its message may quote a value of the data.
            (CheckStatus::Error, _) => {
                "could not be judged: dbt could not run the test; the transform's error says why".into()
            }
            (_, Some(failures)) => rows(failures),
            (_, None) => node.status.as_str().into(),
        },
        expected: "dbt's test finds no rows".into(),
        failed_rows: node.failures.filter(|_| status != CheckStatus::Error),
        kind: KIND.into(),
        value: node.failures.map(|rows| rows as f64),
    })
}

/// `CORE.CORE_BATCHES` of `"warehouse"."CORE"."core_batches"`.
fn table(relation: &str) -> String {
    let parts: Vec<&str> = relation.split('.').map(|part| part.trim_matches(['"', '`'])).collect();
    parts[parts.len().saturating_sub(2)..].join(".").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(status: NodeStatus, failures: Option<u64>, is_warning: bool) -> NodeResult {
        NodeResult {
            unique_id: "test.millrace.unique_core_batches_batch_id.1".into(),
            name: "unique_core_batches_batch_id".into(),
            resource_type: "test".into(),
            materialization: None,
            relation: None,
            status,
            started_at: None,
            finished_at: None,
            message: Some("Got 3 results, of 'Jane'".into()),
            failures,
            tested: Some("\"mill\".\"CORE\".\"core_batches\"".into()),
            is_warning,
        }
    }

    #[test]
    fn a_test_tells_what_a_check_tells_and_no_value() {
        let fail = outcome(&node(NodeStatus::Fail, Some(3), false));
        assert_eq!(
            fail,
            Some(CheckOutcome {
                check: "unique_core_batches_batch_id".into(),
                table: "CORE.CORE_BATCHES".into(),
                severity: Severity::Error,
                status: CheckStatus::Fail,
                observed: "3 rows".into(),
                expected: "dbt's test finds no rows".into(),
                failed_rows: Some(3),
                kind: "dbt".into(),
                value: Some(3.0),
            })
        );
        let seen = |status, failures, is_warning| {
            outcome(&node(status, failures, is_warning))
                .map(|outcome| (outcome.severity, outcome.status, outcome.failed_rows))
        };
        assert_eq!(seen(NodeStatus::Pass, Some(0), true), Some((Severity::Warn, CheckStatus::Pass, Some(0))));
        assert_eq!(seen(NodeStatus::Pass, Some(0), false), Some((Severity::Error, CheckStatus::Pass, Some(0))));
        assert_eq!(seen(NodeStatus::Warn, Some(1), true), Some((Severity::Warn, CheckStatus::Warn, Some(1))));
        assert_eq!(seen(NodeStatus::Skipped, None, false), None);
        let error = outcome(&node(NodeStatus::Error, None, false));
        assert!(error.is_some_and(|error| error.status == CheckStatus::Error && !error.observed.contains("Jane")));
        assert_eq!(table("MILL.STAGING.stg_materials"), "STAGING.STG_MATERIALS");
    }
}
