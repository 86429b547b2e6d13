//! Typed values into text that DuckDB and Snowflake both cast back to the type.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_cast::CastOptions;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_json::writer::{EncoderOptions, make_encoder};
use arrow_schema::{ArrowError, DataType, Field};

/// A column as text:
///
/// | type | text |
/// |---|---|
/// | text | itself |
/// | numbers | decimal, as many digits as they have; `NaN`, `inf` |
/// | booleans | `true`, `false` |
/// | date, time | `2026-11-23`, `12:00:00.5` |
/// | timestamp | `2026-11-23T12:00:00.5`; with `Z`, in UTC, where it is a point in time |
/// | bytes | hexadecimal |
/// | lists, structs, maps | JSON |
pub(super) fn of(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    match column.data_type() {
        DataType::Dictionary(_, values) => of(&arrow_cast::cast(column, values)?),
        DataType::Timestamp(unit, Some(_)) => {
            // Zones have names that change; points in time do not.
            let utc = DataType::Timestamp(*unit, Some("+00:00".into()));
            text(&arrow_cast::cast(column, &utc)?)
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => shown(column),
        kind if kind.is_nested() => json(column),
        _ => text(column),
    }
}

fn text(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    Ok(arrow_cast::cast_with_options(column, &DataType::Utf8, &strict)?.as_string::<i32>().clone())
}

fn shown(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let mut texts = StringBuilder::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.append_null();
        } else {
            write!(texts, "{}", formatter.value(row)).map_err(|_| ArrowError::CastError("bytes".into()))?;
            texts.append_value("");
        }
    }
    Ok(texts.finish())
}

fn json(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let field = Arc::new(Field::new("", column.data_type().clone(), true));
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, column, &options)?;
    let (mut texts, mut buffer) = (StringBuilder::new(), Vec::new());
    for row in 0..column.len() {
        if encoder.is_null(row) {
            texts.append_null();
            continue;
        }
        buffer.clear();
        encoder.encode(row, &mut buffer);
        let text = std::str::from_utf8(&buffer).map_err(|error| ArrowError::JsonError(error.to_string()))?;
        texts.append_value(text);
    }
    Ok(texts.finish())
}
