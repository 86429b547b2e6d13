//! What the transform stage does with its messages: one build for all that wait.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use messages::{
    CancelRequested, Envelope, Failure, FailureClass, Message, MessageId, NodeOutcome, Stage, TransformCompleted,
    TransformFailed,
};
use runtime::{Handled, Handler, Patience, Work};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use warehouse::{Known, Ledger, QualityLine, StageLine, StageStatus};

use crate::builder::{Build, Builder};
use crate::dbt::DbtStatus;
use crate::dry_run;
use crate::wish::{Wish, misrouted, together, wish_of};
use crate::{report, tests_as_checks};

/// Nobody waits longer than this for company.
const GATHER_AT_MOST: Duration = Duration::from_secs(30);

/// Longer than a file of some megabytes takes to be loaded.
const GATHER_GAP: Duration = Duration::from_millis(150);

/// Who sends.
pub(crate) const SENDER: &str = "millrace/transform";

/// Handles `ingest.completed`, `transform.requested` and `transform.dry_run.requested`.
pub struct TransformHandler {
    pub(crate) builder: Builder,
    pub(crate) ledger: Ledger,
    /// Host, process and role, for the audit.
    pub(crate) worker: String,
    /// How many loads are built together at most.
    pub(crate) together: usize,
    /// When the last build ended, and how long it took.
    last: Option<(DateTime<Utc>, Duration)>,
}

impl TransformHandler {
    /// A handler that builds with `builder`, at most `together` loads at a time.
    pub fn new(builder: Builder, ledger: Ledger, worker: String, together: usize) -> Self {
        Self { builder, ledger, worker, together, last: None }
    }

    /// How dbt is.
    pub fn dbt(&self) -> DbtStatus {
        self.builder.dbt()
    }

    async fn known(&self, messages: Vec<&Envelope>) -> Result<Known, Failure> {
        Ok(self.ledger.known(Stage::Transform, messages).await?)
    }

    /// What became of those of these messages that need not be built: they were built before, or taken back. A failure is an end
    /// too: what was taken back after it and comes again is built, and is not broken off.
    async fn before(&self, work: &mut [Work]) -> Result<HashMap<MessageId, Result<Handled, Failure>>, Failure> {
        let known = self.known(work.iter().map(|item| &item.envelope).collect()).await?;
        let mut before = HashMap::new();
        for item in work {
            let ended = match known.end(item.envelope.id) {
                Some(line) => {
                    *item = item.heedless();
                    ended_before(item, line)?
                }
                None => known.cancelled(&item.envelope).or_else(|| item.cancel.heard()).map(Err),
            };
            if let Some(ended) = ended {
                before.insert(item.envelope.id, ended);
            }
        }
        Ok(before)
    }

    /// Builds for these messages, and records and announces the end for each. Once all of them are taken back the build is
    /// broken off; as long as one is not it goes on, and is what the others' end is too.
    async fn build(&mut self, work: &[&Work], wish: &Wish) -> Vec<Result<Handled, Failure>> {
        let started_at = Utc::now();
        let all_fail = |failure: Failure| work.iter().map(|_| Err(failure.clone())).collect();
        let span = report::building(work, &wish.sources);
        let stop = CancellationToken::new();
        let building = self.builder.build(&self.ledger, wish, &stop).instrument(span.clone());
        let built = until_taken_back(work, &stop, building).await;
        report::built(&span, work.len(), wish, &built, started_at);
        let ended_at = Utc::now();
        self.last = Some((ended_at, ended_at.signed_duration_since(started_at).to_std().unwrap_or_default()));
        let build = match built {
            Ok(build) => build,
            Err(failure) if failure.class == FailureClass::Cancelled => {
                return work.iter().map(|item| Err(item.cancel.heard().unwrap_or_else(|| failure.clone()))).collect();
            }
            Err(failure) => return all_fail(failure),
        };
        let ends: Vec<(StageLine, Envelope)> =
            match work.iter().map(|item| self.end(item, &build, started_at)).collect() {
                Ok(ends) => ends,
                Err(failure) => return all_fail(failure),
            };
        let (lines, events): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
        // Another worker may have had some of them in hand too, and was quicker.
        // Once for each load: several messages of one may wait together.
        let loads: BTreeSet<_> = work.iter().map(|item| item.envelope.load_id()).collect();
        let tests = loads.into_iter().flat_map(|load_id| tests_as_checks::lines(load_id, &build.tests, ended_at));
        let tests: Vec<QualityLine> = tests.collect();
        let stands = match self.ledger.record_stages(&lines, &tests).await {
            Err(error) => return all_fail(error.into()),
            Ok(true) => Known::default(),
            Ok(false) => match self.known(work.iter().map(|item| &item.envelope).collect()).await {
                Err(failure) => return all_fail(failure),
                Ok(known) => known,
            },
        };
        let told = |(item, event): (&&Work, Envelope)| match (stands.end(item.envelope.id), &event.message) {
            (Some(line), _) if line.status == StageStatus::Cancelled => Err(cancelled(line)),
            (_, Message::TransformFailed(failed)) => Err(failed.failure.clone()),
            _ => Ok(vec![event].into()),
        };
        work.iter().zip(events).map(told).collect()
    }

