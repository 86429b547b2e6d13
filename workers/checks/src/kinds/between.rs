//! `sum_between {column, min, max}` and `mean_between {column, min, max}`: the sum or the mean of a column's numbers lies between
//! two bounds, both included; one of them may be absent. What is no number is left out and counted in what was seen:
//! `accepted_range` and `null_share` judge it. Where nothing is a number there is no mean, which is not as expected; the sum is 0.

use super::{count_if, number_in, text};
use crate::check::{Check, Compile, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
use crate::parameters::Parameters;
use crate::words::{number, rounded, rows};

pub(super) const SUM: Kind = Kind {
    name: "sum_between",
    parameters: PARAMETERS,
    thresholds: THRESHOLDS,
    samples: false,
    no_gate: None,
    compile: COMPILE_SUM,
};

pub(super) const MEAN: Kind = Kind {
    name: "mean_between",
    parameters: PARAMETERS,
    thresholds: THRESHOLDS,
    samples: false,
    no_gate: None,
    compile: COMPILE_MEAN,
};

const PARAMETERS: &[&str] = &["column", "min", "max"];
const THRESHOLDS: &[&str] = &["min", "max"];
const COMPILE_SUM: Compile = |parameters, _| Ok(Box::new(Between::read(parameters, false)?));
const COMPILE_MEAN: Compile = |parameters, _| Ok(Box::new(Between::read(parameters, true)?));

#[derive(Debug)]
struct Between {
    column: String,
    min: Option<f64>,
    max: Option<f64>,
    mean: bool,
}

impl Between {
    fn read(parameters: &Parameters<'_>, mean: bool) -> Result<Self, String> {
        let column = parameters.column("column")?;
        let (min, max) = (parameters.optional_number("min")?, parameters.optional_number("max")?);
        match (min, max) {
            (None, None) => Err("min and max are missing: give at least one of them".into()),
            (Some(min), Some(max)) if min > max => Err(format!("min {} is more than max {}", number(min), number(max))),
            _ => Ok(Self { column, min, max, mean }),
        }
    }

    fn what(&self) -> &'static str {
        if self.mean { "mean" } else { "sum" }
    }
}

impl Check for Between {
    fn expected(&self) -> String {
        let bounds = match (self.min, self.max) {
            (Some(min), Some(max)) => format!("from {} to {}", number(min), number(max)),
            (Some(min), None) => format!("at least {}", number(min)),
            (None, max) => format!("at most {}", max.map(number).unwrap_or_default()),
        };
        format!("the {} of {} is {bounds}", self.what(), self.column)
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let value = number_in(&self.column);
        let aggregate = if self.mean { format!("AVG({value})") } else { format!("COALESCE(SUM({value}), 0)") };
        let strange = count_if(&format!("{value} IS NULL AND {} IS NOT NULL", text(&self.column)));
        vec![Measure::over(subject, aggregate), Measure::over(subject, strange)]
    }

    fn judge(&self, measured: &Measured<'_>, _: &Subject<'_>) -> Result<Finding, String> {
        let strange = match measured.count(1)? {
            0 => String::new(),
            count => {
                format!("; {} no number", if count == 1 { "1 row has".into() } else { format!("{} have", rows(count)) })
            }
        };
        let Some(value) = measured.number(0)? else {
            return Ok(Finding::new(false, format!("{} has no numbers{strange}", self.column)));
        };
        let holds = self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max);
        Ok(Finding::new(holds, format!("{} {}{strange}", self.what(), rounded(value))).of(value))
    }
}
