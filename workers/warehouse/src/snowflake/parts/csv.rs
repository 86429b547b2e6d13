//! Rows as CSV that can't be misread.
//!
//! Every value is quoted, so that what is in it (commas, line breaks, blanks at its ends) is of no account, and an
//! empty text is another thing than NULL, which is nothing between the commas.

use arrow_array::{Array, Int64Array, RecordBatch, StringArray};
use messages::Failure;

/// A batch's columns, checked to be what a source owes.
pub(super) struct Columns<'a> {
    texts: Vec<&'a StringArray>,
    numbers: &'a Int64Array,
}

impl<'a> Columns<'a> {
    /// `columns` texts and a row number without NULLs, or a failure.
    pub(super) fn of(batch: &'a RecordBatch, columns: usize) -> Result<Self, Failure> {
        let fault = || {
            Failure::permanent(format!(
                "the reader gave other columns than {columns} texts and a row number; this is a fault of millrace"
            ))
        };
        let (last, texts) = batch.columns().split_last().ok_or_else(fault)?;
        let numbers = last.as_any().downcast_ref::<Int64Array>().filter(|numbers| numbers.null_count() == 0);
        let texts: Option<Vec<_>> = texts.iter().map(|text| text.as_any().downcast_ref::<StringArray>()).collect();
        match (texts, numbers) {
            (Some(texts), Some(numbers)) if texts.len() == columns => Ok(Self { texts, numbers }),
            _ => Err(fault()),
        }
    }

    /// Appends a row to `csv`: SOURCE_ROW, then the columns.
    pub(super) fn write(&self, row: usize, csv: &mut Vec<u8>) {
        csv.extend_from_slice(itoa::Buffer::new().format(self.numbers.value(row)).as_bytes());
        for text in &self.texts {
            csv.push(b',');
            if text.is_valid(row) {
                quote(text.value(row).as_bytes(), csv);
            }
        }
        csv.push(b'\n');
    }
}

fn quote(mut text: &[u8], csv: &mut Vec<u8>) {
    csv.push(b'"');
    while let Some(at) = memchr::memchr(b'"', text) {
        csv.extend_from_slice(&text[..=at]);
        csv.push(b'"');
        text = &text[at + 1..];
    }
    csv.extend_from_slice(text);
    csv.push(b'"');
}
