//! Public collections of odd CSV files, which are not part of the repository: each file is loaded or refused rightly, or it is
//! counted and named.
//!
//! - Pollock (github.com/HPI-Information-Systems/Pollock, folder `polluted_files`): 2,290 files, each damaged in one way, with the
//!   rows that an ideal reader would make of them.
//! - csv-spectrum (github.com/max-mapper/csv-spectrum): the edge cases of RFC 4180, with their rows as JSON.
//!
//! `POLLOCK=…/polluted_files CSV_SPECTRUM=… cargo test -p millrace-ingest --test corpus -- --ignored --nocapture`
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use messages::{Failure, FailureClass};
use millrace_ingest::read::{Expected, FileSource};
use runtime::Contract;
use serde_json::Value;
use warehouse::RowSource;

type Row = Vec<String>;

/// The rows that were loaded, by their numbers, and how many were set aside.
struct Loaded {
    rows: BTreeMap<usize, Row>,
    aside: u64,
}

fn load(path: &Path, contract: &Contract) -> Result<Loaded, Failure> {
    let expected = Expected { uri: path.display().to_string(), ..Expected::default() };
    let mut source = Box::new(FileSource::new(path, contract, &[], expected));
    let mut rows = BTreeMap::new();
    while let Some(batch) = source.next_batch()? {
        let texts = batch.num_columns() - 1;
        let numbers = batch.column(texts).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let value = |column: usize| match batch.column(column).as_string::<i32>() {
                column if column.is_null(row) => String::new(),
                column => column.value(row).to_owned(),
            };
            rows.insert(numbers.value(row) as usize, (0..texts).map(value).collect());
        }
    }
    let facts = source.finish()?;
    assert_eq!(facts.rows, rows.len() as u64);
    Ok(Loaded { rows, aside: facts.rows_rejected })
}

fn contract(columns: &[String], format: &str, bad_row: &str) -> Option<Contract> {
    let columns = serde_json::to_string(columns).unwrap();
    let text =
        format!("source: s\nfiles: [a.csv]\ncolumns: {columns}\nformat: {format}\nsurprises: {{bad_row: {bad_row}}}\n");
    let contract: Contract = serde_saphyr::from_str(&text).ok()?;
    contract.faults().is_empty().then_some(contract)
}

fn folder(variable: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: {variable} names no folder");
    }
    found
}

