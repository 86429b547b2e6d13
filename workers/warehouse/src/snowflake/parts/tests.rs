//! What goes in comes out, whatever it is.

use std::io::Read;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use messages::Failure;
use proptest::prelude::*;

use super::*;
use crate::{FileFacts, RowSource};

type Row = Vec<Option<String>>;

/// Rows from memory.
struct Cells {
    rows: Vec<Row>,
    batch_rows: usize,
    given: usize,
}

impl RowSource for Cells {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        let end = self.rows.len().min(self.given + self.batch_rows);
        let rows = &self.rows[self.given..end];
        let Some(first) = rows.first() else { return Ok(None) };
        let text = |column: usize| -> ArrayRef {
            Arc::new(rows.iter().map(|row| row[column].as_deref()).collect::<StringArray>())
        };
        let mut columns: Vec<_> = (0..first.len()).map(|at| (format!("c{at}"), text(at), true)).collect();
        let numbers = (self.given as i64 + 1)..=(end as i64);
        columns.push(("SOURCE_ROW".into(), Arc::new(Int64Array::from_iter_values(numbers)), false));
        self.given = end;
        Ok(Some(RecordBatch::try_from_iter_with_nullable(columns).unwrap()))
    }

    fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
        Ok(FileFacts::plain(self.given as u64, 1, "sha256:00"))
    }
}

/// The parts of `rows`: name, rows and content.
fn parts(rows: Vec<Row>, batch_rows: usize, threads: usize, limits: Limits) -> Vec<(String, u64, Vec<u8>)> {
    let columns = rows.first().map_or(1, Vec::len);
    let source = Box::new(Cells { rows, batch_rows, given: 0 });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let budget = Budget::new(threads + 1);
        let mut reading = Reading::start(source, columns, budget.clone()).unwrap();
        reading.all_read().await;
        let mut opened = Compressing::start(reading.chunks(), threads, &budget, limits).unwrap();
        let collect = async |mut part: Opened| {
            let (mut bytes, mut rows) = (Vec::new(), None);
            while let Some(piece) = part.pieces.recv().await {
                assert!(limits.piece_bytes.is_none_or(|limit| piece.bytes.len() <= limit && !piece.bytes.is_empty()));
                assert_eq!(rows, None, "a piece after the last");
                bytes.extend(piece.bytes);
                rows = piece.last;
            }
            (part.name, rows.expect("a part without its last piece"), bytes)
        };
        let mut parts = Vec::new();
        let mut flying = futures::stream::FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(part) = opened.recv() => flying.push(collect(part)),
                Some(part) = futures::StreamExt::next(&mut flying) => parts.push(part),
                else => break,
            }
        }
        drop(flying);
        assert!(reading.finish().await.unwrap().is_some());
        parts.sort();
        parts
    })
}

/// The one member of a gzip file.
pub(in super::super) fn unpacked(gzip: &[u8]) -> Vec<u8> {
    let (mut decoder, mut csv) = (flate2::bufread::GzDecoder::new(gzip), Vec::new());
    decoder.read_to_end(&mut csv).unwrap();
    assert!(decoder.into_inner().is_empty(), "something behind the end of the file");
    csv
}

/// A strict reader that tells an empty text from NULL, as COPY does with EMPTY_FIELD_AS_NULL.
pub(in super::super) fn records(csv: &[u8]) -> Vec<Row> {
    let (mut records, mut record, mut at) = (Vec::new(), Vec::new(), 0);
    while at < csv.len() {
        let mut field = Vec::new();
        let quoted = csv[at] == b'"';
        if quoted {
            at += 1;
            loop {
                match (csv[at], csv.get(at + 1)) {
                    (b'"', Some(b'"')) => (field.push(b'"'), at += 2),
                    (b'"', _) => break at += 1,
                    (byte, _) => (field.push(byte), at += 1),
                };
            }
        }
        while !quoted && !matches!(csv[at], b',' | b'\n') {
            assert!(csv[at].is_ascii_digit(), "something but a number without quotes");
            field.push(csv[at]);
            at += 1;
        }
        record.push((quoted || !field.is_empty()).then(|| String::from_utf8(field).unwrap()));
        match csv[at] {
            b',' => {}
            b'\n' => records.push(std::mem::take(&mut record)),
            other => panic!("{other} behind a field"),
        }
        at += 1;
    }
    assert!(record.is_empty(), "the last record does not end");
    records
}

