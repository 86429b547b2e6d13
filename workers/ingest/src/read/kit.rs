//! What the tests of the readers share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use messages::{Failure, FailureClass};
use runtime::contract::Column;
use runtime::{Contract, Format, Surprises};
use tempfile::NamedTempFile;
use warehouse::{FileFacts, Mode, RowSource};

use super::{Expected, FileSource};

/// Rows of fields.
pub(super) type Table = Vec<Vec<Option<String>>>;

/// A contract for files with these columns, and no more to say.
pub(super) fn contract(columns: &[&str]) -> Contract {
    Contract {
        source: "b".into(),
        description: String::new(),
        owner: String::new(),
        table: None,
        files: vec!["**/b.csv".into()],
        mode: Mode::Snapshot,
        format: Format::default(),
        surprises: Surprises::default(),
        arrival: None,
        columns: columns.iter().map(|name| Column::Name((*name).to_owned())).collect(),
        keys: Vec::new(),
        checks: Vec::new(),
    }
}

/// The contract with what files call one of its columns.
pub(super) fn calling(mut contract: Contract, name: &str, headers: &[&str]) -> Contract {
    let column = contract.columns.iter_mut().find(|column| column.name() == name).unwrap();
    let header = headers.iter().map(|&header| header.to_owned()).collect();
    *column = Column::Described { name: name.into(), description: String::new(), header };
    contract
}

/// A file with that content.
pub(super) fn file(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file.flush().unwrap();
    file
}

/// What errors call it.
pub(super) fn named() -> Expected {
    Expected { uri: "mes/b.csv".into(), ..Expected::default() }
}

/// All rows with their numbers, and what the file was.
pub(super) fn drain(mut source: FileSource) -> Result<(Table, Vec<i64>, FileFacts), Failure> {
    let (mut rows, mut numbers) = (Vec::new(), Vec::new());
    while let Some(batch) = source.next_batch()? {
        let texts = batch.num_columns() - 1;
        numbers.extend_from_slice(batch.column(texts).as_primitive::<Int64Type>().values());
        for row in 0..batch.num_rows() {
            let value = |column: usize| {
                let column = batch.column(column).as_string::<i32>();
                (!column.is_null(row)).then(|| column.value(row).to_owned())
            };
            rows.push((0..texts).map(value).collect());
        }
    }
    let facts = Box::new(source).finish()?;
    assert_eq!(facts.rows, rows.len() as u64);
    assert_eq!(facts.rows_rejected, facts.rejected.len() as u64);
    assert!(numbers.is_sorted_by(|one, next| one < next));
    Ok((rows, numbers, facts))
}

/// What a file with that content is under the contract.
pub(super) fn read(content: &[u8], contract: &Contract) -> Result<(Table, Vec<i64>, FileFacts), Failure> {
    read_named(content, contract, "mes/b.csv")
}

/// The same under another name.
pub(super) fn read_named(
    content: &[u8],
    contract: &Contract,
    uri: &str,
) -> Result<(Table, Vec<i64>, FileFacts), Failure> {
    let file = file(content);
    let expected = Expected { uri: uri.into(), ..Expected::default() };
    let added = super::peek(file.path(), contract, &expected).map_or_else(|_| Vec::new(), |peek| peek.added);
    drain(FileSource::new(file.path(), contract, &added, expected))
}

/// The rows as text: fields with `|` between.
pub(super) fn texts(rows: Table) -> Vec<String> {
    let text = |value: Option<String>| value.unwrap_or_else(|| "NULL".into());
    rows.into_iter().map(|row| row.into_iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

/// Why a file with that content is refused.
pub(super) fn fault(content: &[u8], contract: &Contract) -> String {
    let Err(failure) = read(content, contract) else { panic!("it was loaded") };
    assert_eq!(failure.class, FailureClass::Permanent);
    failure.message.strip_prefix("mes/b.csv: ").unwrap_or(&failure.message).to_owned()
}

/// Where and why rows were set aside, and their text.
pub(super) fn rejects(facts: &FileFacts) -> Vec<(u64, &str, &str)> {
    facts.rejected.iter().map(|row| (row.line, row.reason.as_str(), row.raw.as_str())).collect()
}
