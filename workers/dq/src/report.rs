//! What this worker tells, each thing in one place: the line, the span, and the number.

use chrono::{DateTime, Utc};
use messages::{CheckOutcome, CheckStatus, DqDryRunCompleted, Message, Verdict};
use runtime::Work;
use runtime::telemetry::{Past, labels, metrics, span};
use warehouse::StageLine;

/// A load was judged, and the verdict is recorded.
pub(crate) struct Judged<'a> {
    pub(crate) work: &'a Work,
    pub(crate) stage: &'a StageLine,
    pub(crate) message: &'a Message,
}

/// Loads that waited were judged together.
pub(crate) struct JudgedTogether {
    pub(crate) loads: usize,
    pub(crate) statements: usize,
}

/// The worker begins: verdicts are counted from 0, because nobody sees a number rise that was not there before.
pub(crate) fn begins() {
    for verdict in [Verdict::Passed, Verdict::Warned, Verdict::Failed] {
        metrics().verdicts.add(0, &[labels::label("verdict", verdict.as_str())]);
    }
}

impl Judged<'_> {
    /// Tells it.
    pub(crate) fn tell(&self) {
        let (verdict, checks, failure) = match self.message {
            Message::DqCompleted(data) => (data.verdict, &data.checks, None),
            Message::DqFailed(data) => (data.verdict, &data.checks, Some(&data.failure)),
            _ => return,
        };
        for check in checks {
            self.tell_check(check);
        }
        span::set(&self.work.span, "millrace.verdict", verdict.as_str());
        if let Some(failure) = failure {
            span::fail(&self.work.span, failure.message.clone());
        }
        let of = [labels::label("verdict", verdict.as_str())];
        metrics().verdicts.add(1, &of);
        let latency = Utc::now().signed_duration_since(self.work.envelope.origin_time).as_seconds_f64();
        // The clock of whoever saw the file may be ahead.
        metrics().verdict_latency.record(latency.max(0.0), &of);
        self.work.span.in_scope(|| self.log(verdict, checks));
    }

    fn log(&self, verdict: Verdict, checks: &[CheckOutcome]) {
        let named = |wanted: &[CheckStatus]| {
            let named = checks.iter().filter(|check| wanted.contains(&check.status));
            named.map(|check| format!("{}.{}", check.table, check.check)).collect::<Vec<_>>().join(", ")
        };
        let (failed, warned) = (named(&[CheckStatus::Fail, CheckStatus::Error]), named(&[CheckStatus::Warn]));
        let StageLine { load_id, attempt, started_at, finished_at, .. } = self.stage;
        let (checks, millis) = (checks.len(), (*finished_at - *started_at).num_milliseconds());
        if verdict == Verdict::Failed {
            tracing::warn!(%load_id, attempt, verdict = verdict.as_str(), checks, failed, warned, millis, "data judged, not good enough");
        } else {
            tracing::info!(%load_id, attempt, verdict = verdict.as_str(), checks, warned, millis, "data judged");
        }
    }

    /// Checks of a load are measured together, so they share its time.
    fn tell_check(&self, check: &CheckOutcome) {
        let bad = matches!(check.status, CheckStatus::Fail | CheckStatus::Error);
        let rows = check.failed_rows.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
        let why = || match check.failed_rows {
            Some(rows) => format!("{rows} rows are not as expected: {}", check.expected),
            None => format!("not as expected: {}", check.expected),
        };
        metrics().checks.add(
            1,
            &[
                labels::label("table", check.table.clone()),
                labels::label("check", check.check.clone()),
                labels::label("severity", check.severity.as_str()),
                labels::label("status", check.status.as_str()),
            ],
        );
        Past::new(format!("check {}.{}", check.table, check.check), self.stage.started_at, self.stage.finished_at)
            .with("millrace.check", check.check.clone())
            .with("millrace.table", check.table.clone())
            .with("millrace.check.severity", check.severity.as_str())
            .with("millrace.check.status", check.status.as_str())
            .with_some("millrace.check.failed_rows", rows)
            .failed(bad.then(why))
            .record(&self.work.span);
    }
}

/// It was told what the verdict would be. No number of verdicts or checks knows of it: nothing is recorded.
pub(crate) fn dry_run(work: &Work, told: &DqDryRunCompleted, started_at: DateTime<Utc>) {
    let verdict = told.verdict.map(Verdict::as_str);
    if let Some(verdict) = verdict {
        span::set(&work.span, "millrace.verdict", verdict);
    }
    let (checks, millis) = (told.checks.len(), (Utc::now() - started_at).num_milliseconds());
    let failure = told.failure.as_ref().map(|failure| failure.message.as_str());
    work.span.in_scope(|| {
        tracing::info!(load_id = %told.load_id, verdict, checks, failure, millis, "dry run: data judged, nothing recorded");
    });
}

impl JudgedTogether {
    /// Tells it, if there was more than one.
    pub(crate) fn tell(&self) {
        if self.loads > 1 {
            tracing::debug!(loads = self.loads, statements = self.statements, "loads judged together");
        }
    }
}
