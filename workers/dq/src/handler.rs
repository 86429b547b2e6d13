//! The stage's handler: finds what was done before, judges the rest, records all of it at once, announces.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use checks::{CheckPlan, Deliveries, Scans, TablePlan, samples};
use chrono::{DateTime, Utc};
use messages::{CancelRequested, CheckOutcome, Envelope, Failure, FailureClass, LoadId, Message, MessageId, Stage};
use runtime::{Handled, Handler, Work};
use warehouse::{Known, Ledger, QualityLine, QualityOrigin, SampleLine, StageLine, StageStatus};

use crate::dry_run;
use crate::report::{self, Judged, JudgedTogether};
use crate::together::{self, Measured};
use crate::verdict::{announced, announcement, cancelled, data, not_judged, was_judged};

/// Who announces.
const ANNOUNCER: &str = "millrace/dq";

/// Judges what messages name, and for a dry run tells the verdict alone.
///
/// A bad verdict is a result and not a failure: it is recorded, announced as `dq.failed` and acknowledged. A message that
/// comes again finds its line in the audit, runs nothing and announces the same again.
pub struct DqHandler {
    pub(crate) ledger: Ledger,
    pub(crate) plan: Arc<CheckPlan>,
    worker: String,
    together: usize,
}

/// A message that was judged, not recorded yet.
struct Verdict<'w> {
    work: &'w Work,
    stage: StageLine,
    quality: Vec<QualityLine>,
    samples: Vec<SampleLine>,
    message: Message,
}

/// What a message leads to: its announcement, or why there is none.
pub(crate) type Answer = Result<Message, Failure>;

impl DqHandler {
    /// A handler that judges by `plan` as `worker` (host, process and role), at most `together` messages at a time.
    pub fn new(ledger: Ledger, plan: Arc<CheckPlan>, worker: impl Into<String>, together: usize) -> Self {
        report::begins();
        Self { ledger, plan, worker: worker.into(), together: together.max(1) }
    }

    /// Answers to those messages that need not be judged: they were judged before, or taken back. What could not be judged and
    /// was given up had ended too: taken back after that, it is judged when somebody replays it.
    async fn known(&self, work: &mut [Work]) -> Result<HashMap<MessageId, Answer>, Failure> {
        let known = self.ledger.known(Stage::Dq, work.iter().map(|work| &work.envelope)).await?;
        let mut answers = HashMap::new();
        for work in work {
            let answer = match known.end(work.envelope.id) {
                Some(line) => {
                    *work = work.heedless();
                    ended_before(line)
                }
                None => known.cancelled(&work.envelope).or_else(|| work.cancel.heard()).map(Err),
            };
            if let Some(answer) = answer {
                answers.insert(work.envelope.id, answer);
            }
        }
        Ok(answers)
    }

    /// Judges messages and records the verdicts.
    async fn judge(&self, work: &[&Work]) -> Result<HashMap<MessageId, Answer>, Failure> {
        let mut answers = HashMap::new();
        let mut named = Vec::new();
        for work in work {
            match sources(&work.envelope).and_then(|sources| self.plan.named(sources)) {
                Ok(tables) => named.push((*work, tables)),
                Err(failure) => drop(answers.insert(work.envelope.id, Err(failure))),
            }
        }
        if named.is_empty() {
            return Ok(answers);
        }
        let loads: Vec<&LoadId> = named.iter().map(|(work, _)| work.envelope.load_id()).collect();
        let mut deliveries = Deliveries::read(&self.ledger, loads.iter().copied()).await?;
        let mut verdicts = self.verdicts(&named, &deliveries, &mut answers).await?;
        if verdicts.iter().any(|verdict| verdict.stage.status == StageStatus::Failed) {
            // A newer command may have replaced a slice between the look at the audit and the look at the rows.
            let seen = std::mem::replace(&mut deliveries, Deliveries::read(&self.ledger, loads).await?);
            if seen != deliveries {
                verdicts = self.verdicts(&named, &deliveries, &mut answers).await?;
            }
        }
        self.sample(&named, &deliveries, &mut verdicts).await?;
        self.record(verdicts, &mut answers).await?;
        Ok(answers)
    }

