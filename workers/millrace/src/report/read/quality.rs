//! What the checks found.

use std::collections::HashMap;

use warehouse::sql;

use super::{Range, Reader};
use crate::report::bounds::{BARS, CHECKS, RESULTS};
use crate::report::facts::{Check, CheckResult, Judged, Samples};

/// Checks of which results are read; those shown are chosen among them.
const KNOWN: usize = 5_000;
/// Tables whose checks are shown.
const TABLES: usize = 300;

impl Reader<'_> {
    /// By table, how the checks of its newest loads ended, the newest first.
    pub(super) async fn judged(&mut self, range: Range) -> Vec<Judged> {
        let sql = format!(
            "SELECT TABLE_NAME, LOAD_ID, CHECKS, NOT_PASSED, OLDEST FROM (SELECT TABLE_NAME, LOAD_ID, COUNT(*) AS CHECKS, \
            SUM(CASE WHEN STATUS = 'PASS' THEN 0 ELSE 1 END) AS NOT_PASSED, MIN(CHECKED_AT) AS OLDEST, \
            MAX(CHECKED_AT) AS NEWEST \
            FROM RAW.DATA_QUALITY_AUDIT WHERE CHECKED_AT >= {} GROUP BY TABLE_NAME, LOAD_ID) Q \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME ORDER BY NEWEST DESC) <= {} ORDER BY TABLE_NAME, NEWEST DESC",
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
            begun_at: row.time().unwrap_or_default(),
        });
        judged.collect()
    }

    /// The checks, those first that matter most now, and how many were left out.
    pub(super) async fn checks(&mut self, range: Range, judged: &[Judged]) -> (Vec<Check>, usize) {
        let newest = newest(judged);
        if newest.is_empty() {
            return (Vec::new(), 0);
        }
        let counts = self.check_counts(range).await;
        // Only of the newest loads: to put an audit of a million results in order would want more memory than it is given.
        let sql = format!(
            "SELECT TABLE_NAME, CHECK_NAME, KIND, COALESCE(ORIGIN, 'CONTRACT'), SEVERITY, STATUS, VALUE, \
            SUBSTR(OBSERVED, 1, 200), SUBSTR(EXPECTED, 1, 200), FAILED_ROWS, CHECKED_AT \
            FROM RAW.DATA_QUALITY_AUDIT WHERE {} ORDER BY TABLE_NAME, CHECK_NAME, 4, CHECKED_AT",
            newest.join(" OR ")
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
            match checks.last_mut() {
                Some(last) if (&last.table, &last.name, &last.origin) == (&table, &name, &origin) => {
                    (last.kind, last.severity) = (kind, severity);
                    last.results.push(result);
                }
                _ => {
                    let key = (table, name, origin);
                    let (count, not_passed) = counts.get(&key).copied().unwrap_or_default();
                    let (table, name, origin) = key;
                    checks.push(Check {
                        table,
                        name,
                        kind,
                        origin,
                        severity,
                        results: vec![result],
                        count,
                        not_passed,
                    });
                }
            }
        }
        for check in &mut checks {
            let old = check.results.len().saturating_sub(RESULTS);
            check.results.drain(..old);
        }
        checks.sort_by_key(|check| (std::cmp::Reverse(check.weight()), check.table.clone(), check.name.clone()));
        let more = checks.len().saturating_sub(CHECKS);
        checks.truncate(CHECKS);
        (checks, more)
    }

    /// How many results each check has, and how many did not pass.
    async fn check_counts(&mut self, range: Range) -> HashMap<(String, String, String), (u64, u64)> {
        let sql = format!(
            "SELECT TABLE_NAME, CHECK_NAME, COALESCE(ORIGIN, 'CONTRACT'), COUNT(*), \
            SUM(CASE WHEN STATUS = 'PASS' THEN 0 ELSE 1 END) FROM RAW.DATA_QUALITY_AUDIT WHERE CHECKED_AT >= {} \
            GROUP BY 1, 2, 3",
            sql::timestamp(range.0)
        );
        let (rows, _) = self.rows("results of checks", &sql, KNOWN * 10).await;
        let counts =
            rows.into_iter().map(|mut row| ((row.text(), row.text(), row.text()), (row.number(), row.number())));
        counts.collect()
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

/// For each table a condition on the results of its newest loads.
fn newest(judged: &[Judged]) -> Vec<String> {
    let mut conditions = Vec::new();
    for of_table in judged.chunk_by(|one, other| one.table == other.table).take(TABLES) {
        let first = of_table.iter().take(RESULTS).map(|of| of.begun_at).min().unwrap_or_default();
        conditions.push(format!(
            "(TABLE_NAME = {} AND CHECKED_AT >= {})",
            sql::literal(&of_table[0].table),
            sql::timestamp(first)
        ));
    }
    conditions
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
