//! What a gigabyte costs. Linux only (`VmHWM`); run by hand, alone:
//! `cargo test -p millrace-warehouse --release --lib a_gigabyte -- --ignored --nocapture`.

use std::time::Instant;

use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use messages::Failure;

use super::*;

const ROWS: usize = 7_300_000;
const BATCH_ROWS: usize = 2048;

/// Batches of a machine's lines: 12 columns, like a plant's files. Made anew each time, as a parser does.
struct Machine {
    given: usize,
    bytes: u64,
}

impl Machine {
    fn column(&mut self, rows: std::ops::Range<usize>, cell: impl Fn(usize, usize) -> String) -> ArrayRef {
        let cells: StringArray = rows
            .map(|row| Some(cell(row, row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20)).filter(|cell| !cell.is_empty()))
            .collect();
        // What the file would have: the values, and a comma or line break behind each.
        self.bytes += cells.value_data().len() as u64 + cells.len() as u64;
        Arc::new(cells)
    }
}

impl RowSource for Machine {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        let rows = self.given..ROWS.min(self.given + BATCH_ROWS);
        if rows.is_empty() {
            return Ok(None);
        }
        self.given = rows.end;
        type Cell = fn(usize, usize) -> String;
        let cells: [Cell; 15] = [
            |row, _| format!("B-{row:08}"),
            |row, _| format!("PO-{:07}", row / 4),
            |_, noise| format!("MAT-{:06}", noise % 200),
            |_, noise| ["DE01", "AT01", "CZ02"][noise % 3].into(),
            |_, noise| format!("L{:02}", noise % 12),
            |row, _| ["EARLY", "LATE", "NIGHT"][row % 3].into(),
            |_, noise| (1_000 + noise % 9_000).to_string(),
            |_, noise| (noise % 90).to_string(),
            |row, noise| {
                format!(
                    "2026-10-{:02} {:02}:{:02}:{:02}",
                    1 + row / 200_000,
                    row / 8_400 % 24,
                    row / 140 % 60,
                    noise % 60
                )
            },
            |row, noise| {
                format!("2026-10-{:02} {:02}:{:02}:{:02}", 1 + row / 200_000, row / 8_400 % 24, noise % 60, noise % 59)
            },
            |_, noise| ["RELEASED", "BLOCKED", "IN PROGRESS"][noise % 7 % 3].into(),
            |_, noise| format!("OP-{:04}", noise % 150),
            |_, noise| format!("{}.{:02}", 180 + noise % 90, noise % 97),
            |_, noise| format!("{}.{:03}", noise % 12, noise % 991),
            |_, noise| {
                if noise % 5 == 0 {
                    "tool changed, \"hot\" start; inspected by shift lead".into()
                } else {
                    String::new()
                }
            },
        ];
        let mut columns: Vec<(String, ArrayRef, bool)> = Vec::new();
        for (at, cell) in cells.into_iter().enumerate() {
            columns.push((format!("c{at}"), self.column(rows.clone(), cell), true));
        }
        let numbers = rows.map(|row| row as i64 + 1);
        columns.push(("SOURCE_ROW".into(), Arc::new(Int64Array::from_iter_values(numbers)), false));
        Ok(Some(RecordBatch::try_from_iter_with_nullable(columns).unwrap()))
    }

    fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
        Ok(FileFacts::plain(self.given as u64, self.bytes, "sha256:00"))
    }
}

/// A line of `/proc/self/status`, in MB.
fn memory(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status
        .lines()
        .find_map(|found| found.strip_prefix(line)?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    found.unwrap_or_default() / 1e3
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_gigabyte() {
    let mut alone = Machine { given: 0, bytes: 0 };
    while alone.next_batch().unwrap().is_some() {}
    let (making, before) = (processor_secs(), memory("VmHWM:"));
    println!("the source alone: {:.0} MB, {making:.1} s of processor, {before:.0} MB peak", alone.bytes as f64 / 1e6);

    for millis_per_piece in [0, 400] {
        let kit = Kit::new(Troubled::sink(Duration::from_millis(millis_per_piece)));
        let (began, spent) = (Instant::now(), processor_secs());
        let columns: Vec<String> = (0..15).map(|at| format!("c{at}")).collect();
        let open = || kit.open();
        let staged =
            staged(Box::new(Machine { given: 0, bytes: 0 }), columns.len(), &open, Options::default()).await.unwrap();
        let (secs, spent) = (began.elapsed().as_secs_f64(), processor_secs() - spent - making);
        let (file, sent) = (staged.facts.bytes as f64, staged.parts.iter().map(|part| part.bytes).sum::<u64>() as f64);
        assert_eq!(staged.parts.iter().map(|part| part.rows).sum::<u64>(), staged.facts.rows);
        println!(
            "{millis_per_piece} ms a piece: {secs:.1} s, {:.0} MB a second of processor without the source's; {} parts, \
            {:.0} MB sent ({:.1} % of the file); peak {:.0} MB, {:.0} MB above the source's",
            file / 1e6 / spent,
            staged.parts.len(),
            sent / 1e6,
            100.0 * sent / file,
            memory("VmHWM:"),
            memory("VmHWM:") - before,
        );
    }
}

/// User and system time of the process. The clock's time says little on a machine with other work.
fn processor_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}
