//! Fields into columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::BATCH_ROWS;

/// Bytes of a batch behind which no row is added: long texts must not make a batch of gigabytes.
const BATCH_BYTES: usize = 8 << 20;

/// A batch that is being filled.
pub(super) struct Filling {
    schema: SchemaRef,
    columns: Vec<Column>,
    numbers: Vec<i64>,
    bytes: usize,
    /// Rows of the batches before.
    given: u64,
}

impl Filling {
    pub(super) fn new(columns: &[String]) -> Self {
        let texts = columns.iter().map(|name| Field::new(name, DataType::Utf8, true));
        let number = Field::new("SOURCE_ROW", DataType::Int64, false);
        let schema = Arc::new(Schema::new(texts.chain([number]).collect::<Vec<_>>()));
        Self {
            schema,
            columns: columns.iter().map(|_| Column::sized(0)).collect(),
            numbers: Vec::new(),
            bytes: 0,
            given: 0,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.numbers.len() == BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// Rows taken so far.
    pub(super) fn total(&self) -> u64 {
        self.given + self.numbers.len() as u64
    }

    /// Takes the file's data row `number`: `field` gives the bytes of the column with that index.
    pub(super) fn push<'a>(&mut self, number: u64, field: impl Fn(usize) -> &'a [u8]) {
        for (index, column) in self.columns.iter_mut().enumerate() {
            let value = field(index);
            self.bytes += value.len();
            column.push(value);
        }
        self.numbers.push(number as i64);
    }

    /// The batch; `None` if it has no rows.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.numbers.is_empty() {
            return Ok(None);
        }
        self.given += self.numbers.len() as u64;
        self.bytes = 0;
        let numbers = std::mem::replace(&mut self.numbers, Vec::with_capacity(BATCH_ROWS));
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len() + 1);
        for column in &mut self.columns {
            arrays.push(Arc::new(column.take()?));
        }
        arrays.push(Arc::new(Int64Array::from(numbers)));
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map(Some)
    }
}

/// A column that is being filled. Empty is NULL.
struct Column {
    values: Vec<u8>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Column {
    fn sized(bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(BATCH_ROWS + 1);
        offsets.push(0);
        Self { values: Vec::with_capacity(bytes), offsets, nulls: NullBufferBuilder::new(BATCH_ROWS) }
    }

    fn push(&mut self, field: &[u8]) {
        self.values.extend_from_slice(field);
        // A batch holds 2,048 fields of at most 1 MiB: the last may end exactly behind what an i32 counts, so that
        // `take` refuses rather than wraps.
        self.offsets.push(i32::try_from(self.values.len()).unwrap_or(i32::MAX));
        self.nulls.append(!field.is_empty());
    }

    fn take(&mut self) -> Result<StringArray, ArrowError> {
        let filled = std::mem::replace(self, Self::sized(self.values.len() * 9 / 8));
        let Self { values, offsets, mut nulls } = filled;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        StringArray::try_new(offsets, Buffer::from_vec(values), nulls.finish())
    }
}
