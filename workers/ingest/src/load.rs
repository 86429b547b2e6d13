//! One file becomes one slice.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use chrono::Utc;
use messages::{Failure, FailureClass, SourceFileDiscovered};
use runtime::{CancelSignal, Contract, Handled, Work, raw_folder};
use tracing::Span;
use warehouse::{FileFacts, LoadLine, LoadOutcome, LoadStatus, RowSource, Slice};

use crate::csv::{CsvSource, Expected};
use crate::{IngestHandler, conclude, report};

/// Loads the file, and announces the run if this completes it.
pub(crate) async fn load(
    handler: &IngestHandler,
    work: &Work,
    file: &SourceFileDiscovered,
) -> Result<Handled, Failure> {
    let about = || format!("load {} of {}", file.load_id, file.uri);
    report::begins(file, work);
    let contract = contract_of(handler, file)?;
    let slice = slice(handler, work, file, contract);
    let cancel = heeded(handler, work, file).await?;
    let rows = FileRows::new(handler.root.clone(), file, slice.table.columns.clone(), cancel);
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

/// The rows of a file that is looked for when the first row is asked for, and not before: a load that was done earlier is
/// announced again although its file has gone.
struct FileRows {
    root: PathBuf,
    columns: Vec<String>,
    expected: Expected,
    opened: Option<CsvSource>,
    /// Nobody wants the rest any more once it comes.
    cancel: Option<CancelSignal>,
    /// Rows are read on another thread.
    span: Span,
}

impl FileRows {
    fn new(root: PathBuf, file: &SourceFileDiscovered, columns: Vec<String>, cancel: Option<CancelSignal>) -> Self {
        let expected = Expected {
            uri: file.uri.clone(),
            size_bytes: Some(file.size_bytes),
            modified_at: Some(file.modified_at),
            file_id: file.file_id.clone(),
        };
        Self { root, columns, expected, opened: None, cancel, span: Span::current() }
    }

    fn go_on(&self) -> Result<(), Failure> {
        self.cancel.as_ref().map_or(Ok(()), CancelSignal::check)
    }

    fn open(&mut self) -> Result<&mut CsvSource, Failure> {
        let source = match self.opened.take() {
            Some(source) => source,
            None => {
                let checking = tracing::info_span!(parent: &self.span, "check file", millrace.file = self.expected.uri);
                let _checking = checking.entered();
                let path = raw_folder::resolve(&self.root, &self.expected.uri)?;
                CsvSource::new(path, &self.columns, self.expected.clone())
            }
        };
        Ok(self.opened.insert(source))
    }
}

impl RowSource for FileRows {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        self.go_on()?;
        failpoint::point!("read:before");
        self.open()?.next_batch()
    }

    fn finish(mut self: Box<Self>) -> Result<FileFacts, Failure> {
        self.go_on()?;
        self.open()?;
        match self.opened.take() {
            Some(source) => Box::new(source).finish(),
            None => Err(Failure::transient(format!("{} was not read", self.expected.uri))),
        }
    }

    fn again(&self) -> Option<Box<dyn RowSource>> {
        Some(Box::new(Self {
            root: self.root.clone(),
            columns: self.columns.clone(),
            expected: self.expected.clone(),
            opened: None,
            cancel: self.cancel.clone(),
            span: self.span.clone(),
        }))
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
