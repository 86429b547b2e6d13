//! Files as they come: packed, and in other encodings.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;

use flate2::write::GzEncoder;
use runtime::{Compression, Contract, Encoding, FileKind, Policy, RowPolicy};
use warehouse::RowSource;

use super::kit::{calling, contract, fault, file, named, read, read_named, rejects, texts};
use super::{FREE_UNPACKED_BYTES, FileSource, MAX_FIELD_BYTES, MAX_UNPACKED_RATIO};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 0).unwrap()
}

fn packed(compression: Compression) -> Contract {
    let mut contract = contract(&["a", "b"]);
    contract.format.compression = compression;
    contract
}

fn written(encoding: Encoding) -> Contract {
    let mut contract = contract(&["a", "b"]);
    contract.format.encoding = encoding;
    contract.surprises.bad_row = RowPolicy { policy: Policy::Quarantine, max_rows: 9, max_share: 1.0 };
    contract
}

#[test]
fn packed_files_are_unpacked_by_name_or_contract() {
    let plain = b"a,b\n1,x\n2,y\n";
    // Packers that work in parallel, and `cat`, write several members or frames.
    let parted = |pack: fn(&[u8]) -> Vec<u8>| [pack(&plain[..5]), pack(b""), pack(&plain[5..])].concat();
    let (gz, zst) = (parted(gzip), parted(zstandard));
    for (content, compression, uri) in [
        (&gz, Compression::Auto, "mes/b.csv.gz"),
        (&gz, Compression::Auto, "mes/B.CSV.GZ"),
        (&gz, Compression::Gzip, "mes/b.csv"),
        (&zst, Compression::Auto, "mes/b.csv.zst"),
        (&zst, Compression::Zstd, "mes/b.gz"),
        (&plain.to_vec(), Compression::None, "mes/b.csv.gz"),
    ] {
        let (rows, _, facts) = read_named(content, &packed(compression), uri).unwrap();
        assert_eq!(texts(rows), ["1|x", "2|y"], "{compression:?} {uri}");
        // The file is the one that lies there.
        let whole = read(plain, &contract(&["a", "b"])).unwrap().2;
        assert_eq!(facts.bytes, content.len() as u64);
        assert_eq!(facts.file_id == whole.file_id, compression == Compression::None);
    }
}

#[test]
fn packed_files_that_are_damaged_are_refused() {
    let plain = "a,b\n1,x\n".repeat(50_000).into_bytes();
    let (gz, zst) = (gzip(&plain), zstandard(&plain));
    let mut flipped = gz.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    let cut = |content: &[u8]| content[..content.len() / 2].to_vec();
    for (content, compression, why) in [
        (cut(&gz), Compression::Gzip, "the gzip data is cut short; deliver the file again"),
        (gz[..gz.len() - 1].to_vec(), Compression::Gzip, "the gzip data is cut short"),
        (flipped, Compression::Gzip, "the gzip data is damaged"),
        ([gz.clone(), b"more".to_vec()].concat(), Compression::Gzip, "the gzip data is"),
        (plain.clone(), Compression::Gzip, "the gzip data is damaged or no gzip"),
        (cut(&zst), Compression::Zstd, "the Zstandard data is cut short"),
        (plain.clone(), Compression::Zstd, "the Zstandard data is damaged or no Zstandard"),
    ] {
        let found = fault(&content, &packed(compression));
        assert!(found.starts_with(why), "{found}");
    }
    assert_eq!(fault(b"", &packed(Compression::Gzip)), "the file is empty: 0 bytes");
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let row = format!("1,{}\n", "x".repeat(100_000));
    let rows = |bytes: u64| format!("a,b\n{}", row.repeat(bytes as usize / row.len())).into_bytes();
    let large = rows(4 * FREE_UNPACKED_BYTES);
    for (content, compression) in [(gzip(&large), Compression::Gzip), (zstandard(&large), Compression::Zstd)] {
        assert!(content.len() as u64 * MAX_UNPACKED_RATIO < 3 * FREE_UNPACKED_BYTES);
        let found = fault(&content, &packed(compression));
        assert!(found.contains("unpack to more than"), "{found}");
    }
    // What packs well and is small is no bomb.
    assert!(read(&zstandard(&rows(FREE_UNPACKED_BYTES)), &packed(Compression::Zstd)).unwrap().2.rows > 100);
}

