//! What the transform stage does with its messages: one build for all that wait.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use messages::{Envelope, Failure, Message, MessageId, NodeOutcome, Stage, TransformCompleted, TransformFailed};
use runtime::{Handled, Handler, Patience, Work};
use tracing::Instrument;
use warehouse::{Ledger, StageLine, StageStatus};

use crate::builder::{Build, Builder};
use crate::dbt::DbtStatus;
use crate::dry_run;
use crate::report;
use crate::wish::{Wish, misrouted, together, wish_of};

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

    /// What was announced for those of these messages that were handled before.
    async fn before(&self, work: &[Work]) -> Result<HashMap<MessageId, Handled>, Failure> {
        let ids: Vec<MessageId> = work.iter().map(|item| item.envelope.id).collect();
        let mut lines = self.ledger.handled(Stage::Transform, &ids).await?;
        // A failure is not final: whoever replays it wants it built.
        lines.retain(|line| line.status == StageStatus::Success);
        let mut before = HashMap::new();
        for item in work {
            let Some(line) = lines.iter().find(|line| line.message_id == item.envelope.id) else { continue };
            let event: TransformCompleted = serde_json::from_value(line.announced.clone()).map_err(|error| {
                Failure::permanent(format!("the audit's line of message {} can't be read: {error}", line.message_id))
            })?;
            before.insert(line.message_id, vec![item.envelope.leads_to(SENDER, event)].into());
        }
        Ok(before)
    }

    /// Builds for these messages, and records and announces the end for each.
    async fn build(&mut self, work: &[&Work], wish: &Wish) -> Vec<Result<Handled, Failure>> {
        let started_at = Utc::now();
        let all_fail = |failure: Failure| work.iter().map(|_| Err(failure.clone())).collect();
        let span = report::building(work, &wish.sources);
        let built = self.builder.build(&self.ledger, wish).instrument(span.clone()).await;
        report::built(&span, work.len(), wish, &built, started_at);
        let ended_at = Utc::now();
        self.last = Some((ended_at, ended_at.signed_duration_since(started_at).to_std().unwrap_or_default()));
        let build = match built {
            Ok(build) => build,
            Err(failure) => return all_fail(failure),
        };
        let ends: Vec<(StageLine, Envelope)> =
            match work.iter().map(|item| self.end(item, &build, started_at)).collect() {
                Ok(ends) => ends,
                Err(failure) => return all_fail(failure),
            };
        let (lines, events): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
        match self.ledger.record_stages(&lines, &[]).await {
            Err(error) => all_fail(error.into()),
            Ok(()) => events
                .into_iter()
                .map(|event| match &event.message {
                    Message::TransformFailed(failed) => Err(failed.failure.clone()),
                    _ => Ok(vec![event].into()),
                })
                .collect(),
        }
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
            Some(failure) => (failed(work, build.nodes.clone(), failure)?, Some(failure.message.clone())),
        };
        let line = self.line(work, &message, error, started_at)?;
        Ok((line, work.envelope.leads_to(SENDER, message)))
    }

    fn line(
        &self,
        work: &Work,
        message: &Message,
        error: Option<String>,
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
            status: if error.is_none() { StageStatus::Success } else { StageStatus::Failed },
            attempt: work.attempt,
            started_at,
            finished_at: Utc::now(),
            error,
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
        let mut before = match self.before(work).await {
            Ok(before) => before,
            Err(failure) => return work.iter().map(|_| Err(failure.clone())).collect(),
        };
        let mut results: Vec<Option<Result<Handled, Failure>>> = Vec::new();
        let mut wishes = Vec::new();
        let mut seen = HashSet::new();
        for item in work {
            let wish = wish_of(&item.envelope.message);
            // A copy in hand together with its original: the original's fate is the copy's.
            if !seen.insert(item.envelope.id) {
                results.push(Some(Ok(Handled::default())));
                wishes.push(None);
                continue;
            }
            if let Message::TransformDryRunRequested(command) = &item.envelope.message {
                results.push(Some(self.try_out(item, command).await));
                wishes.push(None);
                continue;
            }
            results.push(match (&wish, before.remove(&item.envelope.id)) {
                (_, Some(handled)) => Some(Ok(handled)),
                (Err(failure), None) => Some(Err(failure.clone())),
                (Ok(_), None) => None,
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

    async fn give_up(&mut self, work: &Work, failure: &Failure) -> Result<Handled, Failure> {
        if let Message::TransformDryRunRequested(command) = &work.envelope.message {
            return Ok(dry_run::given_up(&work.envelope, command, failure));
        }
        // A build that failed has its line, with its nodes; what could not be tried has none yet.
        let event = match self.ledger.stage_line(Stage::Transform, work.envelope.id).await? {
            Some(line) if line.status == StageStatus::Failed && line.attempt == work.attempt => {
                serde_json::from_value::<TransformFailed>(line.announced)
                    .map_err(|error| Failure::permanent(error.to_string()))?
                    .into()
            }
            _ => {
                let message = failed(work, Vec::new(), failure)?;
                let line = self.line(work, &message, Some(failure.message.clone()), Utc::now())?;
                self.ledger.record_stages(&[line], &[]).await?;
                message
            }
        };
        // Another id than the success that a replay may bring; the same for the same try.
        let id: MessageId = work.envelope.id.leading_to(&format!("transform.failed {}", work.attempt));
        Ok(vec![work.envelope.leads_to(SENDER, event).with_id(id)].into())
    }
}

fn failed(work: &Work, nodes: Vec<NodeOutcome>, failure: &Failure) -> Result<Message, Failure> {
    let event = TransformFailed {
        load_id: work.envelope.load_id().clone(),
        sources: wish_of(&work.envelope.message)?.sources,
        nodes,
        failure: failure.clone(),
    };
    Ok(event.into())
}
