//! From a path to a reader that stands before the first row.

use std::path::Path;

use messages::Failure;
use runtime::{Contract, Policy};

use super::Reader;
use super::csv::Csv;
use super::file::{Expected, Hashed};
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
    csv(file, contract)
}

fn csv(file: Hashed, contract: &Contract) -> Result<Opened, Failure> {
    let (uri, is_empty) = (file.uri().to_owned(), file.size_bytes() == 0);
    let format = &contract.format;
    let mut reader = Box::new(Csv::new(Text::open(file, format.compression, format.encoding)?, format));
    let shape = match reader.header(contract)? {
        Some(shape) => shape,
        None if contract.surprises.empty_file != Policy::Reject => Shape::default(),
        None if is_empty => return Err(Failure::permanent(format!("{uri}: the file is empty: 0 bytes"))),
        None => return Err(Failure::permanent(format!("{uri}: the file has no header, only blank lines"))),
    };
    Ok(Opened { reader, shape })
}
