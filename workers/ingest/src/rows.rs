//! The rows of a file that is looked for when they are asked for.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use messages::{Failure, SourceFileDiscovered};
use runtime::{CancelSignal, Contract, raw_folder};
use tracing::Span;
use warehouse::{FileFacts, RowSource};

use crate::read::{self, Expected, FileSource};

/// The rows of a file that is looked for when the first row is asked for, and not before: a load that was done earlier is
/// announced again although its file has gone.
pub(crate) struct FileRows {
    root: PathBuf,
    contract: Contract,
    added: Vec<String>,
    expected: Expected,
    opened: Option<FileSource>,
    /// Nobody wants the rest any more once it comes.
    cancel: Option<CancelSignal>,
    /// Rows are read on another thread.
    span: Span,
}

/// The columns that the table must be given before the file is loaded: see [`read::peek`]. Reads the file, and may block.
///
/// # Errors
/// Those of [`read::peek`]. Go on with nothing added, and the load meets them in its turn.
pub(crate) fn added_columns(
    root: &Path,
    file: &SourceFileDiscovered,
    contract: &Contract,
) -> Result<Vec<String>, Failure> {
    let path = raw_folder::resolve(root, &file.uri)?;
    Ok(read::peek(&path, contract, &expected(file))?.added)
}

fn expected(file: &SourceFileDiscovered) -> Expected {
    Expected {
        uri: file.uri.clone(),
        size_bytes: Some(file.size_bytes),
        modified_at: Some(file.modified_at),
        file_id: file.file_id.clone(),
    }
}

impl FileRows {
    /// The rows of `file`, with the contract's columns and behind them those that were `added` to its table.
    pub(crate) fn new(
        root: PathBuf,
        file: &SourceFileDiscovered,
        contract: &Contract,
        added: &[String],
        cancel: Option<CancelSignal>,
    ) -> Self {
        let (contract, added) = (contract.clone(), added.to_vec());
        Self { root, contract, added, expected: expected(file), opened: None, cancel, span: Span::current() }
    }

    fn go_on(&self) -> Result<(), Failure> {
        self.cancel.as_ref().map_or(Ok(()), CancelSignal::check)
    }

    fn open(&mut self) -> Result<&mut FileSource, Failure> {
        let source = match self.opened.take() {
            Some(source) => source,
            None => {
                let checking = tracing::info_span!(parent: &self.span, "check file", millrace.file = self.expected.uri);
                let _checking = checking.entered();
                let path = raw_folder::resolve(&self.root, &self.expected.uri)?;
                FileSource::new(path, &self.contract, &self.added, self.expected.clone())
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
            contract: self.contract.clone(),
            added: self.added.clone(),
            expected: self.expected.clone(),
            opened: None,
            cancel: self.cancel.clone(),
            span: self.span.clone(),
        }))
    }
}