    async fn verdicts<'w>(
        &self,
        named: &[(&'w Work, Vec<Arc<TablePlan>>)],
        deliveries: &Deliveries,
        answers: &mut HashMap<MessageId, Answer>,
    ) -> Result<Vec<Verdict<'w>>, Failure> {
        let tests = self.tests(named).await?;
        let mut scans = Scans::new(&self.ledger);
        let (measured, cancelled) = together::measure(named, deliveries, &mut scans).await?;
        answers.extend(cancelled.into_iter().map(|(message, failure)| (message, Err(failure))));
        let mut verdicts = Vec::with_capacity(measured.len());
        for Measured { work, started_at, finished_at, mut checks, .. } in measured {
            let contract = checks.len();
            let tests = tests.get(work.envelope.load_id()).into_iter().flatten();
            checks.extend(tests.filter(|test| was_run_by(&work.envelope, test)).cloned());
            let mut verdict = self.verdict(work, started_at, checks, contract)?;
            // The others were measured after it.
            verdict.stage.finished_at = finished_at;
            verdicts.push(verdict);
        }
        JudgedTogether { loads: named.len(), statements: scans.count() }.tell();
        Ok(verdicts)
    }

    /// What dbt's tests found in the builds that these messages tell of, by load.
    async fn tests(
        &self,
        named: &[(&Work, Vec<Arc<TablePlan>>)],
    ) -> Result<HashMap<LoadId, Vec<CheckOutcome>>, Failure> {
        let built = named.iter().map(|(work, _)| &work.envelope).filter(|envelope| tells_of_tests(envelope));
        let mut tests: HashMap<LoadId, Vec<CheckOutcome>> = HashMap::new();
        for line in self.ledger.newest_tests(built.map(Envelope::load_id)).await? {
            tests.entry(line.load_id).or_default().push(line.outcome);
        }
        Ok(tests)
    }

