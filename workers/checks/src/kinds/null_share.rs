//! `null_share {column, max}`: the share of rows without a value, from 0 to 1. Blanks alone are no value.

use super::{count_given, text};
use crate::check::{Check, Compile, Failing, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
use crate::words::{part, percent, share};

pub(super) const KIND: Kind = Kind {
    name: "null_share",
    parameters: &["column", "max"],
    thresholds: &["max"],
    samples: true,
    no_gate: None,
    compile: COMPILE,
};

const COMPILE: Compile =
    |parameters, _| Ok(Box::new(NullShare { column: parameters.column("column")?, max: parameters.share("max")? }));

#[derive(Debug)]
struct NullShare {
    column: String,
    max: f64,
}

impl Check for NullShare {
    fn expected(&self) -> String {
        match self.max {
            0.0 => format!("every row has {}", self.column),
            max => format!("{} is missing in at most {}", self.column, percent(max)),
        }
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        vec![Measure::over(subject, count_given(&self.column)), Measure::over(subject, "COUNT(*)")]
    }

    fn judge(&self, measured: &Measured<'_>, _: &Subject<'_>) -> Result<Finding, String> {
        let (given, rows) = (measured.count(0)?, measured.count(1)?);
        let missing = rows.saturating_sub(given);
        let missing_share = share(missing, rows);
        Ok(Finding::new(missing_share <= self.max, part(missing, rows)).rows(missing).of(missing_share))
    }

    fn failing(&self, subject: &Subject<'_>) -> Option<Failing> {
        Some(Failing::among(subject, &format!("{} IS NULL", text(&self.column))))
    }
}
