//! Audit lines from a query's text.

use chrono::{DateTime, NaiveDateTime, Utc};
use messages::{CheckOutcome, CheckStatus, LoadId, MessageId, Severity, Stage};

use super::write::AuditLine;
use crate::{
    LoadLine, LoadStatus, QualityLine, QualityOrigin, RejectedLine, Rows, ShapeKind, ShapeLine, StageLine, StageStatus,
    WarehouseError,
};

/// A line that can be read back.
pub(super) trait ReadLine: AuditLine + Sized {
    /// Takes the values of one row, in the order of the table's columns.
    fn read(row: &mut Fields<'_>) -> Result<Self, String>;
}

/// The columns of a line's table, for a SELECT.
pub(super) fn columns<L: AuditLine>() -> String {
    L::TABLE.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Takes all rows as lines.
pub(super) fn lines<L: ReadLine>(rows: &Rows) -> Result<Vec<L>, WarehouseError> {
    let line = |row: &Vec<Option<String>>| {
        L::read(&mut Fields { values: row, at: 0 }).map_err(|why| {
            let table = L::TABLE.name;
            WarehouseError::Statement(format!("a line of RAW.{table} can't be understood: {why}"))
        })
    };
    rows.rows.iter().map(line).collect()
}

/// A row's values, taken one after the other.
pub(super) struct Fields<'a> {
    values: &'a [Option<String>],
    at: usize,
}

impl<'a> Fields<'a> {
    fn optional(&mut self) -> Option<&'a str> {
        self.at += 1;
        self.values.get(self.at - 1)?.as_deref()
    }

    /// A text; the warehouse may keep an empty one as NULL.
    fn text(&mut self) -> String {
        self.optional().unwrap_or_default().into()
    }

    fn parsed<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let at = self.at;
        let text = self.optional().unwrap_or_default();
        parse(text).ok_or_else(|| format!("column {} holds {text:?}", at + 1))
    }

    fn number<T: TryFrom<u64>>(&mut self) -> Result<T, String> {
        self.parsed(|text| T::try_from(text.parse().ok()?).ok())
    }

    fn time(&mut self) -> Result<DateTime<Utc>, String> {
        self.parsed(time)
    }

    fn load_id(&mut self) -> Result<LoadId, String> {
        self.parsed(|text| LoadId::new(text).ok())
    }

    fn message_id(&mut self) -> Result<MessageId, String> {
        self.parsed(MessageId::parse)
    }
}

/// A moment as a warehouse writes it: UTC, with a blank or a `T`, with or without a fraction.
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim_end_matches('Z').replacen('T', " ", 1);
    Some(NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").ok()?.and_utc())
}

impl ReadLine for LoadLine {
    fn read(row: &mut Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            load_id: row.load_id()?,
            command_id: row.message_id()?,
            table: row.text(),
            source: row.text(),
            uri: row.text(),
            file_id: row.optional().map(str::to_owned),
            status: row.parsed(LoadStatus::parse)?,
            attempt: row.number()?,
            rows_loaded: row.number()?,
            rows_rejected: row.number()?,
            bytes: row.number()?,
            modified_at: row.time()?,
            as_of: row.time()?,
            started_at: row.time()?,
            finished_at: row.time()?,
            error: row.optional().map(str::to_owned),
            trace_id: row.text(),
            run_files: row.number()?,
            table_files: row.number()?,
            worker: row.text(),
            decided_by: row.optional().map(str::to_owned),
            decided_why: row.optional().map(str::to_owned),
        })
    }
}

impl ReadLine for StageLine {
    fn read(row: &mut Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            load_id: row.load_id()?,
            stage: row.parsed(|text| text.parse::<Stage>().ok())?,
            message_id: row.message_id()?,
            status: row.parsed(StageStatus::parse)?,
            attempt: row.number()?,
            started_at: row.time()?,
            finished_at: row.time()?,
            error: row.optional().map(str::to_owned),
            announced: row.parsed(|text| serde_json::from_str(text).ok())?,
            trace_id: row.text(),
            worker: row.text(),
        })
    }
}

impl ReadLine for QualityLine {
    fn read(row: &mut Fields<'_>) -> Result<Self, String> {
        let load_id = row.load_id()?;
        let mut outcome = CheckOutcome {
            check: row.text(),
            table: row.text(),
            severity: row.parsed(severity)?,
            status: row.parsed(check_status)?,
            observed: row.text(),
            expected: row.text(),
            failed_rows: row.optional().and_then(|text| text.parse().ok()),
            kind: String::new(),
            value: None,
        };
        let checked_at = row.time()?;
        outcome.kind = row.text();
        outcome.value = row.optional().and_then(|text| text.parse().ok());
        // Lines of older versions have none: they are the contract's.
        let origin = row.optional().and_then(QualityOrigin::parse).unwrap_or(QualityOrigin::Contract);
        Ok(Self { load_id, outcome, checked_at, origin })
    }
}

impl ReadLine for RejectedLine {
    fn read(row: &mut Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            load_id: row.load_id()?,
            command_id: row.message_id()?,
            table: row.text(),
            uri: row.text(),
            line: row.number()?,
            reason: row.text(),
            raw: row.text(),
            truncated: row.parsed(|text| text.parse().ok())?,
            rejected_at: row.time()?,
        })
    }
}

impl ReadLine for ShapeLine {
    fn read(row: &mut Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            load_id: row.load_id()?,
            command_id: row.message_id()?,
            table: row.text(),
            uri: row.text(),
            change: row.parsed(ShapeKind::parse)?,
            column: row.text(),
            policy: row.text(),
            noted_at: row.time()?,
        })
    }
}

fn severity(text: &str) -> Option<Severity> {
    [Severity::Warn, Severity::Error].into_iter().find(|known| known.as_str() == text)
}

fn check_status(text: &str) -> Option<CheckStatus> {
    let all = [CheckStatus::Pass, CheckStatus::Warn, CheckStatus::Fail, CheckStatus::Error];
    all.into_iter().find(|known| known.as_str() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_both_warehouses_write_them() {
        let expected = time("2026-11-23 12:00:00.000001");
        assert!(expected.is_some());
        assert_eq!(time("2026-11-23T12:00:00.000001Z"), expected);
        assert_eq!(time("2026-11-23 12:00:00.000001000"), expected);
        assert_eq!(time("yesterday"), None);
    }
}