    /// Keeps some of the rows that did not pass.
    async fn sample(
        &self,
        named: &[(&Work, Vec<Arc<TablePlan>>)],
        deliveries: &Deliveries,
        verdicts: &mut [Verdict<'_>],
    ) -> Result<(), Failure> {
        let mut scans = Scans::new(&self.ledger);
        for verdict in verdicts {
            let tables = named.iter().find(|(work, _)| work.envelope.id == verdict.work.envelope.id);
            let mut quality = verdict.quality.as_slice();
            for table in tables.iter().flat_map(|(_, tables)| tables) {
                let (of_table, rest) = quality.split_at(table.len().min(quality.len()));
                quality = rest;
                let outcomes: Vec<CheckOutcome> = of_table.iter().map(|line| line.outcome.clone()).collect();
                let subject = deliveries.subject(table.table(), verdict.work.envelope.load_id(), Utc::now());
                let found = samples(table, &subject, &outcomes, &mut scans).await?;
                verdict.samples.extend(found.into_iter().map(|sample| SampleLine {
                    load_id: verdict.work.envelope.load_id().clone(),
                    check: sample.check,
                    table: of_table[0].outcome.table.clone(),
                    source_file: sample.source_file,
                    source_row: sample.source_row,
                    row: sample.row,
                    checked_at: of_table[0].checked_at,
                }));
            }
        }
        Ok(())
    }

    fn verdict<'w>(
        &self,
        work: &'w Work,
        started_at: DateTime<Utc>,
        checks: Vec<CheckOutcome>,
        of_contracts: usize,
    ) -> Result<Verdict<'w>, Failure> {
        let load_id = work.envelope.load_id();
        let checked_at = Utc::now();
        let line = |outcome: &CheckOutcome| QualityLine {
            load_id: load_id.clone(),
            outcome: outcome.clone(),
            checked_at,
            origin: QualityOrigin::Contract,
        };
        // What dbt's tests found stands in the audit since the build.
        let quality = checks[..of_contracts].iter().map(line).collect();
        let message = announcement(load_id, checks);
        Ok(Verdict { work, stage: self.stage_line(work, started_at, &message)?, quality, samples: Vec::new(), message })
    }

    fn stage_line(&self, work: &Work, started_at: DateTime<Utc>, message: &Message) -> Result<StageLine, Failure> {
        let failure = match message {
            Message::DqFailed(failed) => Some(&failed.failure),
            _ => None,
        };
        Ok(StageLine {
            load_id: work.envelope.load_id().clone(),
            stage: Stage::Dq,
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
            announced: data(message)
                .map_err(|error| Failure::permanent(format!("the verdict can't be written: {error}")))?,
            trace_id: work.envelope.trace.trace_id(),
            worker: self.worker.clone(),
        })
    }

    /// Records verdicts in one transaction; if the warehouse refuses that, each in its own, so that one of them does not
    /// take the others with it.
    async fn record(
        &self,
        verdicts: Vec<Verdict<'_>>,
        answers: &mut HashMap<MessageId, Answer>,
    ) -> Result<(), Failure> {
        let stages: Vec<StageLine> = verdicts.iter().map(|verdict| verdict.stage.clone()).collect();
        let quality: Vec<QualityLine> = verdicts.iter().flat_map(|verdict| verdict.quality.clone()).collect();
        let samples: Vec<SampleLine> = verdicts.iter().flat_map(|verdict| verdict.samples.clone()).collect();
        let together = match self.ledger.record_verdicts(&stages, &quality, &samples).await {
            Ok(all) => Some(all),
            Err(error) if error.class() != FailureClass::Permanent => return Err(error.into()),
            Err(_) => None,
        };
        // Another worker may have had some of them in hand too, and was quicker.
        let mut stands = match together {
            Some(false) => self.ledger.known(Stage::Dq, verdicts.iter().map(|verdict| &verdict.work.envelope)).await?,
            _ => Known::default(),
        };
        for Verdict { work, stage, quality, samples, message } in verdicts {
            if together.is_none() {
                match self.ledger.record_verdicts(std::slice::from_ref(&stage), &quality, &samples).await {
                    Ok(true) => {}
                    Ok(false) => stands = self.ledger.known(Stage::Dq, [&work.envelope]).await?,
                    Err(error) => {
                        answers.insert(stage.message_id, Err(error.into()));
                        continue;
                    }
                }
            }
            let taken_back = stands.end(stage.message_id).filter(|line| line.status == StageStatus::Cancelled);
            let answer = match taken_back {
                Some(line) => Err(cancelled(line)),
                None => {
                    Judged { work, stage: &stage, message: &message }.tell();
                    Ok(message)
                }
            };
            answers.insert(stage.message_id, answer);
        }
        Ok(())
    }

    /// Records that the message was cancelled, and says what stands then: that it was, or what another worker had done.
    async fn end_cancelled(&self, work: &Work, failure: &Failure) -> Result<Handled, Failure> {
        let message = not_judged(work.envelope.load_id(), failure);
        let line = self.stage_line(work, Utc::now(), &message)?;
        if !self.ledger.record_stages(&[line], &[]).await? {
            let known = self.ledger.known(Stage::Dq, [&work.envelope]).await?;
            // A verdict, or that it could not be judged.
            if let Some(end) = known.end(work.envelope.id).filter(|line| line.status != StageStatus::Cancelled) {
                return Ok(told(work, announced(end)?));
            }
        }
        Ok(told(work, message))
    }

    async fn answers(&self, work: &[Work]) -> Result<HashMap<MessageId, Answer>, Failure> {
        let mut work = work.to_vec();
        let mut answers = self.known(&mut work).await?;
        // The same message may wait twice; it is judged once.
        let mut seen: HashSet<MessageId> = answers.keys().copied().collect();
        let new = work.iter().filter(|work| seen.insert(work.envelope.id));
        let (dry, new): (Vec<&Work>, Vec<&Work>) = new.partition(|work| work.envelope.message.is_dry_run());
        for work in dry {
            answers.insert(work.envelope.id, self.try_out(work).await);
        }
        if !new.is_empty() {
            answers.extend(self.judge(&new).await?);
        }
        Ok(answers)
    }
}

