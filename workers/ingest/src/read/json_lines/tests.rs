//! Lines that are rows, and lines that are not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use runtime::{Contract, FileKind, Policy, RowPolicy};

use crate::read::kit::{calling, contract, fault, read, read_named, rejects, texts};

fn json(columns: &[&str]) -> Contract {
    let mut contract = contract(columns);
    contract.format.kind = FileKind::JsonLines;
    contract.surprises.bad_row = RowPolicy { policy: Policy::Quarantine, max_rows: 100, max_share: 1.0 };
    contract
}

#[test]
fn values_are_as_they_are_written() {
    let content = r#"{"a": "x\n\"y\"", "b": 1.10}
{"b":12345678901234567890123,"A":null}

{ "a" : true, " B ": {"c": [1.0, {"d":null}]} }
{"a":""}
"#;
    let (rows, numbers, _) = read(content.as_bytes(), &json(&["a", "b"])).unwrap();
    let expected = ["x\n\"y\"|1.10", "NULL|12345678901234567890123", "true|{\"c\": [1.0, {\"d\":null}]}", "NULL|NULL"];
    assert_eq!((texts(rows), numbers), (expected.map(String::from).to_vec(), vec![1, 2, 3, 4]));
}

#[test]
fn lines_that_are_no_rows_are_set_aside() {
    let content = b"{\"a\":1}\n[1]\n{\"a\":2\n{\"a\":3,\"a\":4}\n{\"a\":\"\\ud800\"}\n{\"a\":\"\\u0000\"}\n{\"a\":\"\xff\"}\n{\"a\":5} x\n{\"a\":6}";
    let (rows, numbers, facts) = read(content, &json(&["a"])).unwrap();
    assert_eq!((texts(rows), numbers), (vec!["1".into(), "6".into()], vec![1, 9]));
    let expected = [
        (2, "the line is no JSON object (column 0)", "[1]"),
        (3, "the line is no JSON object (column 6)", "{\"a\":2"),
        (4, "two of its keys are the column a", "{\"a\":3,\"a\":4}"),
        (5, "a text is not Unicode", "{\"a\":\"\\ud800\"}"),
        (6, "a NUL character; the file is damaged or no text", "{\"a\":\"\\u0000\"}"),
        (
            7,
            "byte 69 of the file is not UTF-8; save the file as UTF-8, or name its encoding in the contract",
            "{\"a\":\"\u{fffd}\"}",
        ),
        (8, "the line is no JSON object (column 9)", "{\"a\":5} x"),
    ];
    assert_eq!(rejects(&facts), expected);
    let mut strict = json(&["a"]);
    strict.surprises.bad_row = Policy::Reject.into();
    assert_eq!(fault(content, &strict), "line 2: the line is no JSON object (column 0)");
}

#[test]
fn a_row_that_is_set_aside_tells_its_new_keys_all_the_same() {
    let content = b"{\"a\":1,\"x\":2,\"a\":3}\n{\"a\":2,\"x\":5}\n";
    let mut contract = json(&["a"]);
    contract.surprises.new_column = Policy::Quarantine;
    let (rows, _, facts) = read(content, &contract).unwrap();
    assert_eq!((texts(rows), facts.rows_rejected), (vec!["2".to_owned()], 1));
    assert_eq!(facts.shape.iter().map(|change| change.column.as_str()).collect::<Vec<_>>(), ["x"]);
    assert_eq!(facts.held, ["the contract does not name x"]);
    contract.surprises.new_column = Policy::Reject;
    assert!(fault(content, &contract).contains("the contract does not name x"));
}

#[test]
fn keys_come_and_go() {
    let content = b"{\"a\":1,\"c\":2}\n{\"a\":3,\"d\":4,\"c\":5}\n";
    let mut contract = json(&["a", "b"]);
    assert_eq!(fault(content, &contract), "no row has b; mend the file, or change its contract");
    contract.surprises.missing_column = Policy::Quarantine;
    contract.surprises.new_column = Policy::Evolve;
    let (rows, _, facts) = read(content, &contract).unwrap();
    assert_eq!(texts(rows), ["1|NULL|2|NULL", "3|NULL|5|4"]);
    let told: Vec<String> =
        facts.shape.iter().map(|c| format!("{} {} {}", c.kind.as_str(), c.column, c.policy)).collect();
    assert_eq!(told, ["NEW_COLUMN c evolve", "NEW_COLUMN d evolve", "MISSING_COLUMN b quarantine"]);
    assert_eq!(facts.held, ["the file lacks b"]);
    contract.surprises.new_column = Policy::Reject;
    assert!(fault(content, &contract).starts_with("line 1: the contract does not name c"));
    contract.surprises.new_column = Policy::Evolve;
    assert!(
        fault(b"{\"a\":1,\"b\":2}\n{\"gr\xc3\xb6\xc3\x9fe\":2}\n", &contract)
            .starts_with("line 2: the table can't be given")
    );
}

