//! From a command to its files: a run over many files is shared by many workers.

use std::path::Path;

use chrono::Utc;
use messages::{Envelope, Failure, IngestRequested, SourceFileDiscovered};
use runtime::raw_folder::{self, FoundFile};
use runtime::{Contract, Handled};
use warehouse::{LoadLine, LoadStatus};

use crate::handler::SENDER;
use crate::{IngestHandler, report};

/// Records which files the command means, and announces each under the command's LOAD_ID. The first plan holds: a second
/// delivery announces the same files, whatever lies in the folder by then.
pub(crate) async fn fan_out(
    handler: &IngestHandler,
    envelope: &Envelope,
    command: &IngestRequested,
) -> Result<Handled, Failure> {
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
        });
    }
    let planned = handler.ledger.plan(&lines).await?;
    report::planned(planned.len());
    Ok(planned.into_iter().map(|line| announcement(envelope, line)).collect::<Vec<_>>().into())
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
