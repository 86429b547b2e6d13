//! What the loop tells of messages, each thing in one place: the line, the number and, with them, the span's event.

use std::time::Duration;

use messages::{Failure, FailureClass, Stage};

use super::Work;
use crate::telemetry::{labels, metrics};

/// The loop begins: what may go wrong is counted from 0, because nobody sees a number rise that was not there before.
pub(super) fn begins(stage: Stage) {
    metrics().retries.add(0, &[labels::stage(stage)]);
    for class in [FailureClass::Permanent, FailureClass::Transient] {
        metrics().dead_letters.add(0, &[labels::stage(stage), labels::class(class)]);
    }
}

/// A message was handled, and its delivery acknowledged.
pub(super) fn done(stage: Stage, work: &Work) {
    settled(stage, work, "done");
}

/// A message failed, and comes again.
pub(super) fn retried(stage: Stage, work: &Work, failure: &Failure, delay: Duration) {
    work.failed(failure);
    metrics().retries.add(1, &[labels::stage(stage)]);
    settled(stage, work, "retried");
    work.span.in_scope(|| {
        tracing::warn!(
            %stage, attempt = work.attempt, delay_secs = delay.as_secs_f64(), error = failure.message,
            "failed for now; trying again"
        );
    });
}

/// A message was given up.
pub(super) fn given_up(stage: Stage, work: &Work, failure: &Failure) {
    work.failed(failure);
    metrics().dead_letters.add(1, &[labels::stage(stage), labels::class(failure.class)]);
    settled(stage, work, "dead_lettered");
    work.span.in_scope(|| {
        tracing::error!(
            %stage, attempt = work.attempt, error = failure.message,
            "failed for good; dead-lettered"
        );
    });
}

/// A dry run was given up. Its answer says why, and there is nothing to mend and replay: whoever asked asks again.
pub(super) fn answered(stage: Stage, work: &Work, failure: &Failure) {
    work.failed(failure);
    settled(stage, work, "done");
    work.span.in_scope(|| {
        tracing::warn!(
            %stage, attempt = work.attempt, error = failure.message,
            "a dry run could not be done; its answer says so"
        );
    });
}

/// A message can't even be read, so nobody knows which load it belongs to.
pub(super) fn unreadable(stage: Stage, failure: &Failure) {
    metrics().dead_letters.add(1, &[labels::stage(stage), labels::class(failure.class)]);
    tracing::error!(%stage, error = failure.message, "a message can't be read; it is dead-lettered");
}

fn settled(stage: Stage, work: &Work, outcome: &'static str) {
    metrics().stage_duration.record(work.elapsed_secs(), &[labels::stage(stage), labels::outcome(outcome)]);
}