#[test]
fn text_comes_in_other_encodings() {
    let latin1 = b"a,b\nK\xfcbel,\x80\xff\n";
    assert_eq!(texts(read(latin1, &written(Encoding::Latin1)).unwrap().0), ["Kübel|\u{80}ÿ"]);
    assert_eq!(texts(read(latin1, &written(Encoding::Windows1252)).unwrap().0), ["Kübel|€ÿ"]);
    let utf16 = |text: &str, big: bool, mark: bool| -> Vec<u8> {
        let mark = if mark { "\u{feff}" } else { "" };
        let units = mark.encode_utf16().chain(text.encode_utf16()).collect::<Vec<_>>();
        units.iter().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    for (big, mark) in [(false, true), (true, true), (false, false)] {
        let content = utf16("a,b\r\n轴,🏭\r\n\"x\ny\",z", big, mark);
        assert_eq!(texts(read(&content, &written(Encoding::Utf16)).unwrap().0), ["轴|🏭", "x\ny|z"], "{big} {mark}");
    }
    // The mark of UTF-8 is believed, whatever the contract says.
    for encoding in [Encoding::Utf8, Encoding::Latin1, Encoding::Windows1252, Encoding::Utf16] {
        let content = "\u{feff}a,b\nä,轴\n".as_bytes();
        assert_eq!(texts(read(content, &written(encoding)).unwrap().0), ["ä|轴"]);
    }
    // That of UTF-16 must be meant.
    for encoding in [Encoding::Utf8, Encoding::Latin1, Encoding::Windows1252] {
        let found = fault(&utf16("a,b\n1,2\n", true, true), &written(encoding));
        assert!(found.starts_with("the file is UTF-16, by its byte order mark"), "{found}");
    }
}

#[test]
fn long_texts_in_other_encodings_are_read_over_many_pieces() {
    let line = "Kübel mit Öl,Größe €\n";
    let text = format!("a,b\n{}", line.repeat(60_000));
    let expected = (60_000, "Kübel mit Öl|Größe €");
    let cp1252: Vec<u8> = text.chars().map(|c| if c == '€' { 0x80 } else { u8::try_from(c as u32).unwrap() }).collect();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf16 = [b"\xfe\xff".to_vec(), utf16].concat();
    for (content, encoding) in [(cp1252, Encoding::Windows1252), (utf16, Encoding::Utf16)] {
        let rows = texts(read(&content, &written(encoding)).unwrap().0);
        assert_eq!((rows.len(), rows[59_999].as_str()), expected);
        assert!(rows.iter().all(|row| row == expected.1));
    }
    let latin1 = text.replace('€', "ß");
    let latin1: Vec<u8> = latin1.chars().map(|c| u8::try_from(c as u32).unwrap()).collect();
    assert_eq!(read(&latin1, &written(Encoding::Latin1)).unwrap().2.rows, 60_000);
}

#[test]
fn bytes_that_are_no_text_cost_their_row() {
    let (rows, numbers, facts) = read(b"a,b\n1,\x81\n2,\x80\n", &written(Encoding::Windows1252)).unwrap();
    assert_eq!((texts(rows), numbers), (vec!["2|€".into()], vec![2]));
    let why = "it is not Windows-1252: it has one of the five bytes that mean nothing there";
    assert_eq!(rejects(&facts), [(2, why, "1,\u{fffd}")]);

    let mut utf16: Vec<u8> = "\u{feff}a,b\n1,x\n2,y\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    // Half of a pair, and half of a unit.
    utf16[14..16].copy_from_slice(&0xd800_u16.to_le_bytes());
    utf16.push(b'3');
    let (rows, _, facts) = read(&utf16, &written(Encoding::Utf16)).unwrap();
    assert_eq!(texts(rows), ["2|y"]);
    let why = "it is not UTF-16: half of a character is missing";
    assert_eq!(rejects(&facts), [(2, why, "1,\u{fffd}"), (4, why, "\u{fffd}")]);
    // Without leave the file is refused.
    let mut strict = written(Encoding::Utf16);
    strict.surprises.bad_row = Policy::Reject.into();
    assert_eq!(fault(&utf16, &strict), format!("line 2: {why}"));
}

#[test]
fn other_delimiters_and_quotes() {
    for (delimiter, quote) in [(';', '"'), ('\t', '"'), ('|', '\''), (',', '\''), ('\u{1f}', '"')] {
        let mut contract = contract(&["a", "b"]);
        (contract.format.delimiter, contract.format.quote) = (delimiter, quote);
        let content = "aDb\n1DQx, ;\t|D\nQQyQ\n".replace('D', &delimiter.to_string()).replace('Q', &quote.to_string());
        let expected = format!("1|x, ;\t|{delimiter}\n{quote}y");
        assert_eq!(texts(read(content.as_bytes(), &contract).unwrap().0), [expected]);
    }
}

/// Whoever writes a batch holds it in memory, and 2,048 rows of long texts would be gigabytes.
#[test]
fn a_batch_of_long_rows_has_few_of_them() {
    let long = "x".repeat(MAX_FIELD_BYTES - 64);
    let csv: String = std::iter::once("a,b\n".into()).chain((0..20).map(|row| format!("{row},{long}\n"))).collect();
    let json: String = (0..20).map(|row| format!("{{\"a\":{row},\"b\":\"{long}\"}}\n")).collect();
    for (content, kind) in [(csv, FileKind::Csv), (json, FileKind::JsonLines)] {
        let mut contract = contract(&["a", "b"]);
        contract.format.kind = kind;
        let file = file(content.as_bytes());
        let mut source = FileSource::new(file.path(), &contract, &[], named());
        let mut rows = Vec::new();
        while let Some(batch) = source.next_batch().unwrap() {
            rows.push(batch.num_rows());
        }
        // The row that goes beyond 8 MiB is the batch's last.
        assert_eq!(rows, [9, 9, 2], "{kind:?}");
    }
}

#[test]
fn headers_are_found_in_other_encodings() {
    let called = |encoding| {
        let mut called = calling(contract(&["a", "b"]), "b", &["Größe (m²)", "Breite"]);
        (called.format.encoding, called.format.delimiter) = (encoding, ';');
        called
    };
    let text = "Größe (m²);a\r\nklein;1\r\n";
    let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, encoding) in [
        (text.as_bytes().to_vec(), Encoding::Utf8),
        (latin1.clone(), Encoding::Latin1),
        (latin1.clone(), Encoding::Windows1252),
        (utf16, Encoding::Utf16),
    ] {
        assert_eq!(texts(read(&content, &called(encoding)).unwrap().0), ["1|klein"], "{encoding:?}");
    }
    // As Excel writes it by default, and nobody has said so.
    let found = fault(&latin1, &called(Encoding::Utf8));
    assert!(
        found.starts_with("line 1: byte 2 of the file is not UTF-8; save the file as UTF-8, or name its encoding"),
        "{found}"
    );
}

