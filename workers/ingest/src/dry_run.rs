//! What a command would load, told without loading it: the files are chosen and read as for the load, to their end, and
//! nobody is given their rows. What a file would be held back for by its reader is told; a gate is asked over rows that stand in the
//! warehouse, which is not asked here: the answer names those that may object yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use messages::{Envelope, Failure, FailureClass, FileFault, IngestDryRunCompleted, IngestDryRunRequested, TableLoad};
use runtime::raw_folder::{self, FoundFile};
use runtime::{Contract, Handled, Work};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use warehouse::{FileFacts, RowSource};

use crate::handler::SENDER;
use crate::read::{self, Expected, FileSource};
use crate::{IngestHandler, plan, report};

/// Files at fault that are named. The failure counts all of them.
const NAMED: usize = 100;
/// The longest reason of one: so many of them must fit into a message.
const MAX_REASON_CHARS: usize = 1000;

/// Tells what the command would load. Nothing is written, and nothing follows from the answer.
///
/// # Errors
/// What another try may mend. Everything else is part of the answer.
pub(crate) async fn answer(
    handler: &IngestHandler,
    work: &Work,
    command: &IngestDryRunRequested,
) -> Result<Handled, Failure> {
    let begun = Instant::now();
    let found = match plan::choose(handler, command).await {
        Ok(files) => {
            let gates = gates(handler, &files);
            let found = tokio::select! {
                found = read_all(&handler.root, files) => found?,
                failure = work.cancel.comes() => return Err(failure),
            };
            Found { gates, ..found }
        }
        Err(failure) if failure.class == FailureClass::Permanent => Found::failed(failure),
        Err(failure) => return Err(failure),
    };
    let told = event(&work.envelope, command, found);
    report::dry_run(work, &told, begun.elapsed());
    Ok(vec![work.envelope.leads_to(SENDER, told)].into())
}

/// The answer of a dry run that is given up.
pub(crate) fn given_up(envelope: &Envelope, command: &IngestDryRunRequested, failure: &Failure) -> Handled {
    let told = event(envelope, command, Found::failed(failure.clone()));
    vec![envelope.leads_to(SENDER, told)].into()
}

fn event(envelope: &Envelope, command: &IngestDryRunRequested, found: Found) -> IngestDryRunCompleted {
    let failure = found.failure();
    IngestDryRunCompleted {
        load_id: command.load_id.clone(),
        as_of: command.as_of.unwrap_or(envelope.time),
        tables: found.tables.into_values().collect(),
        faults: found.faults,
        gates_not_asked: found.gates,
        failure,
    }
}

/// What will be asked of the load that is not asked here.
fn gates(handler: &IngestHandler, files: &[(&Contract, FoundFile)]) -> Vec<String> {
    let of = |(contract, _): &(&Contract, FoundFile)| handler.gate_of(contract).map(|gate| gate.names());
    let names: BTreeSet<String> = files.iter().filter_map(of).flatten().collect();
    names.into_iter().collect()
}

/// What was found out.
#[derive(Default)]
struct Found {
    /// By their names.
    tables: BTreeMap<String, TableLoad>,
    /// The first of those at fault.
    faults: Vec<FileFault>,
    /// All of those that could not be loaded.
    at_fault: usize,
    /// All of those that would be held back.
    held: usize,
    /// Why the first file of those is at fault that count first: what can't be loaded comes before what would be held back.
    first: Option<FileFault>,
    /// Gates that are not asked.
    gates: Vec<String>,
    /// Files that were read.
    files: usize,
    /// Why there was nothing to read.
    refused: Option<Failure>,
}

impl Found {
    fn failed(failure: Failure) -> Self {
        Self { refused: Some(failure), ..Self::default() }
    }

    fn good(&mut self, file: &Chosen, facts: &FileFacts) {
        let name = file.contract.table();
        let new = || TableLoad::of(&file.contract.source, &name);
        let table = self.tables.entry(name.clone()).or_insert_with(new);
        table.add(facts.rows, facts.rows_rejected, facts.bytes);
        if !facts.held.is_empty() {
            let uri = &file.file.uri;
            let why = format!("{uri} would be held back: {}", facts.held.join("; "));
            self.held += 1;
            self.fault(uri, Failure::quarantined(why));
        }
    }

