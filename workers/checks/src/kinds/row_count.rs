//! `row_count {min, max}`: how many rows there are. At least one of the two must be given; both are included.

use crate::check::{Check, Compile, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
use crate::words::rows;

pub(super) const KIND: Kind = Kind {
    name: "row_count",
    parameters: &["min", "max"],
    thresholds: &["min", "max"],
    samples: false,
    no_gate: None,
    compile: COMPILE,
};

const COMPILE: Compile = |parameters, _| {
    let check = RowCount { min: parameters.optional_count("min")?, max: parameters.optional_count("max")? };
    match (check.min, check.max) {
        (None, None) => Err("min and max are missing: give at least one of them".into()),
        (Some(min), Some(max)) if min > max => Err(format!("min {min} is more than max {max}")),
        _ => Ok(Box::new(check)),
    }
};

#[derive(Debug)]
struct RowCount {
    min: Option<u64>,
    max: Option<u64>,
}

impl Check for RowCount {
    fn expected(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("from {min} to {}", rows(max)),
            (Some(min), None) => format!("at least {}", rows(min)),
            (None, max) => format!("at most {}", rows(max.unwrap_or(u64::MAX))),
        }
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        vec![Measure::over(subject, "COUNT(*)")]
    }

    fn judge(&self, measured: &Measured<'_>, _: &Subject<'_>) -> Result<Finding, String> {
        let count = measured.count(0)?;
        let holds = self.min.is_none_or(|min| count >= min) && self.max.is_none_or(|max| count <= max);
        Ok(Finding::new(holds, rows(count)).of(count as f64))
    }
}
