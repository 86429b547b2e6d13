//! `accepted_range {column, min, max}`: every value lies between two bounds, both included; one of them may be absent.
//! Numbers as bounds: values are read as numbers, and what is none is broken. Texts as bounds, such as "2010-01-01" or
//! "2026-11-23 12:00": values are read as points in time, UTC. A row without a value is not judged. Takes thresholds.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::each_value::EachValue;
use super::{moment_of, raw, text};
use crate::check::{Compile, Kind};
use crate::tolerance::Tolerance;
use crate::words::{moment, number, time};

pub(super) const KIND: Kind = Kind {
    name: "accepted_range",
    parameters: &["column", "min", "max", "max_failed_rows", "max_failed_share"],
    thresholds: &["max_failed_rows", "max_failed_share"],
    samples: true,
    no_gate: None,
    compile: COMPILE,
};

const COMPILE: Compile = |parameters, _| {
    let column = parameters.column("column")?;
    let (min, max) = (parameters.optional("min"), parameters.optional("max"));
    let bound = |name: &str, value: Option<&Value>| value.map(|value| Bound::read(name, value)).transpose();
    let (min, max) = (bound("min", min)?, bound("max", max)?);
    let tolerance = Tolerance::read(parameters)?;
    match (min, max) {
        (None, None) => Err("min and max are missing: give at least one of them".into()),
        (Some(Bound::Number(_)), Some(Bound::Time(_))) | (Some(Bound::Time(_)), Some(Bound::Number(_))) => {
            Err("min and max must both be numbers or both points in time".into())
        }
        (Some(min), Some(max)) if min > max => Err(format!("min {} is more than max {}", min.words(), max.words())),
        _ => {
            let range = Range { min, max };
            let (must, [plain, close]) = (range.must(), range.inside(&column));
            Ok(Box::new(EachValue { column, must, plain, close: Some(close), tolerance }))
        }
    }
};

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Bound {
    Number(f64),
    Time(DateTime<Utc>),
}

impl Bound {
    fn read(name: &str, value: &Value) -> Result<Self, String> {
        let bound = match value {
            Value::Number(number) => number.as_f64().filter(|number| number.is_finite()).map(Self::Number),
            Value::String(text) => moment(text).map(Self::Time),
            _ => None,
        };
        bound.ok_or_else(|| {
            format!("{name} must be a number, or a point in time such as \"2026-11-23 12:00\", not {value}")
        })
    }

    fn sql(self) -> String {
        match self {
            // `{:?}` keeps every digit, and writes large numbers with an exponent, which SQL knows too.
            Self::Number(number) => format!("{number:?}"),
            Self::Time(at) => warehouse::sql::timestamp(at),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Number(value) => number(value),
            Self::Time(at) => time(at),
        }
    }
}

struct Range {
    min: Option<Bound>,
    max: Option<Bound>,
}

impl Range {
    /// Conditions on rows as expected: as they stand, and as STAGING reads them.
    fn inside(&self, column: &str) -> [String; 2] {
        let (raw, text) = (raw(column), text(column));
        let (min, max) = self.bounds();
        let (plain, close) = match min.or(max) {
            // No number has a dash behind its beginning that could be taken for a time.
            Some(Bound::Time(_)) => {
                (format!("TRY_CAST(CASE WHEN {raw} LIKE '_%-%' THEN {raw} END AS TIMESTAMP)"), moment_of(&text))
            }
            _ => (format!("TRY_CAST({raw} AS DOUBLE)"), format!("TRY_CAST({text} AS DOUBLE)")),
        };
        let within = match (min, max) {
            (Some(min), Some(max)) => format!("BETWEEN {} AND {}", min.sql(), max.sql()),
            (Some(min), None) => format!(">= {}", min.sql()),
            (None, max) => format!("<= {}", max.map(Bound::sql).unwrap_or_default()),
        };
        [plain, close].map(|value| format!("{value} {within}"))
    }

    /// Both bounds. Numbers always get both, because DuckDB reads `nan` and `inf` as numbers, and takes NaN for the
    /// greatest of all.
    fn bounds(&self) -> (Option<Bound>, Option<Bound>) {
        match self.min.or(self.max) {
            Some(Bound::Number(_)) => {
                (self.min.or(Some(Bound::Number(f64::MIN))), self.max.or(Some(Bound::Number(f64::MAX))))
            }
            _ => (self.min, self.max),
        }
    }

    fn must(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("lies from {} to {}", min.words(), max.words()),
            (Some(min), None) => format!("is at least {}", min.words()),
            (None, max) => format!("is at most {}", max.map(Bound::words).unwrap_or_default()),
        }
    }
}
