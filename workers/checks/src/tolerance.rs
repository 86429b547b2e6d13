//! How many rows may break a check.

use crate::check::Finding;
use crate::parameters::Parameters;
use crate::words::{part, percent, rows, share};

/// What a row check tolerates: `max_failed_rows`, `max_failed_share`, or nothing if neither is given. With both, neither
/// may be exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tolerance {
    max_rows: Option<u64>,
    max_share: Option<f64>,
}

impl Tolerance {
    /// Reads it from a check's parameters.
    pub(crate) fn read(parameters: &Parameters<'_>) -> Result<Self, String> {
        Ok(Self {
            max_rows: parameters.optional_count("max_failed_rows")?,
            max_share: parameters.optional_share("max_failed_share")?,
        })
    }

    /// Judges `failed` rows of the `judged` ones.
    pub(crate) fn judge(&self, failed: u64, judged: u64) -> Finding {
        let rows_hold = self.max_rows.is_none_or(|max| failed <= max);
        let share_holds = self.max_share.is_none_or(|max| share(failed, judged) <= max);
        let holds = match (self.max_rows, self.max_share) {
            (None, None) => failed == 0,
            _ => rows_hold && share_holds,
        };
        Finding::new(holds, part(failed, judged)).rows(failed).of(share(failed, judged))
    }

    /// What is expected of every row, and how many may break it.
    pub(crate) fn expected(&self, of_each: String) -> String {
        let some = [self.max_rows.map(rows), self.max_share.map(percent)];
        let some: Vec<String> = some.into_iter().flatten().collect();
        match some.is_empty() {
            true => of_each,
            false => format!("{of_each}, but for at most {}", some.join(" and ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::Judgement;

    fn holds(tolerance: Tolerance, failed: u64, judged: u64) -> bool {
        tolerance.judge(failed, judged).judgement == Judgement::Holds
    }

    #[test]
    fn without_thresholds_one_row_is_too_many() {
        assert!(holds(Tolerance::default(), 0, 10));
        assert!(!holds(Tolerance::default(), 1, 10_000));
    }

    #[test]
    fn neither_threshold_may_be_exceeded() {
        let both = Tolerance { max_rows: Some(5), max_share: Some(0.1) };
        assert!(holds(both, 5, 50));
        assert!(!holds(both, 6, 1_000));
        assert!(!holds(both, 5, 49));
        assert_eq!(both.expected("each is good".into()), "each is good, but for at most 5 rows and 10 %");
    }

    proptest! {
        #[test]
        fn fewer_broken_rows_never_turn_the_verdict_bad(
            max_rows: Option<u64>, max_share in proptest::option::of(0.0..=1.0f64), judged in 0..1_000u64, failed in 0..1_000u64,
        ) {
            let tolerance = Tolerance { max_rows, max_share };
            let failed = failed.min(judged);
            if holds(tolerance, failed, judged) {
                prop_assert!(holds(tolerance, failed.saturating_sub(1), judged));
            }
            prop_assert!(holds(tolerance, 0, judged));
        }
    }
}
