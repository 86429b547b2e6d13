//! One file becomes one slice.

use std::path::PathBuf;

use chrono::Utc;
use messages::{Failure, FailureClass, SourceFileDiscovered};
use runtime::{Contract, Handled, Work, raw_folder};
use warehouse::{LoadLine, LoadOutcome, LoadStatus, Slice};

use crate::csv::{CsvSource, Expected};
use crate::{IngestHandler, conclude};

/// Loads the file, and announces the run if this completes it.
pub(crate) async fn load(
    handler: &IngestHandler,
    work: &Work,
    file: &SourceFileDiscovered,
) -> Result<Handled, Failure> {
    let about = || format!("load {} of {}", file.load_id, file.uri);
    let contract = contract_of(handler, file)?;
    let slice = slice(handler, work, file, contract);
    let root = handler.root.clone();
    let uri = file.uri.clone();
    let path = blocking(move || raw_folder::resolve(&root, &uri)).await??;
    let rows = open(path, file, slice.table.columns.clone()).await.map_err(|failure| failure.context(about()))?;
    let outcome = handler.ledger.warehouse().load(&slice, Box::new(rows)).await;
    match outcome.map_err(|error| Failure::from(error).context(about()))? {
        LoadOutcome::Loaded(facts) => {
            let elapsed = Utc::now().signed_duration_since(slice.started_at);
            tracing::info!(
                load_id = %file.load_id, table = slice.table.table, file = file.uri, rows = facts.rows, bytes = facts.bytes,
                attempt = work.attempt, elapsed_secs = elapsed.as_seconds_f64(), trace_id = slice.trace_id, "file loaded"
            );
        }
        LoadOutcome::AlreadyLoaded => {
            tracing::info!(load_id = %file.load_id, file = file.uri, "loaded before; announced again");
        }
        LoadOutcome::Fenced { by } => {
            tracing::info!(load_id = %file.load_id, file = file.uri, %by, "a newer command has this load; nothing done");
            return Ok(Handled::default());
        }
    }
    conclude::conclude(handler, &work.envelope, file).await
}

/// Opens the file and reads its header.
async fn open(path: PathBuf, file: &SourceFileDiscovered, columns: Vec<String>) -> Result<CsvSource, Failure> {
    let expected = Expected {
        uri: file.uri.clone(),
        size_bytes: Some(file.size_bytes),
        modified_at: Some(file.modified_at),
        file_id: file.file_id.clone(),
    };
    blocking(move || CsvSource::open(&path, &columns, expected)).await?
}

/// Records that the file could not be loaded.
pub(crate) async fn record_failure(
    handler: &IngestHandler,
    work: &Work,
    file: &SourceFileDiscovered,
    failure: &Failure,
) -> Result<(), Failure> {
    let now = Utc::now();
    let contract = contract_of(handler, file).ok();
    let line = LoadLine {
        load_id: file.load_id.clone(),
        command_id: file.command_id,
        table: contract.map(Contract::table).unwrap_or_default(),
        source: contract.map(|contract| contract.source.clone()).unwrap_or_default(),
        uri: file.uri.clone(),
        file_id: file.file_id.clone(),
        status: LoadStatus::Failed,
        attempt: work.attempt,
        rows_loaded: 0,
        rows_rejected: 0,
        bytes: file.size_bytes,
        modified_at: file.modified_at,
        as_of: file.as_of,
        started_at: now,
        finished_at: now,
        error: Some(failure.message.clone()),
        trace_id: work.envelope.trace.trace_id(),
        run_files: file.run_files,
        table_files: file.table_files,
        worker: handler.worker.clone(),
    };
    Ok(handler.ledger.record_load(&line).await?)
}

fn contract_of<'a>(handler: &'a IngestHandler, file: &SourceFileDiscovered) -> Result<&'a Contract, Failure> {
    match &file.source {
        // A contract may have come since the file was found.
        None => handler.contracts.for_file(&file.uri),
        Some(name) => handler.contracts.source(name).ok_or_else(|| Failure {
            class: FailureClass::Permanent,
            message: format!("unknown source {name:?} for {}: its contract is gone; restore it, then replay", file.uri),
        }),
    }
}

fn slice(handler: &IngestHandler, work: &Work, file: &SourceFileDiscovered, contract: &Contract) -> Slice {
    Slice {
        load_id: file.load_id.clone(),
        command_id: file.command_id,
        table: contract.table_spec(),
        source: contract.source.clone(),
        uri: file.uri.clone(),
        modified_at: file.modified_at,
        as_of: file.as_of,
        attempt: work.attempt,
        run_files: file.run_files,
        table_files: file.table_files,
        started_at: Utc::now(),
        worker: handler.worker.clone(),
        trace_id: work.envelope.trace.trace_id(),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::transient(format!("a task ended early: {error}")))
}