#[test]
fn keys_are_found_by_what_files_call_columns() {
    let mut called = calling(json(&["id", "menge_kg"]), "menge_kg", &["Menge (kg)"]);
    let content = "{\"id\":1,\"Menge (kg)\":2.50}\n{\"ID\":2,\"menge  (KG)\":3}\n{\"id\":3,\"menge_kg\":4,\"x\":0}\n\
        {\"id\":4,\"Menge_KG\":5,\"Menge (kg)\":6}\n{\"id\":5}\n";
    let (rows, _, facts) = read(content.as_bytes(), &called).unwrap();
    assert_eq!(texts(rows), ["1|2.50", "2|3", "3|4", "5|NULL"]);
    assert_eq!(facts.rejected[0].reason, "two of its keys are the column menge_kg");
    assert_eq!(facts.shape.iter().map(|change| change.column.as_str()).collect::<Vec<_>>(), ["x"]);
    let lacks = fault(b"{\"id\":1}\n", &called);
    assert_eq!(lacks, "no row has menge_kg (or \"Menge (kg)\"); mend the file, or change its contract");
    // Columns that are added stand behind all of the contract's.
    called.surprises.new_column = Policy::Evolve;
    let (rows, ..) = read("{\"x\":7,\"MENGE (KG)\":1,\"id\":2}\n".as_bytes(), &called).unwrap();
    assert_eq!(texts(rows), ["2|1|7"]);
}

#[test]
fn empty_and_packed_files() {
    let mut contract = json(&["a"]);
    for content in [&b"\n\n"[..], b""] {
        assert!(fault(content, &contract).contains("empty") || fault(content, &contract).contains("no rows"));
    }
    contract.surprises.empty_file = Policy::Quarantine;
    assert_eq!(read(b"", &contract).unwrap().2.held, ["the file has no rows"]);
    let packed = zstd::encode_all(&b"{\"a\":1}\n"[..], 0).unwrap();
    assert_eq!(texts(read_named(&packed, &contract, "b.jsonl.zst").unwrap().0), ["1"]);
}

#[test]
fn a_line_has_a_longest_length() {
    let content = format!(
        "{{\"a\":1}}\n{{\"a\":\"{}\"}}\n{{\"a\":2}}\n{}\n{{\"a\":3}}",
        "x".repeat(2 << 20),
        " {".repeat(40 << 19)
    );
    let (rows, _, facts) = read(content.as_bytes(), &json(&["a"])).unwrap();
    assert_eq!(texts(rows), ["1", "2", "3"]);
    let whys: Vec<(u64, &str)> = facts.rejected.iter().map(|row| (row.line, row.reason.as_str())).collect();
    assert_eq!(whys, [(2, "a value of more than 1 MiB"), (4, "a row of more than 32 MiB")]);
}

proptest! {
    /// What `serde_json` writes, we read.
    #[test]
    fn what_is_written_is_read(rows in prop::collection::vec(("[^\0]{0,20}", any::<i64>(), any::<bool>()), 1..40), crlf: bool) {
        let end = if crlf { "\r\n" } else { "\n" };
        let line = |(text, number, flag): &(String, i64, bool)| {
            serde_json::json!({ "text": text, "more": { "flag": flag }, "number": number }).to_string() + end
        };
        let content: String = rows.iter().map(line).collect();
        let mut contract = json(&["number", "text", "more"]);
        contract.surprises.bad_row = Policy::Reject.into();
        let (found, ..) = read(content.as_bytes(), &contract).unwrap();
        let expected: Vec<Vec<Option<String>>> = rows.into_iter()
            .map(|(text, number, flag)| vec![
                Some(number.to_string()),
                Some(text).filter(|text| !text.is_empty()),
                Some(format!("{{\"flag\":{flag}}}")),
            ])
            .collect();
        prop_assert_eq!(found, expected);
    }
}
