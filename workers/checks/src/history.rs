//! What is usual, learned from what was measured before.
//!
//! The middle is a median, and the spread is told by the median of the distances from it: both bear it that nearly half of what they
//! are made of is wrong, so an outlier does not teach that outliers are usual. That is why what was broken counts too: a change that
//! stays becomes usual once it fills half of the window, and nobody has to confirm it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};

/// What was measured of one load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// How new the load's data was.
    pub(crate) at: DateTime<Utc>,
    pub(crate) value: f64,
}

/// How what is usual is learned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lesson {
    /// Loads that must have been measured before one is judged.
    pub(crate) training_loads: usize,
    /// The newest loads that count.
    pub(crate) window_loads: usize,
    /// How many times the spread a value may be away from the middle.
    pub(crate) sensitivity: f64,
    /// The least distance that counts as a change.
    pub(crate) min_change: MinChange,
    /// Whether the days of the week differ.
    pub(crate) weekly: bool,
    /// Days that are not usual, and are neither judged nor learned from.
    pub(crate) except: BTreeSet<Day>,
}

/// The least distance that counts as a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MinChange {
    /// As a share of the middle.
    Share(f64),
    /// As it is.
    Absolute(f64),
}

/// A day: of one year, or of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Day {
    EachYear(u32, u32),
    Once(NaiveDate),
}

/// What may be said about a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Learned {
    /// Its day is one of the exceptions.
    Excepted,
    /// Too little was measured: so many of so many loads.
    Training { have: usize, need: usize, weekday: Option<Weekday> },
    /// What is usual.
    Usual { middle: f64, low: f64, high: f64, loads: usize },
}

/// Loads of one weekday without which that day can't be told from the others.
const LEAST_OF_A_WEEKDAY: usize = 3;

/// Makes the median distance of a normal distribution its standard deviation.
const NORMAL: f64 = 1.4826;

impl Day {
    /// `12-25` or `2026-04-06`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let once = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Self::Once);
        // A leap year, so that 02-29 is a day.
        let each = || NaiveDate::parse_from_str(&format!("2024-{text}"), "%Y-%m-%d").ok();
        once.or_else(|| each().map(|day| Self::EachYear(day.month(), day.day())))
    }

    fn is(self, at: DateTime<Utc>) -> bool {
        match self {
            Self::EachYear(month, day) => (at.month(), at.day()) == (month, day),
            Self::Once(date) => at.date_naive() == date,
        }
    }
}

impl Lesson {
    fn excepts(&self, at: DateTime<Utc>) -> bool {
        self.except.iter().any(|day| day.is(at))
    }

    /// What is usual at a time, by what was measured before it, in any order. `share_of`: the value is a share of so many rows,
    /// and the fewer they are, the more it varies by itself.
    pub(crate) fn learn(&self, before: &[Point], at: DateTime<Utc>, share_of: Option<u64>) -> Learned {
        if self.excepts(at) {
            return Learned::Excepted;
        }
        let mut points: Vec<Point> = before.iter().copied().filter(|point| !self.excepts(point.at)).collect();
        // Of those of one moment always the same ones, where only some are within the window.
        points.sort_by(|one, other| other.at.cmp(&one.at).then(other.value.total_cmp(&one.value)));
        points.truncate(self.window_loads);
        if points.len() < self.training_loads {
            return Learned::Training { have: points.len(), need: self.training_loads, weekday: None };
        }
        // Monday for all, where the days do not differ.
        let day = |at: DateTime<Utc>| if self.weekly { at.weekday() } else { Weekday::Mon };
        let mut days: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for point in &points {
            days.entry(day(point.at).num_days_from_monday()).or_default().push(point.value);
        }
        let own = days.get(&day(at).num_days_from_monday()).map_or(&[][..], Vec::as_slice);
        if self.weekly && own.len() < LEAST_OF_A_WEEKDAY {
            let weekday = Some(at.weekday());
            return Learned::Training { have: own.len(), need: LEAST_OF_A_WEEKDAY, weekday };
        }
        let middle = median(own.to_vec());
        // The middle of few values may lie beside that of all.
        let of_middle = (1.0 + std::f64::consts::FRAC_PI_2 / own.len() as f64).sqrt();
        let of_rows =
            share_of.filter(|rows| *rows > 0).map_or(0.0, |rows| (middle * (1.0 - middle) / rows as f64).sqrt());
        let distance = self.distance((self.spread(&days, middle) * of_middle).max(of_rows), middle);
        Learned::Usual { middle, low: middle - distance, high: middle + distance, loads: points.len() }
    }

    /// How far from the middle is usual.
    fn distance(&self, spread: f64, middle: f64) -> f64 {
        let least = match self.min_change {
            MinChange::Share(share) => share * middle.abs(),
            MinChange::Absolute(change) => change,
        };
        (spread * self.sensitivity).max(least)
    }

    /// How much a day differs from its like: each day's values are compared with that day's own middle, and all together tell
    /// it; where the least change is a share, as shares.
    fn spread(&self, days: &BTreeMap<u32, Vec<f64>>, middle: f64) -> f64 {
        let mut distances = Vec::new();
        for values in days.values().filter(|values| values.len() > 1) {
            let of_day = median(values.clone());
            let scale = match self.min_change {
                MinChange::Share(_) if of_day != 0.0 => (middle / of_day).abs(),
                _ => 1.0,
            };
            // A middle of few values lies close to them.
            let few = (values.len() as f64 / (values.len() - 1) as f64).sqrt();
            distances.extend(values.iter().map(|value| (value - of_day).abs() * scale * few));
        }
        median(distances) * NORMAL
    }
}

/// The middle value; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match (values.len() / 2, values.len() % 2) {
        (0, 0) => 0.0,
        (half, 0) => f64::midpoint(values[half - 1], values[half]),
        (half, _) => values[half],
    }
}

#[cfg(test)]
mod tests;
