//! From a path to a reader that stands before the first row.

use std::path::Path;

use messages::Failure;
use runtime::{Contract, FileKind, Policy};

use super::Reader;
use super::csv::Csv;
use super::file::{Expected, Hashed};
use super::json_lines::JsonLines;
use super::parquet::Parquet;
use super::shape::Shape;
use super::text::Text;

/// A file that is open.
pub(super) struct Opened {
    pub(super) reader: Box<dyn Reader>,
    pub(super) shape: Shape,
}

/// Opens the file if it is still the one that was found, and finds the contract's columns in it.
pub(super) fn open(path: &Path, contract: &Contract, expected: Expected) -> Result<Opened, Failure> {
    let file = Hashed::open(path, expected)?;
    match contract.format.kind {
        FileKind::Csv => csv(file, contract),
        FileKind::JsonLines => json_lines(file, contract),
        FileKind::Parquet => parquet(file, contract),
    }
}

fn json_lines(file: Hashed, contract: &Contract) -> Result<Opened, Failure> {
    let format = &contract.format;
    let is_empty = file.size_bytes() == 0 && contract.surprises.empty_file == Policy::Reject;
    if is_empty {
        return Err(empty(file.uri()));
    }
    let text = Text::open(file, format.compression, format.encoding)?;
    Ok(Opened { reader: Box::new(JsonLines::new(text, contract)), shape: Shape::default() })
}

fn parquet(file: Hashed, contract: &Contract) -> Result<Opened, Failure> {
    if file.size_bytes() == 0 {
        // No file of Parquet is: it was cut off before its first byte.
        return Err(empty(file.uri()));
    }
    let (reader, shape) = Parquet::open(file, contract)?;
    Ok(Opened { reader: Box::new(reader), shape })
}

fn empty(uri: &str) -> Failure {
    Failure::permanent(format!("{uri}: the file is empty: 0 bytes"))
}

fn csv(file: Hashed, contract: &Contract) -> Result<Opened, Failure> {
    let (uri, is_empty) = (file.uri().to_owned(), file.size_bytes() == 0);
    let format = &contract.format;
    let mut reader = Box::new(Csv::new(Text::open(file, format.compression, format.encoding)?, format));
    if !format.header {
        if is_empty && contract.surprises.empty_file == Policy::Reject {
            return Err(empty(&uri));
        }
        let shape = reader.no_header(contract);
        return Ok(Opened { reader, shape });
    }
    let shape = match reader.header(contract)? {
        Some(shape) => shape,
        None if contract.surprises.empty_file != Policy::Reject => Shape::default(),
        None if is_empty => return Err(empty(&uri)),
        None => return Err(Failure::permanent(format!("{uri}: the file has no header, only blank lines"))),
    };
    Ok(Opened { reader, shape })
}
