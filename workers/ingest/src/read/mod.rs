//! Files as sources of rows: one file, once, with bounded memory.
//!
//! [`FileSource`] opens a file as its contract says it is written, finds the contract's columns in it, and yields its rows as
//! text. What it meets that the contract does not say is treated as the contract's `surprises` say: see
//! `data/sources/README.md`, which is this module's manual. Every error names the file and the line, and none shows a row's
//! contents.

mod batch;
mod csv;
mod file;
mod json_lines;
mod keys;
mod open;
mod parquet;
mod shape;
mod sink;
mod text;
mod unpack;

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use messages::Failure;
use runtime::Contract;
use warehouse::{FileFacts, RowSource};

pub use file::Expected;
pub use keys::MAX_KEYED_ROWS;
use open::Opened;
pub use shape::MAX_ADDED_COLUMNS;
use shape::Shape;
use sink::Sink;
pub use unpack::{FREE_UNPACKED_BYTES, MAX_UNPACKED_BYTES, MAX_UNPACKED_RATIO};

/// The longest field, in bytes. What is longer is a quote that was never closed, or no field of a table.
pub const MAX_FIELD_BYTES: usize = 1 << 20;
/// The longest row, in bytes.
pub const MAX_ROW_BYTES: usize = 32 << 20;
/// The most fields of a row.
pub const MAX_FIELDS: usize = 10_000;
/// Rows of a batch: those of a DuckDB chunk.
pub const BATCH_ROWS: usize = 2048;

/// What a file has beside its contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    /// Columns that the table must be given before the file is loaded, in the order of the file: checked identifiers in lower
    /// case, none of them the contract's. Empty unless the contract says `new_column: evolve`.
    pub added: Vec<String>,
}

/// Looks at the file's header, or its schema, and says what the table must be given before the file is loaded.
///
/// For a load: if `contract.surprises.new_column` is [`runtime::Policy::Evolve`], peek; append `added` to the columns of
/// [`Contract::table_spec`]; `prepare` the warehouse with that, put it into the slice, and give `added` to
/// [`FileSource::new`]. After an error go on with nothing added: the source finds the same fault again when it is read, and a
/// load that was done before succeeds although its file has gone. A file of JSON Lines has no header and is read to its end.
///
/// # Errors
/// The file can't be read, or names a column that no table can have.
pub fn peek(path: &Path, contract: &Contract, expected: &Expected) -> Result<Peek, Failure> {
    if contract.surprises.new_column != runtime::Policy::Evolve {
        return Ok(Peek::default());
    }
    let Opened { mut reader, mut shape } = open::open(path, contract, expected.clone())?;
    if reader.columns_come_late() {
        // Every row is looked at, and none is kept.
        let mut sink = Sink::new(&expected.uri, contract, &contract.table_spec().columns);
        while reader.fill(&mut sink, &mut shape)? {
            sink.take()?;
        }
    }
    Ok(Peek { added: shape.added })
}

/// A file as a source of rows.
pub struct FileSource {
    path: PathBuf,
    contract: Contract,
    added: Vec<String>,
    expected: Expected,
    opened: Option<Reading>,
}

struct Reading {
    reader: Box<dyn Reader>,
    shape: Shape,
    sink: Sink,
}

/// A format: hands a file's rows to a sink.
trait Reader: Send {
    /// Reads until the sink's batch is full or the file ends; `false` when it has ended. What the rows tell about the file's
    /// shape goes into `shape`.
    fn fill(&mut self, sink: &mut Sink, shape: &mut Shape) -> Result<bool, Failure>;

    /// Whether only its rows tell which columns the file has.
    fn columns_come_late(&self) -> bool {
        false
    }

    /// Judges what only the end of the file tells about its shape.
    fn end(&self, _shape: &mut Shape) -> Result<(), Failure> {
        Ok(())
    }

    /// What a file without rows has instead.
    fn nothing(&self) -> &'static str;

    /// Bytes of the file and its hash, once all is read.
    fn finish(self: Box<Self>) -> Result<(u64, String), Failure>;
}

impl FileSource {
    /// The file at `path`. Its rows have the contract's columns, and behind them those that were `added` to the table because
    /// [`peek`] said so. Nothing is opened before the first row is asked for, so that a load that was done before succeeds
    /// although its file has gone.
    pub fn new(path: impl Into<PathBuf>, contract: &Contract, added: &[String], expected: Expected) -> Self {
        Self { path: path.into(), contract: contract.clone(), added: added.to_vec(), expected, opened: None }
    }

    fn reading(&mut self) -> Result<&mut Reading, Failure> {
        match &mut self.opened {
            Some(reading) => Ok(reading),
            none => {
                let columns: Vec<String> =
                    self.contract.table_spec().columns.into_iter().chain(self.added.iter().cloned()).collect();
                let sink = Sink::new(&self.expected.uri, &self.contract, &columns);
                let Opened { reader, mut shape } = open::open(&self.path, &self.contract, self.expected.clone())?;
                if reader.columns_come_late() {
                    shape.added.clone_from(&self.added);
                } else if shape.added != self.added {
                    return Err(unprepared(&self.expected.uri));
                }
                Ok(none.insert(Reading { reader, shape, sink }))
            }
        }
    }
}

/// The file has columns that nobody gave the table.
fn unprepared(uri: &str) -> Failure {
    Failure::transient(format!("{uri} has other columns than when its table was made ready; it is tried again"))
}

impl RowSource for FileSource {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        let Reading { reader, shape, sink } = self.reading()?;
        reader.fill(sink, shape)?;
        sink.take()
    }

    fn finish(mut self: Box<Self>) -> Result<FileFacts, Failure> {
        while self.next_batch()?.is_some() {}
        let Some(Reading { reader, mut shape, sink }) = self.opened.take() else {
            return Err(Failure::transient(format!("{} was not read", self.expected.uri)));
        };
        reader.end(&mut shape)?;
        sink.end(&mut shape, reader.nothing())?;
        Ok(sink.facts(shape, reader.finish()?))
    }
}

#[cfg(test)]
mod kit;
#[cfg(test)]
mod tests;
