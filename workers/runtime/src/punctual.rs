//! How a source stands with the deliveries that its contract expects.

use chrono::{DateTime, TimeDelta, Utc};

use crate::Arrival;

/// Whether a source's newest delivery is new enough.
///
/// How new a delivery is, is the AS_OF of the load that is current: the file's modification time, or the run's date. Not when it
/// came: a backfill, a reload and a replayed dead letter come today and bring nothing new, and after an outage of the platform
/// everything would seem to be of today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Punctuality {
    /// The next delivery is expected by `expected_at`, or is not late enough yet to be called so.
    InTime {
        /// By when it is expected.
        expected_at: DateTime<Utc>,
    },
    /// A delivery did not come.
    Late {
        /// By when the first one was expected that did not come.
        since: DateTime<Utc>,
        /// By when the last one was expected that did not come: the same, or that of a later one.
        missed_at: DateTime<Utc>,
    },
}

impl Punctuality {
    /// How it stands at `now`, if the newest delivery is as new as `newest`. `None`: the contract's numbers say no time.
    pub fn at(now: DateTime<Utc>, newest: DateTime<Utc>, arrival: Arrival) -> Option<Self> {
        let every = hours(arrival.every_hours).filter(|every| *every > TimeDelta::zero())?;
        let grace = hours(arrival.grace_hours)?;
        let expected_at = newest.checked_add_signed(every)?;
        let late = now.signed_duration_since(expected_at.checked_add_signed(grace)?);
        if late < TimeDelta::zero() {
            return Some(Self::InTime { expected_at });
        }
        let more = late.num_milliseconds() / every.num_milliseconds();
        let missed_at = expected_at
            .checked_add_signed(TimeDelta::try_milliseconds(more.checked_mul(every.num_milliseconds())?)?)?;
        Some(Self::Late { since: expected_at, missed_at })
    }

    /// Since when it is late.
    pub fn late_since(self) -> Option<DateTime<Utc>> {
        match self {
            Self::InTime { .. } => None,
            Self::Late { since, .. } => Some(since),
        }
    }
}

/// From when on a source is expected that never delivered, for somebody who begins to look at `now`: the next full multiple of
/// its hours since 1970. So that all who look say the same, whenever each of them began.
pub fn expected_from(now: DateTime<Utc>, arrival: Arrival) -> Option<DateTime<Utc>> {
    let every = hours(arrival.every_hours)?.num_milliseconds();
    let passed = now.timestamp_millis().checked_rem_euclid(every)?;
    now.timestamp_millis().checked_add(every - passed).and_then(DateTime::from_timestamp_millis)
}

/// To the millisecond.
fn hours(hours: f64) -> Option<TimeDelta> {
    let millis = (hours * 3_600_000.0).round();
    // A cast saturates, and what is too long for a duration is refused by it. NaN fails the comparison.
    #[allow(clippy::cast_possible_truncation)]
    (millis >= 0.0).then(|| TimeDelta::try_milliseconds(millis as i64)).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(hours: f64) -> DateTime<Utc> {
        #[allow(clippy::cast_possible_truncation)]
        DateTime::from_timestamp_millis(1_795_435_200_000 + (hours * 3_600_000.0) as i64).unwrap()
    }

    const DAILY: Arrival = Arrival { every_hours: 24.0, grace_hours: 2.0 };

    #[test]
    fn grace_delays_the_word_and_not_the_expectation() {
        let look = |now| Punctuality::at(at(now), at(0.0), DAILY).unwrap();
        for in_time in [-5.0, 0.0, 24.0, 25.999] {
            assert_eq!(look(in_time), Punctuality::InTime { expected_at: at(24.0) }, "{in_time}");
        }
        for late in [26.0, 48.0, 49.999] {
            assert_eq!(look(late), Punctuality::Late { since: at(24.0), missed_at: at(24.0) }, "{late}");
        }
        assert_eq!(look(50.0), Punctuality::Late { since: at(24.0), missed_at: at(48.0) }, "the next one too");
        assert_eq!(look(2_426.0), Punctuality::Late { since: at(24.0), missed_at: at(2_424.0) });
    }

    #[test]
    fn numbers_that_say_no_time_expect_nothing() {
        for every_hours in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-9] {
            let arrival = Arrival { every_hours, grace_hours: 0.0 };
            assert_eq!(Punctuality::at(at(1.0), at(0.0), arrival), None, "{every_hours}");
        }
        for every_hours in [0.0, f64::NAN, 1e300, 1e-9] {
            assert_eq!(expected_from(at(0.0), Arrival { every_hours, grace_hours: 0.0 }), None, "{every_hours}");
        }
        assert_eq!(Punctuality::at(at(1.0), at(0.0), Arrival { every_hours: 1.0, grace_hours: f64::NAN }), None);
    }

    #[test]
    fn all_who_begin_to_look_within_a_period_expect_from_one_time_on() {
        let from = |now| expected_from(at(now), DAILY).unwrap();
        assert_eq!(from(1.0), from(7.5));
        assert!(from(1.0) > at(1.0) && from(1.0) <= at(25.0));
    }
}
