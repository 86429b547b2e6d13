//! The streaming CSV reader: one file, once, with bounded memory.
//!
//! It is strict, because a lenient reader turns a damaged file into wrong rows without a word: UTF-8 (a byte order
//! mark is skipped), commas, RFC 4180 quotes with line breaks inside them, LF or CRLF, and in every row as many
//! fields as the header has. Blank lines are skipped. An empty field is NULL, in quotes or not. Every error names
//! the file and the line, and none shows a row's contents.

mod batch;
mod file;
mod header;
mod records;
mod strict;

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use messages::Failure;
use warehouse::{FileFacts, RowSource};

pub use file::Expected;
use records::Records;

/// The longest field, in bytes. What is longer is a quote that was never closed, or no field of a table.
pub const MAX_FIELD_BYTES: usize = 1 << 20;

/// Rows of a batch: those of a DuckDB chunk.
pub const BATCH_ROWS: usize = 2048;

/// A CSV file as a source of rows.
pub struct CsvSource {
    path: PathBuf,
    columns: Vec<String>,
    expected: Expected,
    records: Option<Records>,
}

impl CsvSource {
    /// The file at `path`, of which the `columns` of the contract are read. Nothing is opened before the first row is
    /// asked for, so that a load that was done before succeeds although its file has gone.
    pub fn new(path: impl Into<PathBuf>, columns: &[String], expected: Expected) -> Self {
        Self { path: path.into(), columns: columns.to_vec(), expected, records: None }
    }

    /// Opens the file and reads its header at once.
    pub fn open(path: &Path, columns: &[String], expected: Expected) -> Result<Self, Failure> {
        let mut source = Self::new(path, columns, expected);
        source.records()?;
        Ok(source)
    }

    /// What people should know about the file although it loads: columns that no contract names. Known once the
    /// header is read.
    pub fn notes(&self) -> &[String] {
        self.records.as_ref().map_or(&[], Records::notes)
    }

    fn records(&mut self) -> Result<&mut Records, Failure> {
        match &mut self.records {
            Some(records) => Ok(records),
            none => Ok(none.insert(Records::open(&self.path, &self.columns, self.expected.clone())?)),
        }
    }
}

impl RowSource for CsvSource {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        self.records()?.next_batch()
    }

    fn finish(mut self: Box<Self>) -> Result<FileFacts, Failure> {
        self.records()?;
        match self.records {
            Some(records) => records.finish(),
            None => Err(Failure::permanent(format!("{} was not opened", self.expected.uri))),
        }
    }
}

#[cfg(test)]
mod tests;