fn headless(columns: &[&str]) -> Contract {
    let mut contract = contract(columns);
    contract.format.header = false;
    contract.surprises.bad_row = RowPolicy { policy: Policy::Quarantine, max_rows: 9, max_share: 1.0 };
    contract
}

#[test]
fn a_file_without_a_header_has_the_contracts_columns() {
    let (rows, numbers, facts) =
        read("\u{feff}\n1,x\r\n2\n\"3\n\",\n4,5,6".as_bytes(), &headless(&["a", "b"])).unwrap();
    assert_eq!((texts(rows), numbers), (vec!["1|x".into(), "3\n|NULL".into()], vec![1, 3]));
    let why = |found| format!("the row has {found} fields, the contract has 2; mend the row, or quote its delimiters");
    assert_eq!(rejects(&facts), [(3, why(1).as_str(), "2"), (6, why(3).as_str(), "4,5,6")]);
    assert!(facts.shape.is_empty() && facts.held.is_empty());
    let mut strict = headless(&["a", "b"]);
    strict.surprises.bad_row = Policy::Reject.into();
    assert_eq!(fault(b"1\n", &strict), format!("line 1: {}", why(1)));
}

#[test]
fn a_header_that_nobody_expects_is_no_row() {
    for content in ["a,b\n1,2\n", "\n B ,\"A\"\n1,2\n"] {
        let found = fault(content.as_bytes(), &headless(&["a", "b"]));
        assert!(found.contains("the line names the columns, and by its contract the file has no header"), "{found}");
    }
    // Only the first row can be one, and only whole.
    for content in ["1,2\na,b\n", "a,a\n1,2\n", "a,x\n1,2\n"] {
        assert_eq!(read(content.as_bytes(), &headless(&["a", "b"])).unwrap().2.rows, 2, "{content:?}");
    }
}

#[test]
fn a_file_without_header_and_rows_is_empty() {
    let mut contract = headless(&["a", "b"]);
    assert_eq!(fault(b"", &contract), "the file is empty: 0 bytes");
    assert!(fault(b"\n\r\n", &contract).starts_with("the file has no rows; it is not loaded"));
    contract.surprises.empty_file = Policy::Quarantine;
    for content in [&b""[..], b"\n\r\n", b"\xef\xbb\xbf"] {
        assert_eq!(read(content, &contract).unwrap().2.held, ["the file has no rows"]);
    }
}
