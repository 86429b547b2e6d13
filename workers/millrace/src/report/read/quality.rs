//! What the checks found.

use warehouse::sql;

use super::{Range, Reader};
use crate::report::bounds::{BARS, CHECKS, RESULTS};
use crate::report::facts::{Check, CheckResult, Judged, Samples};

/// Checks of which results are read; those shown are chosen among them.
const KNOWN: usize = 5_000;

impl Reader<'_> {
    /// By table, how the checks of its newest loads ended.
    pub(super) async fn judged(&mut self, range: Range) -> Vec<Judged> {
        let sql = format!(
            "SELECT TABLE_NAME, LOAD_ID, CHECKS, NOT_PASSED FROM (SELECT TABLE_NAME, LOAD_ID, COUNT(*) AS CHECKS, \
            SUM(CASE WHEN STATUS = 'PASS' THEN 0 ELSE 1 END) AS NOT_PASSED, MAX(CHECKED_AT) AS NEWEST \
            FROM RAW.DATA_QUALITY_AUDIT WHERE CHECKED_AT >= {} GROUP BY TABLE_NAME, LOAD_ID) Q \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME ORDER BY NEWEST DESC) <= {}",
            sql::timestamp(range.0),
            // A load is judged again by `trigger dq` under other LOAD_IDs.
            3 * BARS
        );
        let (rows, _) = self.rows("verdicts of checks", &sql, KNOWN * 10).await;
        let judged = rows.into_iter().map(|mut row| Judged {
            table: row.text(),
            load_id: row.text(),
            checks: row.number(),
            not_passed: row.number(),
        });
        judged.collect()
    }

    /// The checks, those first that matter most now, and how many were left out.
    pub(super) async fn checks(&mut self, range: Range) -> (Vec<Check>, usize) {
        let sql = format!(
            "SELECT TABLE_NAME, CHECK_NAME, KIND, ORIGIN, SEVERITY, STATUS, VALUE, SUBSTR(OBSERVED, 1, 200), \
            SUBSTR(EXPECTED, 1, 200), FAILED_ROWS, CHECKED_AT, \
            COUNT(*) OVER (PARTITION BY TABLE_NAME, CHECK_NAME, ORIGIN) AS RESULTS, \
            SUM(CASE WHEN STATUS = 'PASS' THEN 0 ELSE 1 END) OVER (PARTITION BY TABLE_NAME, CHECK_NAME, ORIGIN) AS NOT_PASSED \
            FROM RAW.DATA_QUALITY_AUDIT WHERE CHECKED_AT >= {} \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME, CHECK_NAME, ORIGIN ORDER BY CHECKED_AT DESC) <= {RESULTS} \
            ORDER BY TABLE_NAME, CHECK_NAME, ORIGIN, CHECKED_AT",
            sql::timestamp(range.0)
        );
        let (rows, _) = self.rows("checks", &sql, KNOWN * RESULTS).await;
        let mut checks: Vec<Check> = Vec::new();
        for mut row in rows {
            let (table, name, kind, origin, severity) =
                (row.text(), row.text(), row.text(), row.text(), row.text().to_lowercase());
            let result = CheckResult {
                status: row.text(),
                value: row.value(),
                observed: row.text(),
                expected: row.text(),
                failed_rows: row.optional().and_then(|rows| rows.parse().ok()),
                at: row.time().unwrap_or_default(),
            };
            let (count, not_passed) = (row.number(), row.number());
            match checks.last_mut() {
                Some(last) if (&last.table, &last.name, &last.origin) == (&table, &name, &origin) => {
                    (last.kind, last.severity) = (kind, severity);
                    last.results.push(result);
                }
                _ => {
                    checks.push(Check { table, name, kind, origin, severity, results: vec![result], count, not_passed })
                }
            }
        }
        checks.sort_by_key(|check| (std::cmp::Reverse(check.weight()), check.table.clone(), check.name.clone()));
        let more = checks.len().saturating_sub(CHECKS);
        checks.truncate(CHECKS);
        (checks, more)
    }

    /// Failing rows that were kept.
    pub(super) async fn samples(&mut self, range: Range) -> Vec<Samples> {
        let sql = format!(
            "SELECT TABLE_NAME, CHECK_NAME, COUNT(*), COUNT(DISTINCT LOAD_ID) FROM RAW.QUALITY_SAMPLES \
            WHERE CHECKED_AT >= {} GROUP BY TABLE_NAME, CHECK_NAME ORDER BY 3 DESC, 1, 2 LIMIT 100",
            sql::timestamp(range.0)
        );
        let (rows, _) = self.rows("samples of failing rows", &sql, 100).await;
        let samples = rows.into_iter().map(|mut row| Samples {
            table: row.text(),
            check: row.text(),
            rows: row.number(),
            loads: row.number(),
        });
        samples.collect()
    }
}

impl Check {
    /// How much it is worth to be looked at: how it stands now, and whether it ever broke.
    fn weight(&self) -> (u8, bool) {
        let now = match self.results.last().map(|result| result.status.as_str()) {
            Some("ERROR") => 3,
            Some("FAIL") => 2,
            Some("WARN") => 1,
            _ => 0,
        };
        (now, self.not_passed > 0)
    }
}
