//! From an Arrow batch to a DuckDB chunk.

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use duckdb::core::DataChunkHandle;
use duckdb::vtab::record_batch_to_duckdb_data_chunk;
use messages::Failure;

/// Whether `batch` is what a source owes: `columns` texts and a row number.
pub(super) fn check(batch: &RecordBatch, columns: usize) -> Result<(), Failure> {
    let schema = batch.schema();
    let texts = schema.fields().iter().take(columns).all(|field| field.data_type() == &DataType::Utf8);
    let number = schema.fields().get(columns).is_some_and(|field| field.data_type() == &DataType::Int64);
    if texts && number && schema.fields().len() == columns + 1 {
        Ok(())
    } else {
        Err(Failure::permanent(format!(
            "the reader gave other columns than {columns} texts and a row number; this is a fault of millrace"
        )))
    }
}

/// Writes `batch`, which was [checked](check), into `output`.
pub(super) fn write(
    batch: &RecordBatch,
    output: &mut DataChunkHandle,
) -> Result<(), Box<dyn std::error::Error>> {
    record_batch_to_duckdb_data_chunk(batch, output)
}
