//! The reader against a second one, written byte by byte from the rules in `mod.rs`, without the parser and without haste.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use runtime::{Policy, RowPolicy};

use crate::read::kit::{contract, read};

#[derive(Debug, PartialEq)]
enum Row {
    Good(Vec<Vec<u8>>),
    /// The line that it begins in.
    Bad(u64),
}

/// Every data row of a file whose header is `a,b`, in a dialect, by the rules. The header is given apart.
fn rows(text: &[u8], delimiter: u8, quote: u8) -> Vec<Row> {
    let (mut rows, mut at, mut line) = (Vec::new(), 0, 2);
    while at < text.len() {
        // Blank lines.
        if text[at] == b'\n' || text[at..].starts_with(b"\r\n") {
            at += if text[at] == b'\n' { 1 } else { 2 };
            line += 1;
            continue;
        }
        let (end, row) = match one(&text[at..], delimiter, quote) {
            Some((fields, length)) => {
                let raw = &text[at..at + length];
                let good = fields.len() == 2 && std::str::from_utf8(raw).is_ok() && !raw.contains(&0);
                (at + length, if good { Row::Good(fields) } else { Row::Bad(line) })
            }
            // The row has no end: its first line is lost.
            None => {
                let length =
                    text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len() - at, |found| found + 1);
                (at + length, Row::Bad(line))
            }
        };
        rows.push(row);
        line += text[at..end].iter().filter(|byte| **byte == b'\n').count() as u64;
        at = end;
    }
    rows
}

/// The row that `text` begins with: its fields and its length; `None` if its quotes or line ends are damaged.
fn one(text: &[u8], delimiter: u8, quote: u8) -> Option<(Vec<Vec<u8>>, usize)> {
    let (mut fields, mut at) = (Vec::new(), 0);
    loop {
        let mut field = Vec::new();
        if text.get(at) == Some(&quote) {
            at += 1;
            loop {
                match text.get(at)? {
                    byte if *byte == quote && text.get(at + 1) == Some(&quote) => at += 2,
                    byte if *byte == quote => break,
                    byte => {
                        field.push(*byte);
                        at += 1;
                        continue;
                    }
                }
                field.push(quote);
            }
            at += 1;
        } else {
            while let Some(byte) = text.get(at).filter(|byte| **byte != delimiter && !b"\r\n".contains(byte)) {
                if *byte == quote {
                    return None;
                }
                field.push(*byte);
                at += 1;
            }
        }
        fields.push(field);
        match text.get(at) {
            None => return Some((fields, at)),
            Some(b'\n') => return Some((fields, at + 1)),
            Some(b'\r') if text.get(at + 1) == Some(&b'\n') => return Some((fields, at + 2)),
            Some(byte) if *byte == delimiter => at += 1,
            Some(_) => return None,
        }
    }
}

