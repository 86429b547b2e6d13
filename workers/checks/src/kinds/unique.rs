//! `unique {columns}`: no two rows have the same values in these columns together. Every row beyond the first of its kind
//! counts as broken; a row that lacks one of the values is not judged (`null_share` does that). `ignore_case` compares as
//! STAGING does: without surrounding blanks and in capitals. Takes thresholds.

use super::{count_given, count_if, given, raw, text, where_given};
use crate::check::{Check, Compile, Failing, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
use crate::tolerance::Tolerance;

pub(super) const KIND: Kind = Kind {
    name: "unique",
    parameters: &["columns", "ignore_case", "max_failed_rows", "max_failed_share"],
    thresholds: &["max_failed_rows", "max_failed_share"],
    samples: true,
    no_gate: None,
    compile: COMPILE,
};

const COMPILE: Compile = |parameters, _| {
    Ok(Box::new(Unique {
        columns: parameters.columns("columns")?,
        ignore_case: parameters.flag("ignore_case")?,
        tolerance: Tolerance::read(parameters)?,
    }))
};

#[derive(Debug)]
struct Unique {
    columns: Vec<String>,
    ignore_case: bool,
    tolerance: Tolerance,
}

impl Unique {
    /// A condition on rows that have a value in every column.
    fn whole(&self) -> String {
        let whole: Vec<String> = self.columns.iter().map(|name| given(name)).collect();
        whole.join(" AND ")
    }

    fn values(&self) -> String {
        self.columns.iter().map(|name| self.value(name)).collect::<Vec<_>>().join(", ")
    }

    fn value(&self, column: &str) -> String {
        if self.ignore_case { format!("UPPER({})", text(column)) } else { raw(column) }
    }
}

impl Check for Unique {
    fn expected(&self) -> String {
        self.tolerance.expected(format!("each row has another {}", self.columns.join(" and ")))
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        if let [only] = self.columns.as_slice() {
            // In the scan that all share, which costs less than grouping in one of its own.
            let different = format!("COUNT(DISTINCT {})", where_given(only, &self.value(only)));
            return vec![Measure::over(subject, different), Measure::over(subject, count_given(only))];
        }
        // Grouping rather than COUNT(DISTINCT …): that takes several columns on Snowflake only.
        let whole = self.whole();
        let from = format!("(SELECT 1 FROM {} R WHERE {whole} GROUP BY {}) D", subject.rows(), self.values());
        vec![Measure { value: "COUNT(*)".into(), from }, Measure::over(subject, count_if(&whole))]
    }

    fn judge(&self, measured: &Measured<'_>, _: &Subject<'_>) -> Result<Finding, String> {
        let (different, judged) = (measured.count(0)?, measured.count(1)?);
        Ok(self.tolerance.judge(judged.saturating_sub(different), judged))
    }

    fn failing(&self, subject: &Subject<'_>) -> Option<Failing> {
        let (rows, whole, values) = (subject.rows(), self.whole(), self.values());
        // Numbering all rows takes four times as long as finding first which values to number.
        Some(Failing::Rows(format!(
            "{rows} R WHERE {whole} AND ({values}) IN (SELECT {values} FROM {rows} R WHERE {whole} GROUP BY {values} HAVING COUNT(*) > 1) \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY {values} ORDER BY R.SOURCE_FILE, R.SOURCE_ROW) > 1"
        )))
    }
}
