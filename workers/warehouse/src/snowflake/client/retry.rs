//! Sending again what did not get through.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use reqwest_middleware::Error;
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{
    Jitter, RetryTransientMiddleware, Retryable, RetryableStrategy, default_on_request_failure,
    default_on_request_success,
};

use super::Talk;

/// Tries after the first: with delays of a quarter of a second to four seconds, about 8 seconds in all. What lasts longer
/// is for the retries of the message.
const TRIES: u32 = 4;

/// The middleware that sends again.
pub(super) fn retries(talk: Arc<Talk>) -> RetryTransientMiddleware<ExponentialBackoff, Careful> {
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(250), Duration::from_secs(4))
        .jitter(Jitter::Bounded)
        .build_with_max_retries(TRIES);
    RetryTransientMiddleware::new_with_policy_and_strategy(policy, Careful { talk })
}

/// Sends again only what does no harm twice. A statement that may have been done is for whoever began it: only he knows how
/// to find out.
pub(super) struct Careful {
    talk: Arc<Talk>,
}

impl RetryableStrategy for Careful {
    fn handle(&self, result: &Result<Response, Error>) -> Option<Retryable> {
        match result {
            Ok(response) if self.talk.is_repeatable() => default_on_request_success(response),
            Err(error) if self.talk.is_repeatable() => default_on_request_failure(error),
            // It never left.
            Err(error) if error.is_connect() => Some(Retryable::Transient),
            _ => None,
        }
    }
}
