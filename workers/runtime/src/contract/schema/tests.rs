//! The committed schema is made from the types, and an independent validator agrees with them.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use serde_json::Value;

use super::json_schema;
use crate::{Contract, Contracts};

const CURE: &str = "run `make schemas` and commit what it writes";

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sources")
}

#[test]
fn what_is_committed_is_made_from_the_types() {
    let committed = std::fs::read_to_string(folder().join("contract.schema.json")).unwrap_or("null".into());
    let committed: Value = serde_json::from_str(&committed).unwrap();
    assert!(committed == json_schema(), "contract.schema.json is stale: {CURE}");
}

#[test]
fn the_shipped_contracts_fit_and_name_their_schema() {
    let schema = json_schema();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema=contract.schema.json\n"), "{}", path.display());
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        let faults: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 3);
    Contracts::read(&folder()).unwrap();
}

const GOOD: &str = "source: s\nfiles: [a.csv]\ncolumns: [a]\nkeys: [a]\n";

#[test]
fn schema_and_types_agree() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    for (more, is_good) in [
        ("", true),
        ("table: T\ndescription: d\nowner: o\nmode: increment\n", true),
        ("mode: often\n", false),
        ("color: red\n", false),
        ("format: {type: json_lines, encoding: utf-8, compression: zstd}\n", true),
        ("format: {type: csv, delimiter: ';', quote: \"'\", encoding: windows-1252, compression: gzip}\n", true),
        ("format: {header: false, delimiter: ';'}\n", true),
        ("format: {header: maybe}\n", false),
        ("format: {type: xml}\n", false),
        ("format: {delimiter: '::'}\n", false),
        ("format: {encoding: ebcdic}\n", false),
        ("format: {colour: red}\n", false),
        ("surprises: {new_column: evolve, missing_column: accept, reordered_columns: quarantine}\n", true),
        ("surprises: {bad_row: quarantine, duplicate_key: accept, empty_file: reject}\n", true),
        ("surprises: {bad_row: {policy: quarantine, max_rows: 10, max_share: 0.5}}\n", true),
        ("surprises: {bad_row: {policy: quarantine, max_rows: 10001}}\n", false),
        ("surprises: {bad_row: {policy: quarantine, max_rows: -1}}\n", false),
        ("surprises: {bad_row: {policy: quarantine, max_share: 1.5}}\n", false),
        ("surprises: {bad_row: {max_rows: 1}}\n", false),
        ("surprises: {bad_row: {policy: quarantine, most: 1}}\n", false),
        ("surprises: {bad_row: accept}\n", false),
        ("surprises: {bad_row: evolve}\n", false),
        ("surprises: {duplicate_key: evolve}\n", false),
        ("surprises: {missing_column: evolve}\n", false),
        ("surprises: {reordered_columns: evolve}\n", false),
        ("surprises: {empty_file: evolve}\n", false),
        ("surprises: {new_column: sometimes}\n", false),
        ("surprises: {colour: red}\n", false),
        ("arrival: {every_hours: 24, grace_hours: 0.5}\n", true),
        ("arrival: {every_hours: 0}\n", false),
        ("arrival: {every_hours: 1, grace_hours: -1}\n", false),
        ("arrival: {grace_hours: 1}\n", false),
        ("checks: [{kind: row_count, min: 1, severity: warn, gate: true}]\n", true),
        ("checks: [{min: 1}]\n", false),
        ("checks: [{kind: row_count, severity: bad}]\n", false),
    ] {
        let text = format!("{GOOD}{more}");
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(validator.is_valid(&value), is_good, "the schema on {more}");
        let read: Result<Contract, _> = serde_saphyr::from_str(&text);
        assert_eq!(read.is_ok_and(|contract| contract.faults().is_empty()), is_good, "the types on {more}");
    }
    for (column, is_good) in [
        ("{name: a, description: d}", true),
        ("{name: a, header: Menge (kg)}", true),
        ("{name: a, header: [Menge (kg), Größe]}", true),
        ("{name: a, header: ''}", false),
        ("{name: a, header: [x, ' ']}", false),
        ("{name: a, header: []}", false),
        ("{name: a, header: {x: y}}", false),
        ("{header: a}", false),
        ("{name: a, unit: mm}", false),
    ] {
        let text = format!("source: s\nfiles: [a.csv]\ncolumns: [{column}]\n");
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(validator.is_valid(&value), is_good, "the schema on {column}");
        let read: Result<Contract, _> = serde_saphyr::from_str(&text);
        assert_eq!(read.is_ok_and(|contract| contract.faults().is_empty()), is_good, "the types on {column}");
    }
}
