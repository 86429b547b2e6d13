//! The results that events report: tables, dbt nodes, checks.

use schemars::JsonSchema;
use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};

use crate::Failure;

/// What a load did to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableLoad {
    /// The source, as its contract names it.
    pub source: String,
    /// The table below `RAW` and (with `_RUN`) `RAW_RUN`, in capitals.
    pub table: String,
    /// Files loaded.
    pub files: u32,
    /// Rows that stand in the slice.
    pub rows_loaded: u64,
    /// Rows set aside.
    pub rows_rejected: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

impl TableLoad {
    /// Of a table into which nothing was loaded yet.
    pub fn of(source: impl Into<String>, table: impl Into<String>) -> Self {
        let (source, table) = (source.into(), table.into());
        Self { source, table, files: 0, rows_loaded: 0, rows_rejected: 0, bytes: 0 }
    }

    /// Counts one more file.
    pub fn add(&mut self, rows_loaded: u64, rows_rejected: u64, bytes: u64) {
        self.files += 1;
        self.rows_loaded += rows_loaded;
        self.rows_rejected += rows_rejected;
        self.bytes += bytes;
    }
}

/// A file that can't be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileFault {
    /// The file: its path below the raw folder.
    pub uri: String,
    /// Why.
    pub failure: Failure,
}

/// What became of one dbt node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeOutcome {
    /// dbt's unique id, such as `model.millrace.stg_batches`.
    pub unique_id: String,
    /// `model`, `test`, `snapshot`, `seed`.
    pub resource_type: String,
    /// dbt's word: `success`, `pass`, `warn`, `fail`, `error`, `skipped`; `selected` in a dry run.
    pub status: String,
    /// Time it ran, in seconds.
    #[serde(serialize_with = "finite")]
    pub elapsed_secs: f64,
    /// What dbt said about it, where it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// JSON has no infinity: serde would write `null`, which nobody could read again.
fn finite<S: Serializer>(secs: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if secs.is_finite() {
        serializer.serialize_f64(*secs)
    } else {
        Err(S::Error::custom(format!("a time of {secs} s can't be written as JSON")))
    }
}

/// A number that JSON can't hold is left out: it is what was seen in words that counts.
fn finite_or_none<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.filter(|value| value.is_finite()).serialize(serializer)
}

/// How much a failed check matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Shown, and passes.
    Warn,
    /// Fails the verdict.
    Error,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// As expected.
    Pass,
    /// Not as expected, at severity warn.
    Warn,
    /// Not as expected, at severity error.
    Fail,
    /// It could not be judged: its SQL failed.
    Error,
}

/// The verdict over all checks of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every check passed.
    Passed,
    /// Only checks of severity warn did not pass.
    Warned,
    /// A check of severity error did not pass.
    Failed,
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckOutcome {
    /// The check's name, unique within its table.
    pub check: String,
    /// The table it judged, with its schema.
    pub table: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it found.
    pub status: CheckStatus,
    /// What was seen, in words or numbers.
    pub observed: String,
    /// What was expected.
    pub expected: String,
    /// Rows that break it, where it counts rows.
    pub failed_rows: Option<u64>,
    /// The kind of check, such as `null_share`; `dbt` for a test of dbt's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The number that was measured, where there is one: what a later check compares with.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "finite_or_none")]
    pub value: Option<f64>,
}

impl Severity {
    /// As written in the audit: `WARN`, `ERROR`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl CheckStatus {
    /// As written in the audit: `PASS`, `WARN`, `FAIL`, `ERROR`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Error => "ERROR",
        }
    }
}

impl Verdict {
    /// The verdict over `checks`. No checks, no fault: `Passed`.
    pub fn over<'a>(checks: impl IntoIterator<Item = &'a CheckOutcome>) -> Self {
        checks.into_iter().fold(Self::Passed, |verdict, check| match (verdict, check.status) {
            (Self::Failed, _) | (_, CheckStatus::Fail | CheckStatus::Error) => Self::Failed,
            (Self::Warned, _) | (_, CheckStatus::Warn) => Self::Warned,
            _ => Self::Passed,
        })
    }

    /// As written in the audit: `PASSED`, `WARNED`, `FAILED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Warned => "WARNED",
            Self::Failed => "FAILED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: CheckStatus) -> CheckOutcome {
        CheckOutcome {
            check: "not_empty".into(),
            table: "RAW.BATCHES".into(),
            severity: Severity::Error,
            status,
            observed: "0".into(),
            expected: "> 0".into(),
            failed_rows: None,
            kind: String::new(),
            value: None,
        }
    }

    #[test]
    fn the_worst_check_decides() {
        use CheckStatus::{Error, Fail, Pass, Warn};
        for (statuses, verdict) in [
            (vec![], Verdict::Passed),
            (vec![Pass, Pass], Verdict::Passed),
            (vec![Pass, Warn, Pass], Verdict::Warned),
            (vec![Fail, Warn, Pass], Verdict::Failed),
            (vec![Warn, Error, Warn], Verdict::Failed),
        ] {
            let checks: Vec<_> = statuses.iter().copied().map(check).collect();
            assert_eq!(Verdict::over(&checks), verdict, "{statuses:?}");
        }
    }
}