    /// How a build ended for one message: the line that says so and the event that tells of it.
    fn end(&self, work: &Work, build: &Build, started_at: DateTime<Utc>) -> Result<(StageLine, Envelope), Failure> {
        let load_id = work.envelope.load_id().clone();
        let sources = wish_of(&work.envelope.message)?.sources;
        let (message, error): (Message, _) = match &build.failure {
            None => {
                let event = TransformCompleted {
                    load_id,
                    sources,
                    nodes: build.nodes.clone(),
                    invocation_id: build.invocation_id.clone(),
                };
                (event.into(), None)
            }
            Some(failure) => (failed(work, build.nodes.clone(), failure)?, Some(failure)),
        };
        let line = self.line(work, &message, error, started_at)?;
        Ok((line, work.envelope.leads_to(SENDER, message)))
    }

    /// Records that the message was cancelled, and says what stands then: that it was, or what another worker had done.
    async fn end_cancelled(&self, work: &Work, failure: &Failure) -> Result<Handled, Failure> {
        let message = failed(work, Vec::new(), failure)?;
        let line = self.line(work, &message, Some(failure), Utc::now())?;
        let recorded = self.ledger.record_stages(&[line], &[]).await?;
        let stands = if recorded { Known::default() } else { self.known(vec![&work.envelope]).await? };
        let stands = stands.end(work.envelope.id);
        if let Some(line) = stands.filter(|line| line.status == StageStatus::Failed) {
            // As whoever built it announces it.
            return Ok(told(work, failed_before(line)?, line.attempt));
        }
        match stands.map(|line| ended_before(work, line)).transpose()?.flatten() {
            Some(Ok(done)) => Ok(done),
            // The same for every try.
            _ => Ok(told(work, message, "cancelled")),
        }
    }

    fn line(
        &self,
        work: &Work,
        message: &Message,
        failure: Option<&Failure>,
        started_at: DateTime<Utc>,
    ) -> Result<StageLine, Failure> {
        let announced = match message {
            Message::TransformCompleted(event) => serde_json::to_value(event),
            Message::TransformFailed(event) => serde_json::to_value(event),
            other => return Err(misrouted(other)),
        };
        Ok(StageLine {
            load_id: work.envelope.load_id().clone(),
            stage: Stage::Transform,
            message_id: work.envelope.id,
            status: match failure.map(|failure| failure.class) {
                None => StageStatus::Success,
                Some(FailureClass::Cancelled) => StageStatus::Cancelled,
                Some(_) => StageStatus::Failed,
            },
            attempt: work.attempt,
            started_at,
            finished_at: Utc::now(),
            error: failure.map(|failure| failure.message.clone()),
            announced: announced.map_err(|error| Failure::permanent(error.to_string()))?,
            trace_id: work.envelope.trace.trace_id(),
            worker: self.worker.clone(),
        })
    }
}

#[async_trait]
impl Handler for TransformHandler {
    fn stage(&self) -> Stage {
        Stage::Transform
    }

    fn together(&self) -> usize {
        self.together
    }

    /// A file that was there before the last build ended has waited for it, and others with it: where dbt has the
    /// warehouse to itself, nothing is loaded meanwhile. They get as long to be loaded as that build took, or there would be
    /// a build for every one or two of them. A file that comes alone waits for nothing.
    fn patience(&self, first: &Envelope) -> Patience {
        match self.last {
            Some((ended_at, took)) if first.origin_time < ended_at => {
                Patience { at_most: took.min(GATHER_AT_MOST), gap: GATHER_GAP }
            }
            _ => Patience::default(),
        }
    }