fn table(path: &Path) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Whether the file is treated rightly: it is refused for good, because its header is not the contract's, it has no rows, or no
/// contract can say how it is written; or every row that is loaded is what an ideal reader makes of that row, no row goes missing
/// without being set aside, and no line that is as in the undamaged file is set aside.
fn judge(name: &str, folder: &Path, bad_row: &str) -> Result<&'static str, String> {
    let parameters = std::fs::read_to_string(folder.join(format!("parameters/{name}_parameters.json"))).unwrap();
    let parameters: Value = serde_json::from_str(&parameters).unwrap();
    let header: Vec<String> = table(&folder.join("clean/source.csv")).remove(0);
    let said = |key: &str, default: &'static str| {
        parameters[key].as_str().filter(|text| !text.is_empty()).unwrap_or(default).to_owned()
    };
    let (delimiter, quote) = (said("delimiter", ","), said("quotechar", "\""));
    let format = serde_json::json!({ "delimiter": delimiter, "quote": quote }).to_string();
    let Some(contract) = contract(&header, &format, bad_row) else {
        return Ok("refused: no contract can say it");
    };
    let path = folder.join("csv").join(name);
    let (bytes, source) = (std::fs::read(&path).unwrap(), std::fs::read(folder.join("csv/source.csv")).unwrap());
    let loaded = match load(&path, &contract) {
        Ok(loaded) => loaded,
        Err(failure) if failure.class != FailureClass::Permanent => return Err(format!("{failure}")),
        Err(failure) => {
            let mut reader = csv::ReaderBuilder::new();
            reader.delimiter(delimiter.as_bytes()[0]).quote(quote.as_bytes()[0]).has_headers(false).flexible(true);
            let first = reader.from_reader(bytes.as_slice()).records().next().map(Result::unwrap).unwrap_or_default();
            let has_rows = table(&folder.join("clean").join(name)).len() > 1;
            return match first.iter().eq(&header) && has_rows {
                false => Ok("refused: header or rows are missing"),
                true if failure.message.contains("would be set aside") => {
                    let leave = "{policy: quarantine, max_rows: 10000, max_share: 1}";
                    judge(name, folder, leave).map(|_| "refused: too many rows are damaged")
                }
                // Lines that end with a carriage return alone.
                true if parameters["row_delimiter"] == "\r" => Ok("refused: no contract can say it"),
                true => Err(format!("refused, and its header is good: {failure}")),
            };
        }
    };
    let ideal: Vec<Row> = table(&folder.join("clean").join(name));
    let ideal = ideal.get(1..).unwrap_or_default();
    let lines = |bytes: &[u8]| {
        bytes.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end().to_vec()).collect::<Vec<_>>()
    };
    let (damaged, sound) = (lines(&bytes), lines(&source));
    for (number, row) in &loaded.rows {
        let Some(ideal) = ideal.get(number - 1) else { return Err(format!("row {number} is made up")) };
        if *row != ideal[..] {
            return Err(format!("row {number} is loaded as {row:?}, not {ideal:?}"));
        }
    }
    let all = loaded.rows.len() as u64 + loaded.aside;
    if all < ideal.len() as u64 {
        return Err(format!("{all} of {} rows are accounted for", ideal.len()));
    }
    // Rows are lines here.
    for (number, line) in (1..).zip(damaged.iter().skip(1)) {
        let is_sound = sound.get(number) == Some(line) && !line.is_empty();
        if is_sound && !loaded.rows.contains_key(&number) {
            return Err(format!("row {number} is as it was, and set aside"));
        }
    }
    Ok(if loaded.aside == 0 { "loaded whole" } else { "loaded but for the damaged rows" })
}

#[test]
#[ignore = "needs Pollock's polluted_files in $POLLOCK"]
fn pollock() {
    let Some(folder) = folder("POLLOCK") else { return };
    let mut names: Vec<String> = std::fs::read_dir(folder.join("csv"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let (mut right, mut wrong) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for name in &names {
        match judge(name, &folder, "quarantine") {
            Ok(how) => *right.entry(how).or_default() += 1,
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    println!("{right:#?}");
    for fault in &wrong {
        println!("wrong: {}", fault.chars().take(300).collect::<String>());
    }
    println!("Pollock: {} of {} files are loaded or refused rightly", names.len() - wrong.len(), names.len());
    assert!(wrong.len() * 100 <= names.len(), "{} files", wrong.len());
}

#[test]
#[ignore = "needs csv-spectrum in $CSV_SPECTRUM"]
fn csv_spectrum() {
    let Some(folder) = folder("CSV_SPECTRUM") else { return };
    let (mut right, mut refused, mut wrong) = (0, 0, Vec::new());
    for entry in std::fs::read_dir(folder.join("csvs")).unwrap() {
        let path = entry.unwrap().path();
        let ideal = folder.join("json").join(path.file_name().unwrap()).with_extension("json");
        let ideal: Value = serde_json::from_slice(&std::fs::read(ideal).unwrap()).unwrap();
        let objects = ideal.as_array().cloned().unwrap_or_else(|| vec![ideal]);
        let texts =
            |row: &Value| row.as_object().unwrap().values().map(|value| value.as_str().unwrap().into()).collect();
        let columns: Vec<String> = objects[0].as_object().unwrap().keys().cloned().collect();
        // Names with blanks in them are no columns of a table.
        let Some(contract) = contract(&columns, "{}", "quarantine") else {
            refused += 1;
            continue;
        };
        let found = load(&path, &contract).unwrap();
        let ideal: Vec<Row> = objects.iter().map(texts).collect();
        match found.aside == 0 && found.rows.into_values().eq(ideal) {
            true => right += 1,
            false => wrong.push(path),
        }
    }
    println!(
        "csv-spectrum: {right} files are loaded as their JSON says, {refused} can be named in no contract, wrong: {wrong:?}"
    );
    assert!(right >= 11 && wrong.is_empty());
}
