//! Parquet: columns with types, which become text that both warehouses read back.
//!
//! The file is read once to hash it and once for its rows, of which only the contract's columns are unpacked. It is damaged
//! or it is not: there are no bad rows but those with a NUL or a value of more than 1 MiB.

mod cells;

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::{RecordBatch, StringArray};
use memchr::memchr;
use messages::Failure;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use runtime::Contract;

use super::file::Hashed;
use super::shape::Shape;
use super::sink::Sink;
use super::text::PIECE_BYTES;
use super::{FREE_UNPACKED_BYTES, MAX_FIELD_BYTES, MAX_FIELDS, MAX_UNPACKED_BYTES, MAX_UNPACKED_RATIO, Reader};

/// Rows that are unpacked at a time: a value of 1 MiB that the file has once may stand in each of them.
const ROWS_AT_ONCE: usize = 256;

/// A Parquet file being read.
pub(super) struct Parquet {
    file: Hashed,
    batches: ParquetRecordBatchReader,
    /// For each column of the table, the column of a batch.
    positions: Vec<Option<usize>>,
    names: Vec<String>,
    cells: Vec<StringArray>,
    /// Rows of the batch, and how many of them were given.
    rows: usize,
    given: usize,
    /// Rows of the file before the batch.
    before: u64,
    bytes: u64,
}

impl Parquet {
    /// Reads the schema and lays it beside the contract.
    pub(super) fn open(mut file: Hashed, contract: &Contract) -> Result<(Self, Shape), Failure> {
        let uri = file.uri().to_owned();
        let fault = |why: String| Failure::permanent(format!("{uri}: {why}"));
        let mut piece = vec![0; PIECE_BYTES];
        while file.read(&mut piece)? > 0 {}
        let handle = file.another_handle()?;
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(handle))
            .map_err(|why| fault(format!("the file is damaged or no Parquet: {why}; deliver it again")))?;
        let unpacked: u64 = builder.metadata().row_groups().iter().map(|group| size(group.total_byte_size())).sum();
        let allowed =
            (FREE_UNPACKED_BYTES + MAX_UNPACKED_RATIO.saturating_mul(file.size_bytes())).min(MAX_UNPACKED_BYTES);
        if unpacked > allowed {
            return Err(fault(format!("it unpacks to {unpacked} bytes, more than {allowed}; split the file")));
        }
        let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        if names.len() > MAX_FIELDS {
            return Err(fault(format!("the file has more than {MAX_FIELDS} columns")));
        }
        let shape = Shape::of(&names, contract).map_err(fault)?;
        let mut wanted: Vec<usize> = shape.positions.iter().flatten().copied().collect();
        wanted.sort_unstable();
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.iter().copied());
        let place = |position: &Option<usize>| position.and_then(|at| wanted.binary_search(&at).ok());
        let positions = shape.positions.iter().map(place).collect();
        let batches = guarded(|| builder.with_projection(mask).with_batch_size(ROWS_AT_ONCE).build())
            .map_err(|why| fault(format!("the file is damaged: {why}; deliver it again")))?;
        let columns = contract.table_spec().columns.into_iter().chain(shape.added.iter().cloned());
        let reader = Self {
            file,
            batches,
            positions,
            names: columns.collect(),
            cells: Vec::new(),
            rows: 0,
            given: 0,
            before: 0,
            bytes: 0,
        };
        Ok((reader, shape))
    }

    /// Unpacks the next rows; `false` behind the last.
    fn next(&mut self) -> Result<bool, Failure> {
        self.before += self.rows as u64;
        (self.rows, self.given) = (0, 0);
        let batches = &mut self.batches;
        let batch: Option<RecordBatch> = guarded(|| batches.next().transpose())
            .map_err(|why| self.fault(&format!("the file is damaged: {why}; deliver it again")))?;
        let Some(batch) = batch else { return Ok(false) };
        let cells: Result<Vec<StringArray>, String> =
            batch.columns().iter().map(|column| guarded(|| cells::of(column))).collect();
        self.cells = cells.map_err(|why| self.fault(&format!("a column can't be made text: {why}")))?;
        self.rows = batch.num_rows();
        self.bytes += self.cells.iter().map(|column| column.value_data().len() as u64).sum::<u64>();
        if self.bytes > MAX_UNPACKED_BYTES {
            return Err(self.fault(&format!("it unpacks to more than {MAX_UNPACKED_BYTES} bytes; split the file")));
        }
        Ok(true)
    }

    fn give(&self, row: usize, sink: &mut Sink) -> Result<(), Failure> {
        let cell = |column: usize| match self.positions[column] {
            // The bytes of a NULL are none.
            Some(position) => self.cells[position].value(row).as_bytes(),
            None => b"",
        };
        let number = self.before + row as u64 + 1;
        let all = || (0..self.positions.len()).map(cell);
        let fault = if all().any(|value| value.len() > MAX_FIELD_BYTES) {
            Some("a value of more than 1 MiB")
        } else if all().any(|value| memchr(0, value).is_some()) {
            Some("a NUL character; the file is damaged or no text")
        } else {
            None
        };
        match fault {
            None => sink.row(cell, || (number, self.shown(row))),
            Some(why) => sink.bad(number, why, &self.shown(row)),
        }
    }

    /// The row as a line of JSON: it has no text of its own.
    fn shown(&self, row: usize) -> Vec<u8> {
        let value = |column: usize| {
            let text = self.positions[column].map(|position| self.cells[position].value(row));
            text.filter(|text| !text.is_empty()).map_or(serde_json::Value::Null, |text| {
                // As much as is kept of a row, and a bit more.
                text.chars().take(warehouse::MAX_REJECTED_BYTES + 1).collect::<String>().into()
            })
        };
        let fields = self.names.iter().enumerate().map(|(column, name)| (name.clone(), value(column)));
        serde_json::Value::Object(fields.collect()).to_string().into_bytes()
    }

    fn fault(&self, why: &str) -> Failure {
        Failure::permanent(format!("{}: {why}", self.file.uri()))
    }
}

impl Reader for Parquet {
    fn fill(&mut self, sink: &mut Sink, _: &mut Shape) -> Result<bool, Failure> {
        while !sink.is_full() {
            if self.given == self.rows && !self.next()? {
                return Ok(false);
            }
            while self.given < self.rows && !sink.is_full() {
                self.give(self.given, sink)?;
                self.given += 1;
            }
        }
        Ok(true)
    }

    fn nothing(&self) -> &'static str {
        "columns and no rows"
    }

    fn finish(self: Box<Self>) -> Result<(u64, String), Failure> {
        self.file.finish()
    }
}

/// What a reader of a foreign format makes of a damaged file may be an error, and may be a panic.
fn guarded<T, E: std::fmt::Display>(read: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(_) => Err("its reader broke off".into()),
    }
}

fn size(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
