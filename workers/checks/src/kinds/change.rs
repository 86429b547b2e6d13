//! `change {metric, column}`: a number that is measured of each load is about what it was of the loads before: `row_count`,
//! `null_share`, `mean`, `sum` or `distinct` (how many different values). What is usual is learned (`history.rs`) from the
//! audit: the value of this check, of the newest line of each other load whose data is older. Loads that never became current are
//! no history. What was just measured of loads that are judged together counts as if it stood in the audit already.
//!
//! Until `training_loads` loads were measured it holds and says how many are missing.

use std::collections::HashMap;

use serde_json::Value;
use warehouse::sql::literal;

use super::{count_given, number_in, text};
use crate::check::{Check, Compile, Finding, Kind, Measure, Measured};
use crate::deliveries::{Subject, mark};
use crate::history::{Day, Learned, Lesson, MinChange, Point};
use crate::parameters::Parameters;
use crate::together::LEARNS;
use crate::words::{moment, number, percent, rounded, share};

pub(super) const KIND: Kind = Kind {
    name: LEARNS,
    parameters: &[
        "metric",
        "column",
        "training_loads",
        "window_loads",
        "sensitivity",
        "min_change",
        "season",
        "except",
    ],
    thresholds: &["sensitivity", "min_change"],
    samples: false,
    no_gate: None,
    compile: COMPILE,
};

const TRAINING_LOADS: u64 = 14;
const WINDOW_LOADS: u64 = 42;
/// The most that is read of the audit, for each check.
const MAX_WINDOW_LOADS: u64 = 400;
const SENSITIVITY: f64 = 4.0;

#[derive(Clone, Debug)]
enum Metric {
    RowCount,
    NullShare(String),
    Mean(String),
    Sum(String),
    Distinct(String),
}

#[derive(Debug)]
struct Change {
    /// The check's own, by which it finds itself in the audit.
    name: String,
    metric: Metric,
    lesson: Lesson,
}

const COMPILE: Compile = |parameters, scope| {
    let metric = parameters.text("metric", "row_count, null_share, mean, sum or distinct")?;
    let column = || parameters.column("column");
    let (metric, min_change) = match metric {
        "row_count" if parameters.optional("column").is_some() => {
            return Err("row_count is of no column; leave column out".into());
        }
        "row_count" => (Metric::RowCount, MinChange::Share(0.1)),
        "null_share" => (Metric::NullShare(column()?), MinChange::Absolute(0.01)),
        "mean" => (Metric::Mean(column()?), MinChange::Share(0.05)),
        "sum" => (Metric::Sum(column()?), MinChange::Share(0.1)),
        "distinct" => (Metric::Distinct(column()?), MinChange::Share(0.05)),
        other => return Err(format!("metric must be row_count, null_share, mean, sum or distinct, not {other:?}")),
    };
    let training = parameters.optional_count("training_loads")?.unwrap_or(TRAINING_LOADS);
    let window = parameters.optional_count("window_loads")?.unwrap_or(WINDOW_LOADS.max(training));
    if training < 3 || window < training || window > MAX_WINDOW_LOADS {
        return Err(format!(
            "training_loads must be at least 3, and window_loads from that to {MAX_WINDOW_LOADS}, not {training} and {window}"
        ));
    }
    let sensitivity = parameters.optional_number("sensitivity")?.unwrap_or(SENSITIVITY);
    if sensitivity <= 0.0 {
        return Err(format!(
            "sensitivity must be above 0, not {sensitivity}: 4 is calm, 3 finds more, and more that is nothing"
        ));
    }
    let weekly = match parameters.optional_text("season", "weekly")? {
        None => false,
        Some("weekly") => true,
        Some(other) => {
            return Err(format!("season must be weekly, not {other:?}; leave it out where the days are alike"));
        }
    };
    let min_change = match (min_change, parameters.optional_size("min_change")?) {
        (MinChange::Share(_), Some(given)) => MinChange::Share(given),
        (MinChange::Absolute(_), Some(given)) => MinChange::Absolute(given),
        (kept, None) => kept,
    };
    let lesson = Lesson {
        training_loads: training as usize,
        window_loads: window as usize,
        sensitivity,
        min_change,
        weekly,
        except: except(parameters)?.into_iter().collect(),
    };
    Ok(Box::new(Change { name: scope.name.into(), metric, lesson }))
};

fn except(parameters: &Parameters<'_>) -> Result<Vec<Day>, String> {
    let fault = |value: &Value| format!("except must list days, such as \"12-25\" or \"2026-04-06\", not {value}");
    match parameters.optional("except") {
        None => Ok(Vec::new()),
        Some(Value::Array(days)) => {
            days.iter().map(|day| day.as_str().and_then(Day::read).ok_or_else(|| fault(day))).collect()
        }
        Some(other) => Err(fault(other)),
    }
}

impl Metric {
    fn words(&self) -> String {
        match self {
            Self::RowCount => "the number of rows".into(),
            Self::NullShare(column) => format!("the share of rows without {column}"),
            Self::Mean(column) => format!("the mean of {column}"),
            Self::Sum(column) => format!("the sum of {column}"),
            Self::Distinct(column) => format!("the number of different {column}"),
        }
    }

    fn shown(&self, value: f64) -> String {
        match self {
            Self::NullShare(_) => percent(value),
            Self::RowCount | Self::Distinct(_) => number(value.round()),
            Self::Mean(_) | Self::Sum(_) => rounded(value),
        }
    }

