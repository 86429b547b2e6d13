//! Rows that were set aside, shapes that changed, and how many rows there are.

use std::collections::HashMap;

use warehouse::sql;

use super::{Range, Reader};
use crate::report::bounds::{LISTED, RAW_CHARS, REJECT_GROUPS, REJECTS};
use crate::report::facts::{Reject, RejectGroup, Shape};

impl Reader<'_> {
    /// Rejected rows by file and reason, the most first.
    pub(super) async fn reject_groups(&mut self, range: Range) -> Vec<RejectGroup> {
        let sql = format!(
            "SELECT TABLE_NAME, SOURCE_FILE, REASON, COUNT(*) AS ROW_COUNT, MAX(REJECTED_AT) FROM RAW.REJECTED_ROWS \
            WHERE REJECTED_AT >= {} GROUP BY TABLE_NAME, SOURCE_FILE, REASON \
            ORDER BY ROW_COUNT DESC, TABLE_NAME, SOURCE_FILE, REASON LIMIT {}",
            sql::timestamp(range.0),
            REJECT_GROUPS + 1
        );
        let (rows, _) = self.rows("rejected rows", &sql, REJECT_GROUPS + 1).await;
        let groups = rows.into_iter().map(|mut row| RejectGroup {
            table: row.text(),
            file: row.text(),
            reason: row.text(),
            rows: row.number(),
            last_at: row.time(),
        });
        groups.collect()
    }

    /// The newest rejected rows themselves.
    pub(super) async fn rejects(&mut self, range: Range) -> Vec<Reject> {
        let sql = format!(
            "SELECT LOAD_ID, SOURCE_FILE, SOURCE_LINE, REASON, SUBSTR(RAW_TEXT, 1, {}), IS_TRUNCATED FROM RAW.REJECTED_ROWS \
            WHERE REJECTED_AT >= {} ORDER BY REJECTED_AT DESC, LOAD_ID, SOURCE_FILE, SOURCE_LINE LIMIT {REJECTS}",
            RAW_CHARS + 1,
            sql::timestamp(range.0)
        );
        let (rows, _) = self.rows("the first rejected rows", &sql, REJECTS).await;
        let rejects = rows.into_iter().map(|mut row| Reject {
            load_id: row.text(),
            file: row.text(),
            line: row.number(),
            reason: row.text(),
            raw: row.text(),
            is_truncated: row.flag(),
        });
        rejects.collect()
    }

    /// Changes of shape, newest first.
    pub(super) async fn shapes(&mut self, range: Range) -> Vec<Shape> {
        let sql = format!(
            "SELECT NOTED_AT, TABLE_NAME, SOURCE_FILE, CHANGE, COLUMN_NAME, POLICY FROM RAW.SCHEMA_CHANGES \
            WHERE NOTED_AT >= {} ORDER BY NOTED_AT DESC, TABLE_NAME, SOURCE_FILE, COLUMN_NAME LIMIT {}",
            sql::timestamp(range.0),
            LISTED + 1
        );
        let (rows, _) = self.rows("changes of shape", &sql, LISTED + 1).await;
        let shapes = rows.into_iter().map(|mut row| Shape {
            at: row.time(),
            table: row.text(),
            file: row.text(),
            change: row.text(),
            column: row.text(),
            policy: row.text(),
        });
        shapes.collect()
    }

    /// How many rows the tables and views have of these that there are, by schema and name in capitals.
    pub(super) async fn counts(&mut self, relations: &[(String, String)]) -> HashMap<(String, String), u64> {
        let there = "SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES \
            WHERE UPPER(TABLE_SCHEMA) <> 'INFORMATION_SCHEMA'";
        let (there, _) = self.rows("tables", there, 100_000).await;
        let mut there: Vec<(String, String)> = there.into_iter().map(|mut row| (row.text(), row.text())).collect();
        there.sort();
        let known =
            there.iter().filter(|(schema, name)| relations.contains(&(schema.to_uppercase(), name.to_uppercase())));
        let counts: Vec<String> = known
            .map(|(schema, name)| {
                // As the warehouse spells them.
                let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
                format!(
                    "SELECT {} AS S, {} AS N, COUNT(*) AS C FROM {}.{}",
                    sql::literal(&schema.to_uppercase()),
                    sql::literal(&name.to_uppercase()),
                    quoted(schema),
                    quoted(name)
                )
            })
            .collect();
        if counts.is_empty() {
            return HashMap::new();
        }
        let (rows, _) = self.rows("rows of tables", &counts.join(" UNION ALL "), counts.len()).await;
        rows.into_iter().map(|mut row| ((row.text(), row.text()), row.number())).collect()
    }
}
