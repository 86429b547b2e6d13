//! Rows that did not pass a check: the one audit that shows data.

use chrono::{DateTime, Utc};
use messages::LoadId;
use serde::Serialize;

use super::read::time;
use super::write::AuditLine;
use super::{Ledger, of_load};
use crate::WarehouseError;
use crate::layout::{AUDIT_TABLES, AuditTable};
use crate::sql::{literal, optional, timestamp};

/// A line of `RAW.QUALITY_SAMPLES`: a row that did not pass a check. It shows data: for people who may see the table, and never
/// for events, logs or errors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampleLine {
    /// The load that was judged.
    pub load_id: LoadId,
    /// The check.
    pub check: String,
    /// The table it judged, with its schema.
    pub table: String,
    /// The file that the row stands in, where the check tells.
    pub source_file: Option<String>,
    /// The row's number in that file, from 1.
    pub source_row: Option<u64>,
    /// The row as a JSON object of its columns, long values cut.
    pub row: String,
    /// When the check's line was written.
    pub checked_at: DateTime<Utc>,
}

impl AuditLine for SampleLine {
    const TABLE: &'static AuditTable = &AUDIT_TABLES[5];

    fn values(&self) -> Vec<String> {
        vec![
            literal(self.load_id.as_str()),
            literal(&self.check),
            literal(&self.table),
            optional(self.source_file.as_deref()),
            self.source_row.map_or_else(|| "CAST(NULL AS BIGINT)".into(), |row| row.to_string()),
            literal(&self.row),
            timestamp(self.checked_at),
        ]
    }
}

impl Ledger {
    /// Rows of a load that did not pass, as they were when each check was last judged and did not pass: by table, check, file and row.
    pub async fn samples(&self, load_id: &LoadId) -> Result<Vec<SampleLine>, WarehouseError> {
        let sql = format!(
            "SELECT CHECK_NAME, TABLE_NAME, SOURCE_FILE, SOURCE_ROW, ROW_DATA, CHECKED_AT FROM RAW.QUALITY_SAMPLES {} \
            QUALIFY RANK() OVER (PARTITION BY TABLE_NAME, CHECK_NAME ORDER BY CHECKED_AT DESC) = 1 \
            ORDER BY TABLE_NAME, CHECK_NAME, SOURCE_FILE, SOURCE_ROW",
            of_load(load_id)
        );
        let line = |row: Vec<Option<String>>| {
            let [check, table, source_file, source_row, data, checked_at] = row.try_into().ok()?;
            Some(SampleLine {
                load_id: load_id.clone(),
                check: check.unwrap_or_default(),
                table: table.unwrap_or_default(),
                source_file,
                source_row: source_row.and_then(|row| row.parse().ok()),
                row: data.unwrap_or_default(),
                checked_at: time(&checked_at?)?,
            })
        };
        let rows = self.warehouse().query(&sql, usize::MAX).await?.rows;
        let lines: Option<Vec<SampleLine>> = rows.into_iter().map(line).collect();
        // Without its contents, which are data.
        lines.ok_or_else(|| WarehouseError::Statement("a line of RAW.QUALITY_SAMPLES can't be understood".into()))
    }
}
