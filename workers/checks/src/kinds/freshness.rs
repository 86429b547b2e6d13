//! `freshness {max_age_hours[, column]}`: the data is not older than so many hours.
//!
//! Without `column` it is about the source: how long ago, at the time of judging, the newest delivery's data was new (its
//! AS_OF: the file's modification time, or the run's date). A backfill or a late retry does not make a source stale, so
//! whichever load is judged, the newest one counts. A source that has never delivered is not fresh.
//!
//! With `column` it is about the delivery: how old the newest value of that column was when the delivery's data was new, so
//! that the verdict over the same rows is the same on any day. Values are read as points in time, UTC.

use chrono::{DateTime, TimeDelta, Utc};

use super::{moment_of, text};
use crate::check::{Check, Compile, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
use crate::words::{age, moment, number, time};

pub(super) const KIND: Kind = Kind {
    name: "freshness",
    parameters: &["max_age_hours", "column"],
    thresholds: &["max_age_hours"],
    samples: false,
    no_gate: Some(
        "a late delivery is still the newest there is, and holding it back makes the data older; leave gate out",
    ),
    compile: COMPILE,
};

/// A century. Whoever writes more means none.
const MAX_HOURS: f64 = 876_600.0;

const COMPILE: Compile = |parameters, _| {
    let max_age_hours = parameters.positive("max_age_hours", "hours")?;
    if max_age_hours > MAX_HOURS {
        return Err(format!("max_age_hours must be at most {MAX_HOURS}, a hundred years; leave the check out instead"));
    }
    Ok(Box::new(Freshness { max_age_hours, column: parameters.optional_column("column")? }))
};

#[derive(Debug)]
struct Freshness {
    max_age_hours: f64,
    column: Option<String>,
}

impl Freshness {
    fn judged(&self, what: &str, newest: DateTime<Utc>, at: DateTime<Utc>) -> Finding {
        // A clock that is ahead makes data from the future; it is not stale.
        let found = (at - newest).max(TimeDelta::zero());
        let max = TimeDelta::milliseconds((self.max_age_hours * 3_600_000.0) as i64);
        Finding::new(found <= max, format!("{what} is of {}, {} old", time(newest), age(found)))
            .of(found.num_milliseconds() as f64 / 3_600_000.0)
    }
}

impl Check for Freshness {
    fn expected(&self) -> String {
        match &self.column {
            None => format!("the newest delivery is at most {} h old", number(self.max_age_hours)),
            Some(column) => {
                format!("the newest {column} is at most {} h older than its delivery", number(self.max_age_hours))
            }
        }
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let newest = |column: &String| format!("CAST(MAX({}) AS VARCHAR)", moment_of(&text(column)));
        self.column.iter().map(|column| Measure::over(subject, newest(column))).collect()
    }

    fn judge(&self, measured: &Measured<'_>, subject: &Subject<'_>) -> Result<Finding, String> {
        let Some(column) = &self.column else {
            return Ok(match subject.newest() {
                Some(newest) => self.judged("the newest delivery", newest, subject.now()),
                None => Finding::new(false, "nothing was ever delivered"),
            });
        };
        let Some(as_of) = subject.as_of() else {
            return Ok(Finding::not_judged("nothing was ever delivered"));
        };
        let Some(newest) = measured.text(0) else {
            return Ok(Finding::new(false, format!("no {column} can be read as a point in time")));
        };
        let newest = moment(newest).ok_or_else(|| format!("the warehouse gave {newest:?} as a point in time"))?;
        Ok(self.judged(&format!("the newest {column}"), newest, as_of))
    }
}
