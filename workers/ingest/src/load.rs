//! One file becomes one slice.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use chrono::Utc;
use messages::{Failure, FailureClass, SourceFileDiscovered};
use runtime::{Contract, Handled, Work, raw_folder};
use tracing::Span;
use warehouse::{FileFacts, LoadLine, LoadStatus, RowSource, Slice};

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
    let rows = FileRows::new(handler.root.clone(), file, slice.table.columns.clone());
    let outcome = handler.ledger.warehouse().load(&slice, Box::new(rows)).await;
    let outcome = outcome.map_err(|error| Failure::from(error).context(about()))?;
    report::ended(&slice, work, &outcome);
    conclude::conclude(handler, &work.envelope, file).await
}

/// The rows of a file that is looked for when the first row is asked for, and not before: a load that was done earlier is
/// announced again although its file has gone.
struct FileRows {
    root: PathBuf,
    columns: Vec<String>,
    expected: Expected,
    opened: Option<CsvSource>,
    /// Rows are read on another thread.
    span: Span,
}

impl FileRows {
    fn new(root: PathBuf, file: &SourceFileDiscovered, columns: Vec<String>) -> Self {
        let expected = Expected {
            uri: file.uri.clone(),
            size_bytes: Some(file.size_bytes),
            modified_at: Some(file.modified_at),
            file_id: file.file_id.clone(),
        };
        Self { root, columns, expected, opened: None, span: Span::current() }
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
        self.open()?.next_batch()
    }

    fn finish(mut self: Box<Self>) -> Result<FileFacts, Failure> {
        self.open()?;
        match self.opened.take() {
            Some(source) => Box::new(source).finish(),
            None => Err(Failure::transient(format!("{} was not read", self.expected.uri))),
        }
    }
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
    handler.ledger.record_load(&line).await?;
    report::failed(&line);
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