    fn bad(&mut self, uri: &str, failure: Failure) {
        self.at_fault += 1;
        self.fault(uri, failure);
    }

    fn fault(&mut self, uri: &str, failure: Failure) {
        let message = failure.message.chars().take(MAX_REASON_CHARS).collect();
        let fault = FileFault { uri: uri.into(), failure: Failure { message, ..failure } };
        let is_held = |fault: &FileFault| fault.failure.class == FailureClass::Quarantined;
        if self.first.as_ref().is_none_or(|first| is_held(first) && !is_held(&fault)) {
            self.first = Some(fault.clone());
        }
        if self.faults.len() < NAMED {
            self.faults.push(fault);
        }
    }

    /// Why the command would fail, in the words of the load.
    fn failure(&self) -> Option<Failure> {
        let Some(first) = &self.first else { return self.refused.clone() };
        let why = &first.failure.message;
        Some(match (self.files, self.at_fault) {
            (1, _) => first.failure.clone(),
            (all, 0) => Failure::quarantined(format!("{} of {all} files would be held back: {why}", self.held)),
            (all, at_fault) => {
                Failure::permanent(format!("{at_fault} of {all} files would fail, {} first: {why}", first.uri))
            }
        })
    }
}

/// A file that the command means.
struct Chosen {
    contract: Contract,
    file: FoundFile,
}

async fn read_all(root: &Path, files: Vec<(&Contract, FoundFile)>) -> Result<Found, Failure> {
    let files: Vec<Chosen> =
        files.into_iter().map(|(contract, file)| Chosen { contract: contract.clone(), file }).collect();
    let (root, span) = (root.to_owned(), Span::current());
    let stop = CancellationToken::new();
    // Whoever gives the message back does not wait for the file's end, and nor does the thread.
    let _stop = stop.clone().drop_guard();
    let reading = move || span.in_scope(|| read_each(&root, &files, &stop));
    tokio::task::spawn_blocking(reading)
        .await
        .map_err(|error| Failure::transient(format!("a task ended early: {error}")))?
}

fn read_each(root: &Path, files: &[Chosen], stop: &CancellationToken) -> Result<Found, Failure> {
    let mut found = Found { files: files.len(), ..Found::default() };
    for file in files {
        match read(root, file, stop) {
            Ok(facts) => found.good(file, &facts),
            Err(failure) if failure.class == FailureClass::Permanent => found.bad(&file.file.uri, failure),
            Err(failure) => return Err(failure),
        }
    }
    Ok(found)
}

/// Reads the file to its end, as the load does, and keeps nothing of it.
fn read(root: &Path, chosen: &Chosen, stop: &CancellationToken) -> Result<FileFacts, Failure> {
    let FoundFile { uri, size_bytes, modified_at, .. } = &chosen.file;
    let _checking = tracing::info_span!("check file", millrace.file = uri).entered();
    let path = raw_folder::resolve(root, uri)?;
    let expected =
        Expected { uri: uri.clone(), size_bytes: Some(*size_bytes), modified_at: Some(*modified_at), file_id: None };
    let added = read::peek(&path, &chosen.contract, &expected)?.added;
    let mut rows = Box::new(FileSource::new(path, &chosen.contract, &added, expected));
    while rows.next_batch()?.is_some() {
        if stop.is_cancelled() {
            return Err(Failure::transient("the dry run was broken off"));
        }
    }
    rows.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hundred_at_fault_are_named_and_all_are_counted() {
        let mut found = Found { files: 300, ..Found::default() };
        for number in 0..250 {
            found.bad(&format!("f{number}.csv"), Failure::permanent("x".repeat(5000)));
        }
        assert_eq!((found.faults.len(), found.faults[0].failure.message.len()), (NAMED, MAX_REASON_CHARS));
        let failure = found.failure().map(|failure| failure.message).unwrap_or_default();
        assert!(failure.starts_with("250 of 300 files would fail, f0.csv first: xxx"), "{failure}");
    }
}
