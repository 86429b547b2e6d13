//! Files that DuckDB wrote, whose Parquet is its own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use runtime::{Contract, FileKind, Policy, RowPolicy};
use warehouse::RowSource;

use super::{Hashed, Parquet};
use crate::read::kit::{calling, contract, drain, fault, named, read, rejects, texts};
use crate::read::{FileSource, MAX_FIELD_BYTES, peek};

fn parquet(columns: &[&str]) -> Contract {
    let mut contract = contract(columns);
    contract.format.kind = FileKind::Parquet;
    contract
}

/// Has DuckDB write what `select` gives.
fn written(select: &str, options: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.parquet");
    let connection = duckdb::Connection::open_in_memory().unwrap();
    connection.execute_batch(&format!("COPY ({select}) TO '{}' (FORMAT parquet{options})", path.display())).unwrap();
    (folder, path)
}

fn rows(path: &Path, contract: &Contract) -> Vec<String> {
    let added = peek(path, contract, &named()).unwrap().added;
    texts(drain(FileSource::new(path, contract, &added, named())).unwrap().0)
}

#[test]
fn every_type_becomes_text_that_can_be_cast_back() {
    let cases = [
        ("'Kübel'", "VARCHAR", "Kübel"),
        ("NULL", "VARCHAR", "NULL"),
        ("true", "BOOLEAN", "true"),
        ("-7", "TINYINT", "-7"),
        ("18446744073709551615", "UBIGINT", "18446744073709551615"),
        ("1.50", "DECIMAL(18,2)", "1.50"),
        ("'-12345678901234567890123456789.012345679'", "DECIMAL(38,9)", "-12345678901234567890123456789.012345679"),
        ("0.1", "DOUBLE", "0.1"),
        ("1e300", "DOUBLE", "1e300"),
        ("'2026-11-23'", "DATE", "2026-11-23"),
        ("'12:34:56.789'", "TIME", "12:34:56.789"),
        ("'2026-11-23 12:34:56.5'", "TIMESTAMP", "2026-11-23T12:34:56.500"),
        ("'2026-11-23 12:34:56+02'", "TIMESTAMPTZ", "2026-11-23T10:34:56Z"),
        ("'\\xAB\\x01'", "BLOB", "ab01"),
        ("[1, NULL, 3]", "INTEGER[]", "[1,null,3]"),
        ("{'a': 'x', 'b': [1.5]}", "STRUCT(a VARCHAR, b DECIMAL(3,1)[])", "{\"a\":\"x\",\"b\":[1.5]}"),
        ("MAP {'k': 1}", "MAP(VARCHAR, INTEGER)", "{\"k\":1}"),
    ];
    for (value, kind, expected) in cases {
        let (_folder, path) = written(&format!("SELECT CAST({value} AS {kind}) AS a"), "");
        let found = rows(&path, &parquet(&["a"]));
        assert_eq!(found, [expected], "{kind}");
        if expected == "NULL"
            || kind.contains(['[', '(', 'B']) && !kind.starts_with("DECIMAL") && kind != "BOOLEAN" && kind != "DOUBLE"
        {
            continue;
        }
        let connection = duckdb::Connection::open_in_memory().unwrap();
        let sql = format!("SELECT CAST('{expected}' AS {kind}) = CAST({value} AS {kind})");
        assert!(connection.query_row(&sql, [], |row| row.get::<_, bool>(0)).unwrap(), "{kind}");
    }
}

#[test]
fn many_rows_are_read_from_any_packing() {
    for codec in ["uncompressed", "snappy", "gzip", "zstd", "lz4_raw"] {
        let select = "SELECT i AS id, 'row ' || i AS name, i * 2 AS extra FROM range(10000) r(i)";
        let (_folder, path) = written(select, &format!(", CODEC '{codec}', ROW_GROUP_SIZE 3000"));
        let found = rows(&path, &parquet(&["name", "id"]));
        assert_eq!((found.len(), found[9_999].as_str()), (10_000, "row 9999|9999"), "{codec}");
        assert!(found.iter().enumerate().all(|(at, row)| *row == format!("row {at}|{at}")));
    }
}

/// A value that the file has once stands in every row that is unpacked.
#[test]
fn few_rows_are_unpacked_at_a_time() {
    let (_folder, path) = written("SELECT i AS a, 'x' AS b FROM range(600) r(i)", "");
    let (mut reader, _) = Parquet::open(Hashed::open(&path, named()).unwrap(), &parquet(&["a", "b"])).unwrap();
    let mut unpacked = Vec::new();
    while reader.next().unwrap() {
        unpacked.push(reader.rows);
    }
    assert_eq!(unpacked, [256, 256, 88]);
}

