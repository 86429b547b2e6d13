//! Whether a failure can be retried, and when: decided here and nowhere else. The one place that uses `backoff`.

use std::time::Duration;

use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff;
use messages::{Failure, FailureClass};

/// How often and how far apart a transient failure is tried again.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// Tries in all. After the last one a delivery is dead-lettered.
    pub max_attempts: u32,
    /// The first delay. Each further one is twice as long, each 20 % shorter or longer by chance.
    pub first_delay: Duration,
    /// The longest delay.
    pub max_delay: Duration,
}

impl RetryPolicy {
    /// When to try again after the `attempt`th try (from 1) failed. `None`: not at all, because it was the last try or
    /// the failure is not transient. With the default settings about 1, 2, 4 and 8 seconds, then it is dead.
    pub fn after(&self, attempt: u32, failure: &Failure) -> Option<Duration> {
        let again = failure.class == FailureClass::Transient && attempt < self.max_attempts;
        again.then(|| self.delay(attempt))
    }

    /// The delay after the `attempt`th try.
    pub fn delay(&self, attempt: u32) -> Duration {
        let mut backoff = ExponentialBackoffBuilder::new()
            .with_initial_interval(self.first_delay)
            .with_multiplier(2.0)
            .with_max_interval(self.max_delay)
            .with_randomization_factor(0.2)
            .with_max_elapsed_time(None)
            .build();
        // Beyond 32 doublings every delay is the longest one.
        let delays = (0..attempt.clamp(1, 32)).map_while(|_| backoff.next_backoff());
        delays.last().unwrap_or(self.max_delay).min(self.max_delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy { max_attempts: 5, first_delay: Duration::from_secs(1), max_delay: Duration::from_secs(60) }
    }

    #[test]
    fn delays_double_within_their_spread_and_stop_at_the_longest() {
        for (attempt, secs) in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0)] {
            let delay = policy().delay(attempt).as_secs_f64();
            assert!((secs * 0.8..=secs * 1.2).contains(&delay), "{attempt}: {delay}");
        }
        assert!(policy().delay(u32::MAX) <= Duration::from_secs(60));
    }

    #[test]
    fn only_transient_failures_are_tried_again_and_only_so_often() {
        assert!(policy().after(4, &Failure::transient("away")).is_some());
        assert!(policy().after(5, &Failure::transient("away")).is_none());
        assert!(policy().after(1, &Failure::permanent("bad")).is_none());
        assert!(policy().after(1, &Failure::fatal("wrong")).is_none());
    }
}
