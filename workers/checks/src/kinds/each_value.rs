//! What the kinds share that look at each value of a column by itself: which rows are at fault, and how many may be.

use super::{count_if, given};
use crate::check::{Check, Failing, Finding, Measure, Measured};
use crate::deliveries::Subject;
use crate::tolerance::Tolerance;

/// A check of each value of a column. A row without a value is not judged.
#[derive(Debug)]
pub(super) struct EachValue {
    pub(super) column: String,
    /// What is expected, in words that go on from `each <column>`.
    pub(super) must: String,
    /// A condition on rows at fault.
    pub(super) fault: String,
    pub(super) tolerance: Tolerance,
}

impl Check for EachValue {
    fn expected(&self) -> String {
        self.tolerance.expected(format!("each {} {}", self.column, self.must))
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let judged = count_if(&given(&self.column));
        vec![Measure::over(subject, count_if(&self.fault)), Measure::over(subject, judged)]
    }

    fn judge(&self, measured: &Measured<'_>, _: &Subject<'_>) -> Result<Finding, String> {
        Ok(self.tolerance.judge(measured.count(0)?, measured.count(1)?))
    }

    fn failing(&self, subject: &Subject<'_>) -> Option<Failing> {
        Some(Failing::among(subject, &self.fault))
    }
}
