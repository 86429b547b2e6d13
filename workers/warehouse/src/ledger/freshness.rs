//! How fresh each source's data is.

use chrono::{DateTime, Utc};

use super::Ledger;
use super::read::time;
use crate::{Rows, WarehouseError};

/// How fresh a source's data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The source, as its contract names it.
    pub source: String,
    /// How new the data of its current load is; `None` while no load of it is complete.
    pub as_of: Option<DateTime<Utc>>,
    /// When a file of it was last loaded.
    pub loaded_at: DateTime<Utc>,
}

impl Ledger {
    /// How fresh the data of each source is of which a file was ever loaded.
    pub async fn freshness(&self) -> Result<Vec<Freshness>, WarehouseError> {
        let sql = "SELECT A.SOURCE_NAME, MAX(C.AS_OF), MAX(A.FINISHED_AT) FROM RAW.RAW_LOAD_AUDIT A \
            LEFT JOIN RAW.CURRENT_LOADS C ON C.TABLE_NAME = A.TABLE_NAME AND C.LOAD_ID = A.LOAD_ID \
            AND C.COMMAND_ID = A.COMMAND_ID \
            WHERE A.STATUS = 'SUCCESS' GROUP BY A.SOURCE_NAME ORDER BY A.SOURCE_NAME";
        freshness(&self.warehouse().query(sql, usize::MAX).await?)
    }
}

fn freshness(rows: &Rows) -> Result<Vec<Freshness>, WarehouseError> {
    let of_row = |row: &Vec<Option<String>>| {
        let value = |at: usize| row.get(at).and_then(Option::as_deref);
        Some(Freshness {
            source: value(0).unwrap_or_default().into(),
            as_of: value(1).and_then(time),
            loaded_at: time(value(2)?)?,
        })
    };
    rows.rows
        .iter()
        .map(|row| {
            of_row(row)
                .ok_or_else(|| WarehouseError::Statement(format!("the audit's times can't be understood: {row:?}")))
        })
        .collect()
}
