//! What the ingest stage does with its messages.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use messages::{CancelRequested, Envelope, Failure, FailureClass, IngestFailed, Message, Stage};
use runtime::{Contract, Contracts, Handled, Handler, Work};
use warehouse::{Gate, Ledger, StageLine};

use crate::decide::Verdict;
use crate::{conclude, decide, dry_run, load, plan, report};

/// Who sends.
pub(crate) const SENDER: &str = "millrace/ingest";

/// Handles `ingest.requested`, `source.file.discovered`, `ingest.release.requested`, `ingest.discard.requested` and
/// `ingest.dry_run.requested`.
pub struct IngestHandler {
    /// The raw folder, canonical.
    pub(crate) root: PathBuf,
    pub(crate) contracts: Arc<Contracts>,
    pub(crate) ledger: Ledger,
    /// Host, process and role, for the audit.
    pub(crate) worker: String,
    /// What decides whether a source's rows may become current, by the source's name.
    gates: HashMap<String, Arc<dyn Gate>>,
}

impl IngestHandler {
    /// A handler for the files below `root`.
    ///
    /// # Errors
    /// The folder is not there: fatal.
    pub fn new(
        root: &std::path::Path,
        contracts: Arc<Contracts>,
        ledger: Ledger,
        worker: String,
    ) -> Result<Self, Failure> {
        let root = root.canonicalize().map_err(|error| {
            Failure::fatal(format!(
                "the raw folder {} can't be used: {error}; make it, or set paths.raw",
                root.display()
            ))
        })?;
        report::worker_begins(&contracts);
        Ok(Self { root, contracts, ledger, worker, gates: HashMap::new() })
    }

    /// The same, which asks a contract's gate, where `gate` gives one, before rows become current.
    pub fn gated(mut self, gate: impl Fn(&Contract) -> Option<Arc<dyn Gate>>) -> Self {
        let of = |contract: &Contract| Some((contract.source.clone(), gate(contract)?));
        self.gates = self.contracts.iter().filter_map(of).collect();
        self
    }

    /// The gate of a contract's source, if it has one.
    pub(crate) fn gate_of(&self, contract: &Contract) -> Option<Arc<dyn Gate>> {
        self.gates.get(&contract.source).cloned()
    }

    async fn handle_one(&self, work: &Work) -> Result<Handled, Failure> {
        let envelope = &work.envelope;
        match &envelope.message {
            Message::IngestRequested(command) => plan::fan_out(self, work, command).await,
            Message::SourceFileDiscovered(file) => load::load(self, work, file).await,
            Message::IngestReleaseRequested(decision) => decide::decide(self, work, decision, Verdict::Release).await,
            Message::IngestDiscardRequested(decision) => decide::decide(self, work, decision, Verdict::Discard).await,
            Message::IngestDryRunRequested(command) => dry_run::answer(self, work, command).await,
            other => Err(misrouted(other)),
        }
    }
}

#[async_trait]
impl Handler for IngestHandler {
    fn stage(&self) -> Stage {
        Stage::Ingest
    }

    async fn handle(&mut self, work: &[Work]) -> Vec<Result<Handled, Failure>> {
        let mut results = Vec::with_capacity(work.len());
        for item in work {
            results.push(self.handle_one(item).await);
        }
        results
    }

    async fn cancel(&mut self, work: &Work, cancel: &CancelRequested) -> Result<(), Failure> {
        let line = StageLine::cancel_requested(Stage::Ingest, cancel, work.envelope.trace.trace_id(), &self.worker);
        self.ledger.record_cancel(&line.map_err(|error| Failure::permanent(error.to_string()))?).await?;
        Ok(())
    }

    async fn give_up(&mut self, work: &Work, failure: &Failure) -> Result<Handled, Failure> {
        match &work.envelope.message {
            Message::SourceFileDiscovered(file) => {
                load::record_end(self, work, file, failure).await?;
                conclude::conclude(self, &work.envelope, file).await
            }
            Message::IngestDryRunRequested(command) => Ok(dry_run::given_up(&work.envelope, command, failure)),
            Message::IngestRequested(_) if failure.class == FailureClass::Cancelled => {
                plan::record_cancelled(self, &work.envelope, work.attempt, failure).await
            }
            _ => Ok(announce_failure(&work.envelope, failure).into()),
        }
    }
}

/// A command that could not even be planned.
fn announce_failure(envelope: &Envelope, failure: &Failure) -> Vec<Envelope> {
    vec![envelope.leads_to(SENDER, failed(envelope, failure))]
}

/// What is announced of a command of which no file was planned.
pub(crate) fn failed(envelope: &Envelope, failure: &Failure) -> IngestFailed {
    IngestFailed { load_id: envelope.load_id().clone(), tables: Vec::new(), uri: None, failure: failure.clone() }
}

fn misrouted(message: &Message) -> Failure {
    Failure::permanent(format!(
        "{} is not for the ingest stage: bind its queue as deploy/ describes",
        message.type_name()
    ))
}
