//! One file becomes one slice.

use chrono::Utc;
use messages::{Failure, FailureClass, SourceFileDiscovered};
use runtime::{CancelSignal, Contract, Handled, Work};
use warehouse::{LoadLine, LoadOutcome, LoadStatus, Slice};

use crate::rows::FileRows;
use crate::{IngestHandler, conclude, evolve, report};

/// Loads the file, and announces the run if this completes it.
pub(crate) async fn load(
    handler: &IngestHandler,
    work: &Work,
    file: &SourceFileDiscovered,
) -> Result<Handled, Failure> {
    let about = || format!("load {} of {}", file.load_id, file.uri);
    report::begins(file, work);
    let contract = contract_of(handler, file)?;
    let mut slice = slice(handler, work, file, contract);
    let cancel = heeded(handler, work, file).await?;
    let added = evolve::widened(handler, file, contract, &mut slice.table).await?;
    let rows = FileRows::new(handler.root.clone(), file, contract, &added, cancel);
    let gate = handler.gate_of(contract);
    let outcome = handler.ledger.warehouse().load(&slice, Box::new(rows), gate).await;
    let outcome = outcome.map_err(|error| match Failure::from(error) {
        // Whoever took it back knows what it is about.
        failure if failure.class == FailureClass::Cancelled => failure,
        failure => failure.context(about()),
    })?;
    if let LoadOutcome::Cancelled { why } = outcome {
        return Err(Failure::cancelled(why));
    }
    report::ended(&slice, work, &outcome);
    conclude::conclude(handler, &work.envelope, file).await
}

/// What breaks the load off. A file that had ended before somebody took its command back is not concerned: one that is loaded, be
/// it held back, is announced again, and one that failed and was replayed is wanted after all.
async fn heeded(
    handler: &IngestHandler,
    work: &Work,
    file: &SourceFileDiscovered,
) -> Result<Option<CancelSignal>, Failure> {
    let Some(failure) = work.cancel.heard() else { return Ok(Some(work.cancel.clone())) };
    let line = handler.ledger.file_line(&file.load_id, file.command_id, &file.uri).await?;
    match line.map(|line| line.status) {
        Some(LoadStatus::Planned | LoadStatus::Cancelled) | None => Err(failure),
        Some(_) => Ok(None),
    }
}

/// Records that the file could not be loaded, or that its command was taken back.
pub(crate) async fn record_end(
    handler: &IngestHandler,
    work: &Work,
    file: &SourceFileDiscovered,
    failure: &Failure,
) -> Result<(), Failure> {
    let now = Utc::now();
    let contract = contract_of(handler, file).ok();
    let is_cancelled = failure.class == FailureClass::Cancelled;
    let line = LoadLine {
        load_id: file.load_id.clone(),
        command_id: file.command_id,
        table: contract.map(Contract::table).unwrap_or_default(),
        source: contract.map(|contract| contract.source.clone()).unwrap_or_default(),
        uri: file.uri.clone(),
        file_id: file.file_id.clone(),
        status: if is_cancelled { LoadStatus::Cancelled } else { LoadStatus::Failed },
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
        decided_by: None,
        decided_why: None,
    };
    if is_cancelled {
        handler.ledger.record_cancelled(&line).await?;
        report::cancelled(&line);
    } else {
        handler.ledger.record_load(&line).await?;
        report::failed(&line);
    }
    Ok(())
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
