//! From a command to its files: a run over many files is shared by many workers.

use std::path::Path;

use chrono::Utc;
use messages::{Envelope, Failure, IngestRequested, SourceFileDiscovered, Stage};
use runtime::raw_folder::{self, FoundFile};
use runtime::{Contract, Handled, Work};
use warehouse::{LoadLine, LoadStatus, StageLine, StageStatus};

use crate::handler::{SENDER, failed};
use crate::{IngestHandler, report};

/// Records which files the command means, and announces each under the command's LOAD_ID. The first plan holds: a second
/// delivery announces the same files, whatever lies in the folder by then. A command that is taken back before it has a plan
/// gets none; where there is one, its files may be on their way, and end one by one.
pub(crate) async fn fan_out(
    handler: &IngestHandler,
    work: &Work,
    command: &IngestRequested,
) -> Result<Handled, Failure> {
    let envelope = &work.envelope;
    if let Some(failure) = taken_back(handler, work).await? {
        let planned = handler.ledger.planned(envelope.load_id(), envelope.id).await?;
        return if planned.is_empty() { Err(failure) } else { Ok(announcements(envelope, planned)) };
    }
    let files = choose(handler, command).await?;
    let as_of = command.as_of.unwrap_or(envelope.time);
    let run_files = count(files.len())?;
    let mut lines = Vec::with_capacity(files.len());
    for (contract, file) in &files {
        let table_files = count(files.iter().filter(|(other, _)| other.source == contract.source).count())?;
        let now = Utc::now();
        lines.push(LoadLine {
            load_id: command.load_id.clone(),
            command_id: envelope.id,
            table: contract.table(),
            source: contract.source.clone(),
            uri: file.uri.clone(),
            file_id: None,
            status: LoadStatus::Planned,
            attempt: 0,
            rows_loaded: 0,
            rows_rejected: 0,
            bytes: file.size_bytes,
            modified_at: file.modified_at,
            as_of,
            started_at: now,
            finished_at: now,
            error: None,
            trace_id: envelope.trace.trace_id(),
            run_files,
            table_files,
            worker: handler.worker.clone(),
            decided_by: None,
            decided_why: None,
        });
    }
    let planned = handler.ledger.plan(&lines).await?;
    if planned.is_empty() {
        // It came between the look and the plan.
        let failure = taken_back(handler, work).await?;
        return Err(failure.unwrap_or_else(|| Failure::transient("the run has no plan; it is tried again")));
    }
    report::planned(planned.len());
    Ok(announcements(envelope, planned))
}

/// How the command is to end, if it was taken back.
async fn taken_back(handler: &IngestHandler, work: &Work) -> Result<Option<Failure>, Failure> {
    let known = handler.ledger.known(Stage::Ingest, [&work.envelope]).await?;
    let ended = known.end(work.envelope.id).and_then(|line| line.error.clone()).map(Failure::cancelled);
    Ok(ended.or_else(|| known.cancelled(&work.envelope)).or_else(|| work.cancel.heard()))
}

/// Records that the command was cancelled before its files were planned, and announces it; or its files, if another worker had
/// planned them by then.
pub(crate) async fn record_cancelled(
    handler: &IngestHandler,
    envelope: &Envelope,
    attempt: u32,
    failure: &Failure,
) -> Result<Handled, Failure> {
    let event = failed(envelope, failure);
    let now = Utc::now();
    let line = StageLine {
        load_id: envelope.load_id().clone(),
        stage: Stage::Ingest,
        message_id: envelope.id,
        status: StageStatus::Cancelled,
        attempt,
        started_at: now,
        finished_at: now,
        error: Some(failure.message.clone()),
        announced: serde_json::to_value(&event).map_err(|error| Failure::permanent(error.to_string()))?,
        trace_id: envelope.trace.trace_id(),
        worker: handler.worker.clone(),
    };
    handler.ledger.cancel_plan(&line).await?;
    let planned = handler.ledger.planned(envelope.load_id(), envelope.id).await?;
    if planned.is_empty() {
        // The id that the end of a run has.
        let id = envelope.id.leading_to("ingest.failed");
        return Ok(vec![envelope.leads_to(SENDER, event).with_id(id)].into());
    }
    Ok(announcements(envelope, planned))
}

fn announcements(envelope: &Envelope, planned: Vec<LoadLine>) -> Handled {
    planned.into_iter().map(|line| announcement(envelope, line)).collect::<Vec<_>>().into()
}

fn announcement(envelope: &Envelope, line: LoadLine) -> Envelope {
    let id = envelope.id.leading_to(&line.uri);
    let event = SourceFileDiscovered {
        load_id: line.load_id,
        source: Some(line.source),
        uri: line.uri,
        file_id: None,
        size_bytes: line.bytes,
        modified_at: line.modified_at,
        as_of: line.as_of,
        command_id: envelope.id,
        run_files: line.run_files,
        table_files: line.table_files,
    };
    envelope.leads_to(SENDER, event).with_id(id)
}

/// The files that the command means, each with its contract.
pub(crate) async fn choose<'a>(
    handler: &'a IngestHandler,
    command: &IngestRequested,
) -> Result<Vec<(&'a Contract, FoundFile)>, Failure> {
    let wanted = handler.contracts.named(&command.sources)?;
    let names: Vec<String> = wanted.iter().map(|contract| contract.source.clone()).collect();
    let root = handler.root.clone();
    let named = command.files.clone();
    let found = tokio::task::spawn_blocking(move || look(&root, &named))
        .await
        .map_err(|error| Failure::transient(format!("a task ended early: {error}")))??;
    let mut files = Vec::new();
    for file in found {
        match handler.contracts.for_file(&file.uri) {
            Ok(contract) if names.contains(&contract.source) => files.push((contract, file)),
            // A file that was asked for by name must belong to what was asked for.
            Ok(contract) if !command.files.is_empty() => {
                return Err(Failure::permanent(format!(
                    "{} belongs to source {}, not to {}",
                    file.uri,
                    contract.source,
                    names.join(", ")
                )));
            }
            Err(failure) if !command.files.is_empty() => return Err(failure),
            _ => {}
        }
    }
    if files.is_empty() {
        return Err(Failure::permanent(format!(
            "no file in the raw folder belongs to {}: drop one, or look at the patterns of the contracts",
            names.join(", ")
        )));
    }
    Ok(files)
}

fn look(root: &Path, named: &[String]) -> Result<Vec<FoundFile>, Failure> {
    if named.is_empty() {
        return Ok(raw_folder::list(root).into_iter().filter(|file| !file.leads_outside).collect());
    }
    let file = |uri: &String| {
        raw_folder::resolve(root, uri)?;
        raw_folder::read_one(root, &root.join(uri))
            .ok_or_else(|| Failure::permanent(format!("{uri} is no regular file with a final name")))
    };
    named.iter().map(file).collect()
}

fn count(files: usize) -> Result<u32, Failure> {
    u32::try_from(files).map_err(|_| Failure::permanent("a run can't have more than 4 billion files"))
}
