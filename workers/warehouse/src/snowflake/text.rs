//! Values of the service's JSON as text, written as DuckDB's are.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

/// What a column holds, as far as its text depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is text already.
    Plain,
    Boolean,
    /// Days since 1970.
    Date,
    /// Seconds since midnight.
    Time,
    /// Seconds since 1970.
    Timestamp,
    /// The same, shown with its zone, which is the session's: UTC.
    Instant,
    /// The same with an offset behind a blank: minutes east of Greenwich, and 1440.
    Zoned,
}

impl Kind {
    /// The kind that Snowflake calls `name`.
    pub(super) fn of(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp_ntz" => Self::Timestamp,
            "timestamp_ltz" => Self::Instant,
            "timestamp_tz" => Self::Zoned,
            _ => Self::Plain,
        }
    }
}

/// `value` as it is read by people.
pub(super) fn text(kind: Kind, value: String) -> Result<String, String> {
    let written = match kind {
        Kind::Plain => return Ok(value),
        Kind::Boolean => match value.as_str() {
            "1" | "true" | "TRUE" => Some("true".into()),
            "0" | "false" | "FALSE" => Some("false".into()),
            _ => None,
        },
        Kind::Date => date(&value),
        Kind::Time => moment(&value).map(|at| at.format("%H:%M:%S%.6f").to_string()),
        Kind::Timestamp => moment(&value).map(|at| at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()),
        Kind::Instant => moment(&value).map(|at| at.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string()),
        Kind::Zoned => zoned(&value),
    };
    written.ok_or_else(|| format!("a value of the result can't be understood: {kind:?} {value:?}"))
}

fn date(value: &str) -> Option<String> {
    let days = TimeDelta::try_days(value.parse().ok()?)?;
    Some(NaiveDate::default().checked_add_signed(days)?.to_string())
}

/// `seconds.nanoseconds`; before 1970 the whole is negative.
fn moment(value: &str) -> Option<DateTime<Utc>> {
    let (seconds, fraction) = value.split_once('.').unwrap_or((value, ""));
    let nanos: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let nanos = if value.starts_with('-') { -nanos } else { nanos };
    DateTime::from_timestamp(seconds.parse().ok()?, 0)?.checked_add_signed(TimeDelta::nanoseconds(nanos))
}

fn zoned(value: &str) -> Option<String> {
    let (at, offset) = value.split_once(' ')?;
    let zone = FixedOffset::east_opt((offset.parse::<i32>().ok()? - 1440).checked_mul(60)?)?;
    Some(moment(at)?.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%.6f%:z").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_people_read_them() {
        for (kind, value, expected) in [
            ("fixed", "1.50", "1.50"),
            ("boolean", "1", "true"),
            ("date", "20780", "2026-11-23"),
            ("date", "-1", "1969-12-31"),
            ("time", "43200.000001000", "12:00:00.000001"),
            ("timestamp_ntz", "1795435200.000001000", "2026-11-23 12:00:00.000001"),
            ("timestamp_ntz", "-0.500000000", "1969-12-31 23:59:59.500000"),
            ("timestamp_ltz", "1795435200", "2026-11-23 12:00:00.000000+00:00"),
            ("timestamp_tz", "1795435200.0 1500", "2026-11-23 13:00:00.000000+01:00"),
        ] {
            assert_eq!(text(Kind::of(kind), value.into()).as_deref(), Ok(expected), "{kind} {value}");
        }
        assert!(text(Kind::Date, "soon".into()).is_err());
    }
}
