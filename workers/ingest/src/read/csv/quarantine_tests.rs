//! Rows that are set aside, and the rows around them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use runtime::{Contract, Policy, RowPolicy};

use crate::read::MAX_FIELD_BYTES;
use crate::read::kit::{contract, fault, read, rejects, texts};

/// A contract that sets aside whatever can be.
fn lenient(columns: &[&str]) -> Contract {
    let mut contract = contract(columns);
    let all = RowPolicy { policy: Policy::Quarantine, max_rows: 10_000, max_share: 1.0 };
    (contract.surprises.bad_row, contract.surprises.duplicate_key) = (all, all);
    contract.surprises.empty_file = Policy::Accept;
    contract
}

fn limited(max_rows: u64, max_share: f64) -> Contract {
    let mut contract = lenient(&["a", "b"]);
    contract.surprises.bad_row = RowPolicy { policy: Policy::Quarantine, max_rows, max_share };
    contract
}

#[test]
fn a_damaged_row_costs_itself() {
    let inside =
        "a quote inside a field that does not begin with one; put the field in quotes and double the quotes inside it";
    let behind = "text behind a closing quote; double the quotes inside a field";
    let unclosed = "a quote is opened and never closed";
    let ragged = |found| format!("the row has {found} fields, the header has 2; mend the row, or quote its delimiters");
    let lone = "a carriage return without a line feed; end lines with LF or CRLF";
    let utf8 = |byte| {
        format!("byte {byte} of the file is not UTF-8; save the file as UTF-8, or name its encoding in the contract")
    };
    let nul = "a NUL byte; the file is damaged or no text";
    type Case = (&'static [u8], Vec<&'static str>, Vec<i64>, Vec<(u64, String, &'static str)>);
    let cases: Vec<Case> = vec![
        (b"a,b\n1,2\n3\n4,5\n", vec!["1|2", "4|5"], vec![1, 3], vec![(3, ragged(1), "3")]),
        (b"a,b\r\n1,2,3\r\n\r\n4,5\r\n", vec!["4|5"], vec![2], vec![(2, ragged(3), "1,2,3")]),
        (b"a,b\n1,x\"y\n4,5\n", vec!["4|5"], vec![2], vec![(2, inside.into(), "1,x\"y")]),
        (b"a,b\n1,\"x\"y\r\n4,5\n", vec!["4|5"], vec![2], vec![(2, behind.into(), "1,\"x\"y")]),
        // A quote that is opened for good does not swallow the rows behind it.
        (b"a,b\n1,\"x\n2,y\n3,z", vec!["2|y", "3|z"], vec![2, 3], vec![(2, unclosed.into(), "1,\"x")]),
        (
            b"a,b\n1,\"x\n2,y\n3,\"z\"\n4,5\n",
            vec!["2|y", "3|z", "4|5"],
            vec![2, 3, 4],
            vec![(2, format!("{behind} (line 4)"), "1,\"x")],
        ),
        // A note that is torn apart: each of its lines is no row.
        (
            b"a,b\n1,\"one\nsaid \"hi\" there\",\n4,5\n",
            vec!["4|5"],
            vec![3],
            vec![(2, format!("{behind} (line 3)"), "1,\"one"), (3, inside.into(), "said \"hi\" there\",")],
        ),
        // A whole row over three lines that has too many fields is one row.
        (b"a,b\n\"1\n\n\",2,3\n4,5\n", vec!["4|5"], vec![2], vec![(2, ragged(3), "\"1\n\n\",2,3")]),
        (b"a,b\n1,x\ry\n4,5\n", vec!["4|5"], vec![2], vec![(2, lone.into(), "1,x\ry")]),
        (b"a,b\n4,5\n1,x\r", vec!["4|5"], vec![1], vec![(3, lone.into(), "1,x")]),
        (b"a,b\n1,\xff\n4,5\n", vec!["4|5"], vec![2], vec![(2, utf8(6), "1,\u{fffd}")]),
        (b"a,b\n4,5\n1,\xe2\x82", vec!["4|5"], vec![1], vec![(3, utf8(10), "1,\u{fffd}")]),
        (
            b"a,b\n\"1\n\xff\",2\n4,5\n",
            vec!["4|5"],
            vec![2],
            vec![(2, format!("{} (line 3)", utf8(7)), "\"1\n\u{fffd}\",2")],
        ),
        (
            b"a,b\n1,x\0y\n\xff,\0\n4,5\n",
            vec!["4|5"],
            vec![3],
            vec![(2, nul.into(), "1,x␀y"), (3, utf8(10), "\u{fffd},␀")],
        ),
        (b"a,b\nx\"\n", vec![], vec![], vec![(2, inside.into(), "x\"")]),
    ];
    for (content, rows, numbers, aside) in cases {
        let shown = String::from_utf8_lossy(content);
        let (found, found_numbers, facts) = read(content, &lenient(&["a", "b"])).unwrap();
        assert_eq!(texts(found), rows, "{shown:?}");
        assert_eq!(found_numbers, numbers, "{shown:?}");
        let aside: Vec<(u64, &str, &str)> = aside.iter().map(|(line, why, raw)| (*line, why.as_str(), *raw)).collect();
        assert_eq!(rejects(&facts), aside, "{shown:?}");
    }
}

#[test]
fn a_header_that_can_not_be_read_refuses_the_file() {
    for (content, why) in [
        (&b"a,\"b\n1,2\n"[..], "line 1: a quote is opened and never closed"),
        (b"a,b\"\n1,2\n", "line 1: a quote inside a field"),
        (b"a,b\xff\n1,2\n", "line 1: byte 3 of the file is not UTF-8"),
        (b"a,b,\0\n1,2\n", "line 1: a NUL byte"),
        (b"\n\na,b,a\n1,2\n", "line 3: the header names the column \"a\" twice"),
    ] {
        let found = fault(content, &lenient(&["a", "b"]));
        assert!(found.starts_with(why), "{found}");
    }
}

#[test]
fn what_is_too_long_costs_itself_too() {
    let long = "x".repeat(MAX_FIELD_BYTES + 1);
    let quotes = "\"\"".repeat(MAX_FIELD_BYTES);
    let all = [
        format!("1,{long}"),
        format!("\"{long}\",2"),
        format!("3,\"{}\n{long}\n{long}", &long),
        ",".repeat(20_000),
        format!("4,{}", "y".repeat(40 << 20)),
    ];
    for bad in &all {
        let content = format!("a,b\n1,2\n{bad}\n3,4\n5,\"{quotes}\"\n");
        let (rows, _, facts) = read(content.as_bytes(), &lenient(&["a", "b"])).unwrap();
        assert_eq!(rows[..2], [[Some("1".into()), Some("2".into())], [Some("3".into()), Some("4".into())]]);
        assert_eq!(rows[2][1].as_ref().map(String::len), Some(MAX_FIELD_BYTES));
        assert_eq!((facts.rejected[0].line, facts.rejected[0].truncated), (3, true));
        assert_eq!(facts.rejected[0].raw.len(), warehouse::MAX_REJECTED_BYTES);
        assert!(
            facts.rejected[0].reason.starts_with("a field of more than 1 MiB")
                || facts.rejected[0].reason.contains("10000 fields"),
            "{:?}",
            facts.rejected[0].reason
        );
    }
}

#[test]
fn too_many_refuse_the_file_and_the_first_are_named() {
    let content = b"a,b\n1\n2,2\n3\n4\n5\n6,6\n";
    let found = fault(content, &limited(3, 1.0));
    let ragged = "the row has 1 fields, the header has 2; mend the row, or quote its delimiters";
    assert_eq!(
        found,
        format!(
            "4 rows would be set aside, more than the 3 that bad_row.max_rows allows: line 2: {ragged}; line 4: {ragged}; line \
            5: {ragged}"
        )
    );
    assert_eq!(read(content, &limited(4, 1.0)).unwrap().2.rows_rejected, 4);
    // A share is of all rows, and may be met exactly.
    let found = fault(content, &limited(4, 0.66));
    assert!(found.starts_with("4 rows would be set aside, of 6: more than the share of 0.66 that bad_row.max_share"));
    let five = b"a,b\n1\n2,2\n3,3\n4,4\n5,5\n";
    assert_eq!(read(five, &limited(4, 0.2)).unwrap().2.rows, 4);
    assert!(fault(five, &limited(4, 0.19)).contains("max_share"));
}

#[test]
fn duplicates_are_set_aside_behind_the_first() {
    let mut contract = lenient(&["a", "b"]);
    contract.keys = vec!["A".into()];
    let content = b"b,a\nx,1\ny,1\nz,2\n,\nv,\nw,\nq,2\n";
    let (rows, numbers, facts) = read(content, &contract).unwrap();
    assert_eq!(texts(rows), ["1|x", "2|z", "NULL|NULL", "NULL|v", "NULL|w"]);
    assert_eq!(numbers, [1, 3, 4, 5, 6]);
    let why = "a row before it has the same A";
    assert_eq!(rejects(&facts), [(3, why, "y,1"), (8, why, "q,2")]);
    contract.surprises.duplicate_key.max_rows = 1;
    assert!(fault(content, &contract).contains("more than the 1 that duplicate_key.max_rows allows: line 3"));
    contract.surprises.duplicate_key = Policy::Reject.into();
    assert_eq!(fault(content, &contract), "line 3: a row before it has the same A");
    contract.surprises.duplicate_key = Policy::Accept.into();
    assert_eq!(read(content, &contract).unwrap().2.rows, 7);
}

#[test]
fn a_file_without_rows_has_a_policy() {
    for (content, held) in [
        (&b""[..], "the file has no header and no rows"),
        (b"\xef\xbb\xbf", "the file has no header and no rows"),
        (b"\n\r\n", "the file has no header and no rows"),
        (b"a,b\n", "the file has a header and no rows"),
        (b"a,b\nx\ny\n", "the file has no row that can be loaded"),
    ] {
        let mut contract = lenient(&["a", "b"]);
        let (_, _, facts) = read(content, &contract).unwrap();
        assert_eq!((facts.rows, facts.held), (0, vec![]));
        assert_eq!(facts.bytes, content.len() as u64);
        contract.surprises.empty_file = Policy::Quarantine;
        assert_eq!(read(content, &contract).unwrap().2.held, [held]);
        contract.surprises.empty_file = Policy::Reject;
        fault(content, &contract);
    }
}

#[test]
fn shape_is_told_and_holds_back() {
    let mut contract = lenient(&["a", "b"]);
    contract.surprises.new_column = Policy::Evolve;
    contract.surprises.missing_column = Policy::Quarantine;
    let (rows, _, facts) = read(b"c,A\nx,1\n,2\n", &contract).unwrap();
    assert_eq!(texts(rows), ["1|NULL|x", "2|NULL|NULL"]);
    assert_eq!(facts.held, ["the file lacks b"]);
    let told: Vec<String> =
        facts.shape.iter().map(|c| format!("{} {} {}", c.kind.as_str(), c.column, c.policy)).collect();
    assert_eq!(told, ["MISSING_COLUMN b quarantine", "NEW_COLUMN c evolve"]);
}

#[test]
fn many_stray_quotes_do_not_make_it_slow() {
    // Each opens a field that could go on for a megabyte.
    let mut content = b"a,b\n".to_vec();
    for row in 0..9_000 {
        content.extend(format!("{row},\"open\n{row},{}\n", "text ".repeat(50)).bytes());
    }
    let (rows, _, facts) = read(&content, &lenient(&["a", "b"])).unwrap();
    assert_eq!((rows.len(), facts.rows_rejected), (9_000, 9_000));
}