fn numbered(rows: &[Row]) -> Vec<Row> {
    let numbered = |(at, row): (usize, &Row)| [vec![Some((at + 1).to_string())], row.clone()].concat();
    rows.iter().enumerate().map(numbered).collect()
}

fn cell() -> impl Strategy<Value = Option<String>> {
    let nasty = proptest::sample::select(vec![
        "\"", "\"\"", ",", "\n", "\r\n", "\r", "\\", "\\N", " ", "NULL", "'", "\u{feff}",
    ]);
    let text = prop_oneof![
        proptest::collection::vec(nasty, 0..6).prop_map(|parts| parts.concat()),
        "[^\0]{0,12}",
        Just(String::new()),
    ];
    proptest::option::weighted(0.8, text)
}

fn table() -> impl Strategy<Value = Vec<Row>> {
    (1_usize..5).prop_flat_map(|columns| proptest::collection::vec(proptest::collection::vec(cell(), columns), 1..40))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_survives(rows in table(), batch_rows in 1_usize..20, piece_bytes in 1_usize..200) {
        let limits = Limits { part_bytes: 50_000_000, piece_bytes: Some(piece_bytes) };
        let parts = parts(rows.clone(), batch_rows, 1, limits);
        prop_assert_eq!(parts.len(), 1);
        let csv = unpacked(&parts[0].2);
        prop_assert_eq!(records(&csv), numbered(&rows));
        // Another reader sees the same texts; it takes NULL for empty.
        let mut other = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .terminator(::csv::Terminator::Any(b'\n'))
            .from_reader(csv.as_slice());
        let other: Vec<Row> = other.records().map(|record| record.unwrap().iter().map(|text| Some(text.into())).collect()).collect();
        let texts = |row: Row| row.into_iter().map(|text| Some(text.unwrap_or_default())).collect::<Row>();
        prop_assert_eq!(other, numbered(&rows).into_iter().map(texts).collect::<Vec<_>>());
    }
}

#[test]
fn many_small_parts_hold_every_row_once() {
    let rows: Vec<Row> = (0..60_000).map(|row| vec![Some(format!("{row:x}").repeat(8)), None]).collect();
    for (threads, piece_bytes) in [(1, Some(5_000)), (3, Some(30_000)), (2, None)] {
        let parts = parts(rows.clone(), 2048, threads, Limits { part_bytes: 20_000, piece_bytes });
        assert!(parts.len() > 3, "{} parts", parts.len());
        let names: Vec<_> = parts.iter().map(|(name, ..)| name.clone()).collect();
        assert_eq!(names, (1..=parts.len() as u32).map(name).collect::<Vec<_>>());
        let mut found = Vec::new();
        for (_, count, bytes) in &parts {
            let part = records(&unpacked(bytes));
            assert_eq!(part.len() as u64, *count);
            found.extend(part);
        }
        found.sort_by_key(|row| row[0].as_ref().unwrap().parse::<u64>().unwrap());
        assert!(found == numbered(&rows), "rows are missing or others");
    }
}

#[test]
fn the_bytes_are_what_copy_is_told() {
    let rows = vec![vec![Some("a\"b".into()), None, Some(String::new())], vec![None, None, None]];
    let parts = parts(rows, 10, 2, Limits { part_bytes: 1, piece_bytes: None });
    assert_eq!(String::from_utf8(unpacked(&parts[0].2)).unwrap(), "1,\"a\"\"b\",,\"\"\n2,,,\n");
}

/// The table of this folder's `mod.rs`:
/// `cargo test -p millrace-warehouse --release --lib levels -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn levels() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/raw/source_system/batches.csv");
    let texts = std::fs::read(&file).unwrap();
    let mut reader = ::csv::Reader::from_reader(texts.as_slice());
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let rows = reader.records().map(|row| row.unwrap().iter().map(text).collect()).collect();
    let limits = Limits { part_bytes: 50_000_000, piece_bytes: None };
    let csv = unpacked(&parts(rows, 2048, 1, limits)[0].2);
    let times = 300_000_000 / csv.len();
    for level in 1..=6 {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
        let began = std::time::Instant::now();
        for _ in 0..times {
            std::io::Write::write_all(&mut gzip, &csv).unwrap();
        }
        let packed = gzip.finish().unwrap().len() as f64;
        let (all, secs) = ((times * csv.len()) as f64, began.elapsed().as_secs_f64());
        println!(
            "level {level}: {:.0} MB/s, {:.1} % of the CSV, {:.1} % of the file",
            all / 1e6 / secs,
            100.0 * packed / all,
            100.0 * packed / (times * texts.len()) as f64
        );
    }
}
