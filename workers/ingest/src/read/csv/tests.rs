//! Files that must load, and files that must not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use messages::FailureClass;
use proptest::prelude::*;
use runtime::{Compression, Contract};
use warehouse::{FileFacts, RowSource};

use crate::read::kit::{self, Table, contract, drain, file, named, read};
use crate::read::{Expected, FileSource, MAX_FIELD_BYTES};

fn rows(content: &[u8], names: &[&str]) -> Vec<String> {
    kit::texts(read(content, &contract(names)).unwrap().0)
}

fn fault(content: &[u8]) -> String {
    kit::fault(content, &contract(&["a", "b"]))
}

fn source(path: &Path, contract: &Contract, expected: Expected) -> FileSource {
    FileSource::new(path, contract, &[], expected)
}

fn of(names: &[String]) -> Contract {
    contract(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn what_is_legal_loads() {
    for content in [
        "a,b\n1,x\n2,y\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        "a,b\n1,x\n2,y",
        "\u{feff}a,b\n1,x\n2,y\n",
        "\"a\",\"b\"\n\"1\",\"x\"\n\"2\",\"y\"",
        " A , b \n1,x\n2,y\n",
        "b,c,a\nx,_,1\ny,_,2\n",
        "a,b\n\n1,x\n\r\n2,y\n\n",
    ] {
        assert_eq!(rows(content.as_bytes(), &["a", "b"]), ["1|x", "2|y"], "{content:?}");
    }
    assert_eq!(rows(b"a,b\n\"1\n2\",\"x, \"\"y\"\"\"\n", &["a", "b"]), ["1\n2|x, \"y\""]);
    assert_eq!(rows(b"a,b\n\"\",\n ,\"\"\"\"\n", &["a", "b"]), ["NULL|NULL", " |\""]);
    assert_eq!(rows("a,b\nä,轴🏭\n".as_bytes(), &["b", "a"]), ["轴🏭|ä"]);
    assert_eq!(rows(b"a\n1\n\"\"\n2", &["a"]), ["1", "NULL", "2"]);
}

#[test]
fn what_is_damaged_is_refused_with_its_line() {
    for (content, why) in [
        (&b""[..], "the file is empty: 0 bytes"),
        (b"\n\n", "the file has no header"),
        (b"a,b\n", "the file has a header and no rows"),
        (b"a,c\n1,2\n", "line 1: the header lacks b; it has a, c"),
        (b"a,b,A\n1,2,3\n", "line 1: the header names the column \"a\" twice"),
        (b"a,b\n1,2\n3\n", "line 3: the row has 1 fields, the header has 2"),
        (b"a,b\n1,2\n3,4,5\n6,7\n", "line 3: the row has 3 fields, the header has 2"),
        (b"a,b\n\"1\n\",2\n\"\n\n\",4,5\n6,7\n", "line 4: the row has 3 fields, the header has 2"),
        (b"a,b\r\n1,2\r\n3", "line 3: the row has 1 fields"),
        (b"a,b\n1,2\n\n\n3\n", "line 5: the row has 1 fields"),
        (b"a,b\n1,x\xff\n", "line 2: byte 7 of the file is not UTF-8"),
        (b"\xef\xbb\xbfa,b\n1,\xc3\n", "line 2: byte 9 of the file is not UTF-8"),
        (b"a,b\n1,\xe2\x82", "line 2: byte 6 of the file is not UTF-8"),
        (b"\xff\xfea\0,\0b\0\n\0", "the file is UTF-16"),
        (b"a,b\n1,x\0y\n", "line 2: a NUL byte"),
        (b"a,b\n1,x\"y\n", "line 2: a quote inside a field"),
        (b"a,b\n1, \"y\"\n", "line 2: a quote inside a field"),
        (b"a,b\n1,\"x\"y\n", "line 2: text behind a closing quote"),
        (b"a,b\n1,2\n1,\"x\n\n", "line 3: a quote is opened and never closed"),
        (b"a,b\n1,x\ry\n", "line 2: a carriage return without a line feed"),
        (b"a,b\n1,x\r", "line 2: a carriage return without a line feed"),
    ] {
        let found = fault(content);
        assert!(found.starts_with(why), "{:?}\n expected {why}\n found    {found}", String::from_utf8_lossy(content));
    }
}

#[test]
fn damage_far_into_the_file_has_its_line_too() {
    let mut content = b"a,b\n".to_vec();
    for row in 0..200_000 {
        writeln!(content, "{row},\"some {row}\ntext\"").unwrap();
    }
    content.extend(b"1,2,3\n");
    assert!(fault(&content).starts_with("line 400002: the row has 3 fields"), "{}", fault(&content));
    content.truncate(content.len() - 6);
    content.extend("1,ü\n".repeat(100_000).bytes());
    content.extend(b"1,\"x\"x\n");
    assert!(fault(&content).starts_with("line 500002: text behind"), "{}", fault(&content));
}

#[test]
fn a_field_has_a_longest_length() {
    let content = |bytes: usize| format!("a,b\n1,{}\n", "x".repeat(bytes)).into_bytes();
    assert_eq!(read(&content(MAX_FIELD_BYTES), &contract(&["a", "b"])).unwrap().2.rows, 1);
    assert!(fault(&content(MAX_FIELD_BYTES + 1)).starts_with("line 2: a field of more than 1 MiB"));
    assert!(fault(&content(100_000_000)).starts_with("line 2: a field of more than 1 MiB"));
    let wide = format!("a,b\n1{}\n", ",".repeat(50_000)).into_bytes();
    assert!(fault(&wide).starts_with("line 2: a row of more than 10000 fields"), "{}", fault(&wide));
}

#[test]
fn a_million_columns_are_refused_before_they_fill_memory() {
    let names: Vec<String> = (0..1_000_000).map(|number| format!("c{number}")).collect();
    let content = format!("{}\n{}\n", names.join(","), ",".repeat(999_999));
    assert_eq!(fault(content.as_bytes()), "line 1: a row of more than 10000 fields");
    // A header that never ends is no header either.
    let endless = "x,".repeat(40 << 20);
    assert_eq!(fault(endless.as_bytes()), "line 1: a row of more than 32 MiB");
}

#[test]
fn facts_are_those_of_the_file() {
    let (_, numbers, facts) = read(b"a,b\n1,2\n", &contract(&["a", "b"])).unwrap();
    assert_eq!(numbers, [1]);
    // printf 'a,b\n1,2\n' | sha256sum
    let file_id = "sha256:492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470".to_owned();
    assert_eq!(facts, FileFacts::plain(1, 8, file_id));
}

#[test]
fn a_file_that_is_not_the_one_found_is_refused() {
    let file = file(b"a,b\n1,2\n");
    let at = |expected: Expected| {
        let failure = drain(source(file.path(), &contract(&["a"]), expected)).unwrap_err();
        assert_eq!(failure.class, FailureClass::Permanent);
        failure.message
    };
    let hash = Some("sha256:00".to_owned());
    for expected in [
        Expected { size_bytes: Some(7), ..named() },
        Expected { modified_at: Some(SystemTime::UNIX_EPOCH.into()), ..named() },
        Expected { file_id: hash, ..named() },
    ] {
        assert!(at(expected).starts_with("mes/b.csv was replaced before it was loaded"));
    }
    let gone = source(Path::new("/nowhere/b.csv"), &contract(&["a"]), named()).next_batch().unwrap_err();
    assert!(gone.message.starts_with("mes/b.csv was deleted before it was loaded"), "{gone}");
    assert_eq!(gone.class, FailureClass::Permanent);
}

#[test]
fn a_file_that_changes_meanwhile_is_refused() {
    let mut file = file("a,b\n1,2\n".repeat(100_000).replacen("a,b", "a,c", 0).as_bytes());
    let mut source = source(file.path(), &contract(&["a"]), named());
    source.next_batch().unwrap();
    file.as_file_mut().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    let failure = Box::new(source).finish().unwrap_err();
    assert!(failure.message.starts_with("mes/b.csv was replaced while it was loaded"), "{failure}");
}

/// Fields as a plant, a tester or an enemy might write them.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z0-9.:_-]{0,15}",
        1 => "[ ,\"\n\r;'\\\\äö轴🏭]{0,12}",
        1 => "\\PC{0,40}",
    ]
    .prop_map(|text| text.replace('\0', ""))
}

fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    (1_usize..6).prop_flat_map(|width| prop::collection::vec(prop::collection::vec(field(), width), 1..60))
}

/// How a file is written.
#[derive(Clone, Debug)]
struct Dialect {
    delimiter: u8,
    quote: u8,
    crlf: bool,
    always: bool,
    mark: bool,
    last_end: bool,
    header: bool,
    compression: Compression,
}

fn dialect() -> impl Strategy<Value = Dialect> {
    let symbols = prop_oneof![Just((b',', b'"')), Just((b';', b'"')), Just((b'\t', b'"')), Just((b'|', b'\''))];
    let compression = prop_oneof![Just(Compression::None), Just(Compression::Gzip), Just(Compression::Zstd)];
    (symbols, any::<[bool; 5]>(), compression).prop_map(
        |((delimiter, quote), [crlf, always, mark, last_end, header], compression)| Dialect {
            delimiter,
            quote,
            crlf,
            always,
            mark,
            last_end,
            header,
            compression,
        },
    )
}

impl Dialect {
    /// Writes a file of these rows, packed.
    fn write(&self, names: &[String], rows: &[Vec<String>]) -> Vec<u8> {
        let mut writer = ::csv::WriterBuilder::new()
            .delimiter(self.delimiter)
            .quote(self.quote)
            .terminator(if self.crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') })
            .quote_style(if self.always { ::csv::QuoteStyle::Always } else { ::csv::QuoteStyle::Necessary })
            .from_writer(if self.mark { "\u{feff}".into() } else { Vec::new() });
        if self.header {
            writer.write_record(names).unwrap();
        }
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let mut text = writer.into_inner().unwrap();
        if !self.last_end {
            text.truncate(text.len() - if self.crlf { 2 } else { 1 });
        }
        match self.compression {
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&text).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(text.as_slice(), 1).unwrap(),
            Compression::None | Compression::Auto => text,
        }
    }

