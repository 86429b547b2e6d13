//! What the loop tells of messages, each thing in one place: the line, the number and, with them, the span's event.

use std::time::Duration;

use bus::BusError;
use messages::{CancelRequested, Failure, FailureClass, Stage};

use super::Work;
use crate::telemetry::{context, labels, metrics, span};

/// The loop begins: what may go wrong is counted from 0, because nobody sees a number rise that was not there before.
pub(super) fn begins(stage: Stage) {
    metrics().retries.add(0, &[labels::stage(stage)]);
    metrics().cancelled.add(0, &[labels::stage(stage)]);
    for class in [FailureClass::Permanent, FailureClass::Transient] {
        metrics().dead_letters.add(0, &[labels::stage(stage), labels::class(class)]);
    }
}

/// A message may be what its workers died of.
pub(super) fn suspected(stage: Stage, deaths: u32) {
    tracing::warn!(%stage, deaths, "workers have died with this message in hand again and again; it is handled alone");
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

/// Somebody takes a command back, and the audit says so.
pub(super) fn cancel_recorded(stage: Stage, work: &Work, cancel: &CancelRequested) {
    span::set(&work.span, "millrace.cancelled_command", cancel.command_id.to_string());
    work.span.in_scope(|| {
        tracing::info!(
            %stage, load_id = %cancel.load_id, command_id = %cancel.command_id, reason = cancel.reason,
            "a command is taken back: what waits is not begun, what is in hand is broken off where it can be"
        );
    });
}

/// A message ended as cancelled, and its delivery is acknowledged: nobody has to mend anything. Its span leads to whoever took
/// it back.
pub(super) fn cancelled(stage: Stage, work: &Work, failure: &Failure) {
    span::set(&work.span, "millrace.cancelled", true);
    if let Some(trace) = work.cancel.trace() {
        context::link(&work.span, trace);
    }
    metrics().cancelled.add(1, &[labels::stage(stage)]);
    settled(stage, work, "cancelled");
    work.span.in_scope(|| {
        tracing::info!(%stage, attempt = work.attempt, reason = failure.message, "cancelled");
    });
}

/// The user has no right to hear of cancels; said once.
pub(super) fn deaf(stage: Stage, error: &BusError) {
    tracing::warn!(
        %stage, %error,
        "this worker can't hear of cancels while it is busy: what waits is cancelled all the same, what is in hand is not broken off"
    );
}

/// A message can't even be read, so nobody knows which load it belongs to.
pub(super) fn unreadable(stage: Stage, failure: &Failure) {
    metrics().dead_letters.add(1, &[labels::stage(stage), labels::class(failure.class)]);
    tracing::error!(%stage, error = failure.message, "a message can't be read; it is dead-lettered");
}

fn settled(stage: Stage, work: &Work, outcome: &'static str) {
    metrics().stage_duration.record(work.elapsed_secs(), &[labels::stage(stage), labels::outcome(outcome)]);
}
