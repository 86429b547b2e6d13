//! From an Arrow batch to a DuckDB chunk.
//!
//! The crate's own conversion makes a call into DuckDB for every text, which checks its UTF-8 once more. This one
//! writes texts of up to 12 bytes, most of a plant's data, straight into the vector, and NULLs 64 at a time: measured
//! on 2 M rows of 12 columns, a fifth of a load's time. It is the one place with `unsafe` in this crate.
#![allow(unsafe_code)]

use std::ffi::c_char;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use duckdb::core::DataChunkHandle;
use duckdb::ffi;
use messages::Failure;

/// Texts up to this length stand in the vector itself.
const INLINE_BYTES: usize = 12;

/// Whether `batch` is what a source owes: `columns` texts and a row number without NULLs.
pub(super) fn check(batch: &RecordBatch, columns: usize) -> Result<(), Failure> {
    let (arrays, is) = (batch.columns(), |array: &dyn Array, kind| *array.data_type() == kind);
    let texts = arrays.iter().take(columns).all(|array| is(array, DataType::Utf8));
    let number = arrays.get(columns).is_some_and(|array| is(array, DataType::Int64) && array.null_count() == 0);
    if texts && number && arrays.len() == columns + 1 {
        Ok(())
    } else {
        Err(Failure::permanent(format!(
            "the reader gave other columns than {columns} texts and a row number; this is a fault of millrace"
        )))
    }
}

/// Writes `batch`, which was [checked](check), into `output`, whose columns the table function declared: as many
/// texts as the batch has, and a number.
pub(super) fn write(batch: &RecordBatch, output: &mut DataChunkHandle) -> Result<(), Box<dyn std::error::Error>> {
    let rows = batch.num_rows();
    if batch.num_columns() != output.num_columns() || rows > vector_rows() {
        return Err("a batch does not fit the table function's chunk".into());
    }
    let texts = batch.num_columns() - 1;
    for column in 0..texts {
        // SAFETY: the chunk is DuckDB's and ours alone during this call; `column` is one of its columns (compared
        // above), declared VARCHAR by the table function, and it holds `vector_rows()` values, not fewer than `rows`.
        unsafe {
            let vector = ffi::duckdb_data_chunk_get_vector(output.get_ptr(), column as u64);
            write_texts(batch.column(column).as_string(), vector);
        }
    }
    let numbers = batch.column(texts).as_primitive::<Int64Type>().values();
    // SAFETY: the column is declared BIGINT, so its values are `i64`; `copy` compares the lengths.
    unsafe { output.flat_vector(texts).copy::<i64>(numbers) };
    output.set_len(rows);
    Ok(())
}

fn vector_rows() -> usize {
    // SAFETY: takes no argument and reads a constant.
    (unsafe { ffi::duckdb_vector_size() }) as usize
}

/// Writes texts and NULLs.
///
/// # Safety
///
/// `vector` must be a flat VARCHAR vector that nobody else uses, with room for `texts.len()` values.
unsafe fn write_texts(texts: &StringArray, vector: ffi::duckdb_vector) {
    // SAFETY: a flat VARCHAR vector's data are `duckdb_string_t`, as many as it has room for.
    let slots = unsafe { ffi::duckdb_vector_get_data(vector) }.cast::<ffi::duckdb_string_t>();
    let bytes = texts.value_data();
    for (row, ends) in texts.value_offsets().windows(2).enumerate() {
        let text = &bytes[ends[0] as usize..ends[1] as usize];
        if text.len() <= INLINE_BYTES {
            let mut inlined = [0; INLINE_BYTES];
            inlined[..text.len()].copy_from_slice(text);
            let value = ffi::duckdb_string_t__bindgen_ty_1 {
                inlined: ffi::duckdb_string_t__bindgen_ty_1__bindgen_ty_2 {
                    length: text.len() as u32,
                    inlined: inlined.map(|byte| byte as c_char),
                },
            };
            // SAFETY: `row` is below `texts.len()`. A text of up to 12 bytes is its length and its bytes, the rest
            // zero; the type is of the public C API, and its size is asserted below. `write` reads nothing old.
            unsafe { slots.add(row).write(ffi::duckdb_string_t { value }) };
        } else {
            // SAFETY: `row` is below `texts.len()`; pointer and length are of one slice, which DuckDB copies. The text
            // is UTF-8, as every `StringArray`'s is, which is what this function leaves unchecked.
            unsafe {
                let start = text.as_ptr().cast::<c_char>();
                ffi::duckdb_unsafe_vector_assign_string_element_len(vector, row as u64, start, text.len() as u64);
            }
        }
    }
    let Some(nulls) = texts.nulls().filter(|nulls| nulls.null_count() > 0) else { return };
    // SAFETY: after the first call the vector has a validity mask of one bit for each value it has room for, in
    // 64-bit words; there are as many words here as `texts.len()` bits need. In both, a set bit is a value that is
    // there, and the lowest bit comes first.
    unsafe {
        ffi::duckdb_vector_ensure_validity_writable(vector);
        let mask = ffi::duckdb_vector_get_validity(vector);
        let words = nulls.inner().bit_chunks().iter_padded().take(texts.len().div_ceil(64));
        for (at, word) in words.enumerate() {
            mask.add(at).write(word);
        }
    }
}

const _: () = assert!(size_of::<ffi::duckdb_string_t>() == 16);