    /// No count and no share is below 0, and no share above 1.
    fn limits(&self) -> (f64, f64) {
        match self {
            Self::RowCount | Self::Distinct(_) => (0.0, f64::MAX),
            Self::NullShare(_) => (0.0, 1.0),
            Self::Mean(_) | Self::Sum(_) => (f64::MIN, f64::MAX),
        }
    }

    fn measures(&self, subject: &Subject<'_>) -> [Measure; 2] {
        let rows = Measure::over(subject, "COUNT(*)");
        let value = match self {
            Self::RowCount => return [rows.clone(), rows],
            Self::NullShare(column) => count_given(column),
            Self::Mean(column) => format!("AVG({})", number_in(column)),
            Self::Sum(column) => format!("SUM({})", number_in(column)),
            Self::Distinct(column) => format!("COUNT(DISTINCT {})", text(column)),
        };
        [Measure::over(subject, value), rows]
    }

    /// The number; `None` where there is none.
    fn value(&self, measured: &Measured<'_>) -> Result<Option<f64>, String> {
        match self {
            Self::NullShare(_) => {
                let (given, rows) = (measured.count(0)?, measured.count(1)?);
                Ok(Some(share(rows.saturating_sub(given), rows)))
            }
            _ => measured.number(0),
        }
    }
}

impl Change {
    /// What was measured before, as one text: the same scan for all checks of this kind of a table.
    fn history(&self, subject: &Subject<'_>) -> Measure {
        let table = &subject.table().table;
        let older = match subject.as_of() {
            Some(as_of) => format!(" AND C.AS_OF < {}", warehouse::sql::timestamp(as_of)),
            None => String::new(),
        };
        let from = format!(
            "(SELECT N.CHECK_NAME, N.VALUE, N.AS_OF, N.LOAD_ID FROM (SELECT Q.CHECK_NAME, Q.VALUE, C.AS_OF, Q.LOAD_ID FROM RAW.DATA_QUALITY_AUDIT Q \
            JOIN RAW.COMPLETE_LOADS C ON C.LOAD_ID = Q.LOAD_ID AND C.TABLE_NAME = {} \
            WHERE Q.TABLE_NAME = {} AND Q.KIND = '{LEARNS}' AND Q.VALUE IS NOT NULL AND Q.LOAD_ID <> {}{older} \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY Q.CHECK_NAME, Q.LOAD_ID ORDER BY Q.CHECKED_AT DESC) = 1) N \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY N.CHECK_NAME ORDER BY N.AS_OF DESC) <= {MAX_WINDOW_LOADS}) H",
            literal(table),
            literal(&format!("RAW.{table}")),
            subject.load_id()
        );
        let value = format!(
            "LISTAGG(CASE WHEN H.CHECK_NAME = {} THEN CAST(H.AS_OF AS VARCHAR) || '=' || CAST(H.VALUE AS VARCHAR) || '=' || {} END, ';')",
            literal(&self.name),
            mark("H.LOAD_ID")
        );
        Measure { value, from }
    }

    fn finding(&self, value: Option<f64>, learned: Learned) -> Finding {
        let seen = value.map_or_else(|| "no numbers".into(), |value| self.metric.shown(value));
        let finding = match learned {
            Learned::Excepted => Finding::new(true, format!("{seen}; not judged on this day")),
            Learned::Training { have, need, weekday: None } => {
                Finding::new(true, format!("{seen}; training, {have} of {need} loads"))
            }
            Learned::Training { have, need, weekday: Some(day) } => {
                Finding::new(true, format!("{seen}; training, {have} of {need} loads on {day}"))
            }
            Learned::Usual { middle, low, high, loads } => {
                let (least, most) = self.metric.limits();
                let (low, high) = (low.max(least), high.min(most));
                let holds = value.is_some_and(|value| (low..=high).contains(&value));
                let [middle, low, high] = [middle, low, high].map(|value| self.metric.shown(value));
                Finding::new(holds, format!("{seen}; usual is {middle}, from {low} to {high} ({loads} loads)"))
            }
        };
        finding.of(value)
    }
}

impl Check for Change {
    fn expected(&self) -> String {
        let least = match self.lesson.min_change {
            MinChange::Share(least) => percent(least),
            MinChange::Absolute(least) => rounded(least),
        };
        let days = if self.lesson.weekly { " on that weekday" } else { "" };
        format!(
            "{} is about what it was{days}: within {} times the usual distance, or {least}",
            self.metric.words(),
            number(self.lesson.sensitivity)
        )
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let mut measures = self.metric.measures(subject).to_vec();
        measures.push(self.history(subject));
        measures.extend(subject.time_measure());
        measures
    }

    fn judge(&self, measured: &Measured<'_>, subject: &Subject<'_>) -> Result<Finding, String> {
        let value = self.metric.value(measured)?;
        let before: Option<HashMap<&str, Point>> =
            measured.text(2).unwrap_or_default().split(';').filter(|text| !text.is_empty()).map(point).collect();
        let mut before = before.ok_or("the audit's history can't be read")?;
        before.extend(subject.measured_together(&self.name));
        let before: Vec<Point> = before.into_values().collect();
        let at = subject.as_of().or_else(|| measured.text(3).and_then(moment)).unwrap_or_else(|| subject.now());
        let share_of = match self.metric {
            Metric::NullShare(_) => Some(measured.count(1)?),
            _ => None,
        };
        Ok(self.finding(value, self.lesson.learn(&before, at, share_of)))
    }
}

/// A load's mark, and what was measured of it.
fn point(text: &str) -> Option<(&str, Point)> {
    let mut parts = text.splitn(3, '=');
    let (at, value, mark) = (parts.next()?, parts.next()?, parts.next()?);
    Some((mark, Point { at: moment(at)?, value: value.parse().ok()? }))
}