#[test]
fn a_batch_of_long_rows_has_few_of_them() {
    let select = format!("SELECT i AS a, repeat('x', {}) AS b FROM range(20) r(i)", MAX_FIELD_BYTES - 64);
    let (_folder, path) = written(&select, ", CODEC 'zstd'");
    let contract = parquet(&["a", "b"]);
    let mut source = FileSource::new(&path, &contract, &[], named());
    let mut rows = Vec::new();
    while let Some(batch) = source.next_batch().unwrap() {
        rows.push(batch.num_rows());
    }
    assert_eq!(rows, [9, 9, 2]);
}

#[test]
fn shape_duplicates_and_empty_files_follow_the_contract() {
    let (_folder, path) = written("SELECT i % 3 AS b, i AS a, 'x' AS c FROM range(5) r(i)", "");
    let mut contract = parquet(&["a", "b"]);
    contract.keys = vec!["b".into()];
    contract.surprises.new_column = Policy::Evolve;
    contract.surprises.duplicate_key = RowPolicy { policy: Policy::Quarantine, max_rows: 9, max_share: 1.0 };
    assert_eq!(peek(&path, &contract, &named()).unwrap().added, ["c"]);
    let source = FileSource::new(&path, &contract, &["c".into()], named());
    let (found, numbers, facts) = drain(source).unwrap();
    assert_eq!((texts(found), numbers), (vec!["0|0|x".into(), "1|1|x".into(), "2|2|x".into()], vec![1, 2, 3]));
    let why = "a row before it has the same b";
    assert_eq!(
        rejects(&facts),
        [(4, why, "{\"a\":\"3\",\"b\":\"0\",\"c\":\"x\"}"), (5, why, "{\"a\":\"4\",\"b\":\"1\",\"c\":\"x\"}")]
    );
    assert_eq!(facts.shape.len(), 2);
    assert_eq!(facts.bytes, std::fs::metadata(&path).unwrap().len());

    let (_folder, path) = written("SELECT 1 AS a, 2 AS b WHERE false", "");
    let failure = drain(FileSource::new(&path, &contract, &[], named())).unwrap_err();
    assert!(failure.message.contains("columns and no rows"), "{failure}");
    // A file that comes with a column that the table was not given is tried again.
    let (_folder, path) = written("SELECT 1 AS a, 2 AS b, 3 AS d", "");
    let failure = drain(FileSource::new(&path, &contract, &[], named())).unwrap_err();
    assert_eq!(failure.class, messages::FailureClass::Transient);
}

#[test]
fn damaged_files_are_refused() {
    let (_folder, path) = written("SELECT i AS a, 'row ' || i AS b FROM range(10000) r(i)", "");
    let whole = std::fs::read(&path).unwrap();
    let contract = parquet(&["a", "b"]);
    assert!(fault(b"", &contract).contains("empty"));
    for content in [&whole[..whole.len() / 2], &b"a,b\n1,2\n"[..], b"PAR1PAR1", &whole[..whole.len() - 1]] {
        let found = fault(content, &contract);
        assert!(found.starts_with("the file is damaged"), "{found}");
    }
    // Wherever a byte is wrong: an end, and no panic.
    for at in (0..whole.len()).step_by(whole.len() / 200) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x5a;
        if let Err(failure) = read(&damaged, &contract) {
            assert_eq!(failure.class, messages::FailureClass::Permanent, "{failure}");
        }
    }
}

#[test]
fn columns_are_found_by_what_files_call_them() {
    let (_folder, path) = written("SELECT 1.5 AS \"Menge (kg)\", 'x' AS \"left out\", 7 AS \"Id\"", "");
    let called = calling(parquet(&["id", "menge_kg"]), "menge_kg", &["MENGE (KG)"]);
    assert_eq!(rows(&path, &called), ["7|1.5"]);
    let (_folder, path) = written("SELECT 1 AS id, 2 AS menge_kg, 3 AS \"Menge (kg)\"", "");
    let found = fault(&std::fs::read(path).unwrap(), &called);
    assert!(
        found.starts_with("the header has \"menge_kg\" and \"menge (kg)\", and both are the column menge_kg"),
        "{found}"
    );
}