    async fn handle(&mut self, work: &[Work]) -> Vec<Result<Handled, Failure>> {
        let mut work = work.to_vec();
        let mut before = match self.before(&mut work).await {
            Ok(before) => before,
            Err(failure) => return work.iter().map(|_| Err(failure.clone())).collect(),
        };
        let mut results: Vec<Option<Result<Handled, Failure>>> = Vec::new();
        let mut wishes = Vec::new();
        let mut seen = HashSet::new();
        for item in &work {
            let wish = wish_of(&item.envelope.message);
            // A copy in hand together with its original: the original's fate is the copy's.
            if !seen.insert(item.envelope.id) {
                results.push(Some(Ok(Handled::default())));
                wishes.push(None);
                continue;
            }
            results.push(match (&item.envelope.message, &wish, before.remove(&item.envelope.id)) {
                (_, _, Some(ended)) => Some(ended),
                (Message::TransformDryRunRequested(command), _, None) => Some(self.try_out(item, command).await),
                (_, Err(failure), None) => Some(Err(failure.clone())),
                (_, Ok(_), None) => None,
            });
            wishes.push(wish.ok());
        }
        for full_refresh in [true, false] {
            let waiting: Vec<usize> = (0..work.len())
                .filter(|&at| results[at].is_none())
                .filter(|&at| wishes[at].as_ref().is_some_and(|wish| wish.full_refresh == full_refresh))
                .collect();
            if waiting.is_empty() {
                continue;
            }
            let wish = together(waiting.iter().filter_map(|&at| wishes[at].as_ref()), full_refresh);
            let items: Vec<&Work> = waiting.iter().map(|&at| &work[at]).collect();
            for (at, result) in waiting.into_iter().zip(self.build(&items, &wish).await) {
                results[at] = Some(result);
            }
        }
        let unhandled = || Err(Failure::transient("the message was not handled; it is tried again"));
        results.into_iter().map(|result| result.unwrap_or_else(unhandled)).collect()
    }

    async fn cancel(&mut self, work: &Work, cancel: &CancelRequested) -> Result<(), Failure> {
        let line = StageLine::cancel_requested(Stage::Transform, cancel, work.envelope.trace.trace_id(), &self.worker);
        self.ledger.record_cancel(&line.map_err(|error| Failure::permanent(error.to_string()))?).await?;
        Ok(())
    }

    async fn give_up(&mut self, work: &Work, failure: &Failure) -> Result<Handled, Failure> {
        if let Message::TransformDryRunRequested(command) = &work.envelope.message {
            return Ok(dry_run::given_up(&work.envelope, command, failure));
        }
        if failure.class == FailureClass::Cancelled {
            return self.end_cancelled(work, failure).await;
        }
        // A build that failed has its line, with its nodes; what could not be tried has none yet.
        let event = match self.ledger.stage_line(Stage::Transform, work.envelope.id).await? {
            Some(line) if line.status == StageStatus::Failed && line.attempt == work.attempt => {
                failed_before(&line)?.into()
            }
            _ => {
                let message = failed(work, Vec::new(), failure)?;
                let line = self.line(work, &message, Some(failure), Utc::now())?;
                self.ledger.record_stages(&[line], &[]).await?;
                message
            }
        };
        // The same for the same try.
        Ok(told(work, event, work.attempt))
    }
}

/// Does what is to be done, and stops it once all of this work is taken back. It ends by itself then.
pub(crate) async fn until_taken_back<T>(work: &[&Work], stop: &CancellationToken, doing: impl Future<Output = T>) -> T {
    let all_cancelled = async {
        for item in work {
            item.cancel.comes().await;
        }
        stop.cancel();
    };
    let (mut doing, mut told) = (std::pin::pin!(doing), false);
    let mut all_cancelled = std::pin::pin!(all_cancelled);
    loop {
        tokio::select! {
            done = &mut doing => return done,
            () = &mut all_cancelled, if !told => told = true,
        }
    }
}

/// What is announced of a failure, under another id than the success that a replay may bring.
fn told(work: &Work, event: impl Into<Message>, how: impl std::fmt::Display) -> Handled {
    let id: MessageId = work.envelope.id.leading_to(&format!("transform.failed {how}"));
    vec![work.envelope.leads_to(SENDER, event).with_id(id)].into()
}

/// How a message ended that has this line. `None`: it failed, which is not final: whoever replays it wants it built.
fn ended_before(work: &Work, line: &StageLine) -> Result<Option<Result<Handled, Failure>>, Failure> {
    Ok(match line.status {
        StageStatus::Success => {
            let event: TransformCompleted = serde_json::from_value(line.announced.clone()).map_err(|error| {
                Failure::permanent(format!("the audit's line of message {} can't be read: {error}", line.message_id))
            })?;
            Some(Ok(vec![work.envelope.leads_to(SENDER, event)].into()))
        }
        StageStatus::Cancelled => Some(Err(cancelled(line))),
        StageStatus::Failed | StageStatus::CancelRequested => None,
    })
}

/// What was announced of a message that failed.
fn failed_before(line: &StageLine) -> Result<TransformFailed, Failure> {
    serde_json::from_value(line.announced.clone()).map_err(|error| Failure::permanent(error.to_string()))
}

/// How a message ended that the audit knows as cancelled.
fn cancelled(line: &StageLine) -> Failure {
    Failure::cancelled(line.error.clone().unwrap_or_else(|| "cancelled".into()))
}

fn failed(work: &Work, nodes: Vec<NodeOutcome>, failure: &Failure) -> Result<Message, Failure> {
    let event = TransformFailed {
        load_id: work.envelope.load_id().clone(),
        sources: wish_of(&work.envelope.message).map(|wish| wish.sources).unwrap_or_default(),
        nodes,
        failure: failure.clone(),
    };
    Ok(event.into())
}
