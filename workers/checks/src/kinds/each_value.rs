//! What the kinds share that look at each value of a column by itself: which rows are at fault, and how many may be.

use super::text;
use crate::check::{Check, Failing, Finding, Measure, Measured};
use crate::deliveries::Subject;
use crate::tolerance::Tolerance;

/// What a row at fault counts beside the one that each row with a value counts: more than a table has rows.
const FAULT: u128 = 1_000_000_000_000;

/// A check of each value of a column. A row without a value is not judged.
#[derive(Debug)]
pub(super) struct EachValue {
    pub(super) column: String,
    /// What is expected, in words that go on from `each <column>`.
    pub(super) must: String,
    /// A condition on rows that are as expected, as they stand in the file: most are, and are looked at no further.
    pub(super) plain: String,
    /// A condition on rows that are as expected, if looked at more closely.
    pub(super) close: Option<String>,
    pub(super) tolerance: Tolerance,
}

impl EachValue {
    /// One of three values for each row.
    fn by_row(&self, as_expected: &str, missing: &str, fault: &str) -> String {
        let close = self.close.as_ref().map(|close| format!("WHEN {close} THEN {as_expected} ")).unwrap_or_default();
        format!(
            "CASE WHEN {} THEN {as_expected} WHEN {} IS NULL THEN {missing} {close}ELSE {fault} END",
            self.plain,
            text(&self.column)
        )
    }
}

impl Check for EachValue {
    fn expected(&self) -> String {
        self.tolerance.expected(format!("each {} {}", self.column, self.must))
    }

    /// One sum for both numbers, so that each value is read once. As text: it may have more than 64 bits.
    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let both = self.by_row("1", "0", &(FAULT + 1).to_string());
        vec![Measure::over(subject, format!("CAST(COALESCE(SUM({both}), 0) AS VARCHAR)"))]
    }

    fn judge(&self, measured: &Measured<'_>, _: &Subject<'_>) -> Result<Finding, String> {
        let text = measured.text(0).ok_or("the warehouse gave no count")?;
        let both: u128 = text.parse().map_err(|_| format!("the warehouse gave {text:?} as a count"))?;
        let count = |count: u128| u64::try_from(count).map_err(|_| format!("the warehouse gave {text:?} as a count"));
        Ok(self.tolerance.judge(count(both / FAULT)?, count(both % FAULT)?))
    }

    fn failing(&self, subject: &Subject<'_>) -> Option<Failing> {
        Some(Failing::among(subject, &self.by_row("FALSE", "FALSE", "TRUE")))
    }
}
