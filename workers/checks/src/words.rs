//! Numbers for people.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};

/// `1 row`, `2 rows`.
pub(crate) fn rows(count: u64) -> String {
    if count == 1 { "1 row".into() } else { format!("{count} rows") }
}

/// A share as a percentage with up to four digits behind the point: `0.5 %`.
pub(crate) fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `10 of 2000 rows (0.5 %)`; where nothing is, only that.
pub(crate) fn part(count: u64, of: u64) -> String {
    if of == 0 {
        return "no rows to judge".into();
    }
    format!("{count} of {} ({})", rows(of), percent(share(count, of)))
}

/// Part of a whole, from 0 to 1. Where there is no whole, nothing of it is 0, and something is all.
pub(crate) fn share(count: u64, of: u64) -> f64 {
    if of == 0 { f64::from(u8::from(count > 0)) } else { count as f64 / of as f64 }
}

/// A number as it was written, without an empty fraction.
pub(crate) fn number(value: f64) -> String {
    format!("{value}")
}

/// A measured number with six digits that count: `80.1235`, `0.000123457`; whole numbers as they are.
pub(crate) fn rounded(value: f64) -> String {
    if !value.is_finite() || (value.fract() == 0.0 && value.abs() < 1e15) {
        return number(value);
    }
    let digits = 5 - value.abs().log10().floor() as i32;
    match digits {
        -9..=0 => format!("{value:.0}"),
        1..=20 => format!("{value:.*}", digits as usize).trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => format!("{value:.5e}"),
    }
}

/// `2026-11-23T12:00:00Z`.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An age in the unit that suits it: `40 min`, `3.5 h`, `12 d`.
pub(crate) fn age(age: TimeDelta) -> String {
    let hours = age.num_seconds() as f64 / 3600.0;
    match hours.abs() {
        ..1.0 => format!("{:.0} min", hours * 60.0),
        ..72.0 => format!("{hours:.1} h"),
        _ => format!("{:.0} d", hours / 24.0),
    }
}

/// Reads a date, a time without zone (UTC is meant) or RFC 3339.
pub(crate) fn moment(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let naive = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let time = naive.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let midnight = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    time.or_else(midnight).map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(part(10, 2000), "10 of 2000 rows (0.5 %)");
        assert_eq!(part(1, 1), "1 of 1 row (100 %)");
        assert_eq!(part(0, 0), "no rows to judge");
        assert_eq!((share(0, 0), share(300, 0), share(1, 4)), (0.0, 1.0, 0.25), "something of nothing is all of it");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(1.0 / 3.0), "33.3333 %");
        assert_eq!(number(1_000_000.0), "1000000");
        assert_eq!(number(-0.5), "-0.5");
        let values = [80.123_456_7, 1_234_567.0, -0.000_123_456_7, 2_000.0, 0.0, 1.5e300, 1_234_567.8];
        let texts = ["80.1235", "1234567", "-0.000123457", "2000", "0", "1.50000e300", "1234568"];
        assert_eq!(values.map(rounded), texts);
        assert_eq!(age(TimeDelta::minutes(40)), "40 min");
        assert_eq!(age(TimeDelta::minutes(210)), "3.5 h");
        assert_eq!(age(TimeDelta::days(12)), "12 d");
    }

    #[test]
    fn moments_are_read_as_people_and_warehouses_write_them() {
        let noon = moment("2026-11-23T12:00:00Z").unwrap();
        for text in
            ["2026-11-23 12:00", "2026-11-23 12:00:00", "2026-11-23 12:00:00.000000", "2026-11-23T13:00:00+01:00"]
        {
            assert_eq!(moment(text), Some(noon), "{text}");
        }
        assert_eq!(moment("2026-11-23").map(time).as_deref(), Some("2026-11-23T00:00:00Z"));
        assert_eq!(moment("23.11.2026"), None);
    }
}