#[async_trait]
impl Handler for DqHandler {
    fn stage(&self) -> Stage {
        Stage::Dq
    }

    fn together(&self) -> usize {
        self.together
    }

    async fn handle(&mut self, work: &[Work]) -> Vec<Result<Handled, Failure>> {
        let answers = self.answers(work).await;
        let handled = |work: &Work| {
            let answers = answers.as_ref().map_err(Clone::clone)?;
            let message = answers.get(&work.envelope.id).cloned().unwrap_or_else(|| {
                Err(Failure::permanent(format!("message {} was not judged: a fault of millrace", work.envelope.id)))
            })?;
            Ok(told(work, message))
        };
        work.iter().map(handled).collect()
    }

    async fn cancel(&mut self, work: &Work, cancel: &CancelRequested) -> Result<(), Failure> {
        let line = StageLine::cancel_requested(Stage::Dq, cancel, work.envelope.trace.trace_id(), &self.worker);
        self.ledger.record_cancel(&line.map_err(|error| Failure::permanent(error.to_string()))?).await?;
        Ok(())
    }

    async fn give_up(&mut self, work: &Work, failure: &Failure) -> Result<Handled, Failure> {
        if work.envelope.message.is_dry_run() {
            return Ok(told(work, dry_run::not_judged(work, failure)));
        }
        if failure.class == FailureClass::Cancelled {
            return self.end_cancelled(work, failure).await;
        }
        // It may have been judged and recorded, and only the announcement failed.
        let line = self.ledger.stage_line(Stage::Dq, work.envelope.id).await?;
        let same = |line: &StageLine| line.attempt == work.attempt && line.error.as_ref() == Some(&failure.message);
        if let Some(line) = line.filter(|line| was_judged(line) || same(line)) {
            return Ok(told(work, announced(&line)?));
        }
        let message = not_judged(work.envelope.load_id(), failure);
        self.ledger.record_stages(&[self.stage_line(work, Utc::now(), &message)?], &[]).await?;
        Ok(told(work, message))
    }
}

/// The answer to a message that has this line. `None`: it could not be judged and was given up, and is judged when somebody
/// replays it.
fn ended_before(line: &StageLine) -> Option<Answer> {
    match line.status {
        StageStatus::Cancelled => Some(Err(cancelled(line))),
        _ => was_judged(line).then(|| announced(line)),
    }
}

/// Whether it says that models were built and tested.
fn tells_of_tests(envelope: &Envelope) -> bool {
    match &envelope.message {
        Message::TransformCompleted(data) => data.nodes.iter().any(|node| node.resource_type.ends_with("test")),
        _ => false,
    }
}

/// Whether it is one of the tests of the build that the message tells of.
fn was_run_by(envelope: &Envelope, test: &CheckOutcome) -> bool {
    let Message::TransformCompleted(data) = &envelope.message else { return false };
    let mut tests = data.nodes.iter().filter(|node| node.resource_type.ends_with("test"));
    tests.any(|node| node.unique_id.split('.').any(|part| part == test.check))
}

fn told(work: &Work, message: Message) -> Handled {
    vec![work.envelope.leads_to(ANNOUNCER, message)].into()
}

/// The sources that a message names; none means all.
pub(crate) fn sources(envelope: &Envelope) -> Result<&[String], Failure> {
    match &envelope.message {
        Message::TransformCompleted(data) => Ok(&data.sources),
        Message::DqRequested(data) => Ok(&data.sources),
        Message::DqDryRunRequested(data) => Ok(&data.sources),
        other => Err(Failure::permanent(format!(
            "{} is no message for the dq worker: send transform.completed or dq.requested",
            other.type_name()
        ))),
    }
}