    fn contract(&self, names: &[String]) -> Contract {
        let mut contract = of(names);
        contract.format.delimiter = self.delimiter.into();
        contract.format.quote = self.quote.into();
        contract.format.compression = self.compression;
        contract.format.header = self.header;
        contract
    }

    /// The rows that DuckDB's own reader, which shares nothing with ours, makes of the file.
    fn duckdb_reads(&self, path: &Path, names: &[String]) -> Table {
        let connection = duckdb::Connection::open_in_memory().unwrap();
        let columns: Vec<_> = names.iter().map(|name| format!("'{name}': 'VARCHAR'")).collect();
        let symbol = |symbol: u8| char::from(symbol).to_string().replace('\'', "''");
        let packed = match self.compression {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::None | Compression::Auto => "none",
        };
        let sql = format!(
            "SELECT * FROM read_csv('{}', columns={{{}}}, header=true, delim='{}', quote='{}', escape='{}', \
            compression='{packed}', auto_detect=false, strict_mode=true, parallel=false)",
            path.display(),
            columns.join(", "),
            symbol(self.delimiter),
            symbol(self.quote),
            symbol(self.quote),
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut table = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let value = |column| row.get::<_, Option<String>>(column).unwrap().filter(|text| !text.is_empty());
            table.push((0..names.len()).map(value).collect());
        }
        table
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What DuckDB's reader reads, we read: the same cells, in every dialect.
    #[test]
    fn another_reader_reads_the_same(table in table(), dialect in dialect()) {
        // A row of one empty field is a blank line to some and a NULL to others.
        let names: Vec<String> = (0..table[0].len() + 1).map(|column| format!("c{column}")).collect();
        let row = |(number, row): (usize, &Vec<String>)| row.iter().cloned().chain([number.to_string()]).collect();
        let rows: Vec<Vec<String>> = table.iter().enumerate().map(row).collect();
        let ours = file(&dialect.write(&names, &rows));
        let (found, ..) = drain(source(ours.path(), &dialect.contract(&names), named())).unwrap();
        // DuckDB takes the line end of a file from its first line, be it inside quotes: it is given a header in any case.
        let theirs = file(&Dialect { header: true, ..dialect.clone() }.write(&names, &rows));
        prop_assert_eq!(found, dialect.duckdb_reads(theirs.path(), &names));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// What the `csv` crate writes, we read.
    #[test]
    fn what_another_writer_writes_is_read(table in table(), crlf: bool, always: bool) {
        let names: Vec<String> = (0..table[0].len()).map(|column| format!("c{column}")).collect();
        let mut writer = ::csv::WriterBuilder::new()
            .terminator(if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') })
            .quote_style(if always { ::csv::QuoteStyle::Always } else { ::csv::QuoteStyle::Necessary })
            .from_writer(Vec::new());
        writer.write_record(&names).unwrap();
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let content = writer.into_inner().unwrap();
        let file = file(&content);
        let (found, _, facts) = drain(source(file.path(), &of(&names), named())).unwrap();
        let expected: Table = table.into_iter()
            .map(|row| row.into_iter().map(|text| (!text.is_empty()).then_some(text)).collect())
            .collect();
        prop_assert_eq!(facts.rows, expected.len() as u64);
        prop_assert_eq!(facts.bytes, content.len() as u64);
        prop_assert_eq!(found, expected);
    }

    /// Whatever the bytes, it ends, and with an error or with rows.
    #[test]
    fn any_bytes_end(content in prop::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200)) {
        let mut whole = b"a,b\n".to_vec();
        whole.extend(content);
        let _ = read(&whole, &contract(&["a"]));
    }
}
