//! CSV: text with a header, fields with a delimiter between them.
//!
//! The reader is strict, because a lenient one turns a damaged file into wrong rows without a word: RFC 4180 quotes with line
//! breaks inside them, LF or CRLF (mixed, if need be), and in every row as many fields as the header has. Blank lines are
//! skipped. An empty field is NULL, in quotes or not.
//!
//! What is wrong with a row refuses the file or, where the contract says so, sets that row aside:
//!
//! - A row that is whole, but has too few or too many fields, a field of more than 1 MiB, a NUL byte, or bytes that are no text
//!   in the file's encoding: the row is set aside from its first to its last line, and the next row is read.
//! - A row whose end can't be told, because of a quote inside a field that does not begin with one, text behind a closing quote,
//!   a carriage return without a line feed, a quote that is not closed within the file or within 1 MiB, or more than 32 MiB: the
//!   line that the row begins in is set aside, and the next line is read as the beginning of a row. So a stray quote costs its
//!   own line; the lines of a note that a quote has torn apart are judged one by one, and set aside as they are no rows either.
//!
//! A header that can't be read always refuses the file. Where the contract says that there is none, the first line is a row like
//! any other; one that names all of the contract's columns is a header all the same, and refuses the file.

mod frame;
mod records;

pub(super) use records::Csv;

use super::{MAX_FIELD_BYTES, MAX_FIELDS, MAX_ROW_BYTES};

#[cfg(test)]
mod quarantine_tests;
#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod tests;