/// Bytes of which files are made that go wrong: few kinds, so that they meet.
fn bytes(delimiter: u8, quote: u8) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z0-9 ]{0,6}".prop_map(String::into_bytes),
        4 => Just(vec![delimiter]),
        3 => Just(vec![quote]),
        2 => Just(b"\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => Just("ä轴".as_bytes().to_vec()),
        1 => prop_oneof![Just(b"\r".to_vec()), Just(vec![0]), Just(vec![0xff]), Just(vec![0xe2, 0x82])],
        2 => ("[a-z]{1,3}", "[a-z]{0,3}").prop_map(move |(a, b)| [a.as_bytes(), &[delimiter], b.as_bytes(), b"\n"].concat()),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn dialects() -> impl Strategy<Value = (u8, u8, Vec<u8>)> {
    prop_oneof![Just((b',', b'"')), Just((b';', b'"')), Just((b'\t', b'\''))]
        .prop_flat_map(|(delimiter, quote)| (Just(delimiter), Just(quote), bytes(delimiter, quote)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Nothing is lost and nothing is made up: every row is loaded as it is, or set aside where it stands.
    #[test]
    fn every_row_is_loaded_or_set_aside((delimiter, quote, text) in dialects(), has_header: bool) {
        let expected = rows(&text, delimiter, quote);
        // Longer than any field: no row is taken for a header.
        let mut contract = contract(&["column_a", "column_b"]);
        contract.format.header = has_header;
        (contract.format.delimiter, contract.format.quote) = (char::from(delimiter), char::from(quote));
        contract.surprises.bad_row = RowPolicy { policy: Policy::Quarantine, max_rows: 10_000, max_share: 1.0 };
        contract.surprises.empty_file = Policy::Accept;
        let header = [b"column_a", &[delimiter][..], b"column_b\n"].concat();
        let whole = if has_header { [header, text].concat() } else { text };
        let (found, numbers, facts) = read(&whole, &contract).unwrap();

        let mut good = Vec::new();
        let mut bad = Vec::new();
        for (number, row) in (1..).zip(&expected) {
            match row {
                Row::Good(fields) => {
                    let field = |bytes: &Vec<u8>| Some(String::from_utf8(bytes.clone()).unwrap()).filter(|text| !text.is_empty());
                    good.push((number, fields.iter().map(field).collect::<Vec<_>>()));
                }
                // They are counted behind a header line.
                Row::Bad(line) => bad.push(if has_header { *line } else { *line - 1 }),
            }
        }
        prop_assert_eq!(numbers.into_iter().zip(found).collect::<Vec<_>>(), good);
        prop_assert_eq!(facts.rejected.iter().map(|row| row.line).collect::<Vec<_>>(), bad.clone());

        // Without leave the first of them refuses the file.
        contract.surprises.bad_row = Policy::Reject.into();
        match read(&whole, &contract) {
            Ok((.., facts)) => prop_assert!(bad.is_empty() && facts.rows == expected.len() as u64),
            Err(failure) => prop_assert!(!bad.is_empty(), "{}", failure),
        }
    }

    /// Whatever the bytes and whatever the contract, it ends: with an error, or with every row accounted for.
    #[test]
    fn any_bytes_end_under_any_contract(
        content in prop::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..300),
        header: bool,
        says_header: bool,
        encoding in prop_oneof![
            Just(runtime::Encoding::Utf8), Just(runtime::Encoding::Latin1),
            Just(runtime::Encoding::Windows1252), Just(runtime::Encoding::Utf16),
        ],
        kind in prop_oneof![
            Just(runtime::FileKind::Csv), Just(runtime::FileKind::JsonLines), Just(runtime::FileKind::Parquet),
        ],
        compression in prop_oneof![
            3 => Just(runtime::Compression::None), 1 => Just(runtime::Compression::Gzip), 1 => Just(runtime::Compression::Zstd),
        ],
        policy in prop_oneof![Just(Policy::Accept), Just(Policy::Quarantine), Just(Policy::Reject), Just(Policy::Evolve)],
    ) {
        let mut contract = contract(&["a", "b"]);
        contract.keys = vec!["a".into()];
        contract.format.header = says_header;
        (contract.format.encoding, contract.format.kind, contract.format.compression) = (encoding, kind, compression);
        let surprises = &mut contract.surprises;
        let of_rows = RowPolicy { policy, max_rows: 5, max_share: 0.9 };
        (surprises.bad_row, surprises.duplicate_key) = (of_rows, of_rows);
        (surprises.new_column, surprises.missing_column) = (policy, policy);
        (surprises.reordered_columns, surprises.empty_file) = (policy, policy);
        let whole = if header { [b"a,b\n", content.as_slice()].concat() } else { content };
        // `read` holds the counts against each other.
        if let Ok((rows, _, facts)) = read(&whole, &contract) {
            prop_assert!(facts.rows_rejected <= 10);
            prop_assert_eq!(rows.len() as u64, facts.rows);
            prop_assert_eq!(facts.bytes, whole.len() as u64);
        }
    }
}
