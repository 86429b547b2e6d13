//! What the shipped checks of batches cost on a large load, against loading it: both in one process, on the same rows.
//!
//! The rows are made in memory, so the load is the cheapest there is: a file's reading, checking and hashing come on top of it. What
//! making them costs is measured alone and taken off. Processor time says more than the clock on a machine with other work.
//!
//! `cargo bench -p millrace-dq --bench checks`, with `-- <rows> <turns>` for other sizes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use chrono::Utc;
use messages::{Failure, MessageId};
use runtime::Contracts;
use support::{Mill, checks, id};
use warehouse::{FileFacts, RowSource, Slice};

const ROWS: usize = 1_600_000;
const TURNS: usize = 3;
const BATCH: usize = 2048;

#[tokio::main]
async fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (rows, turns) = (*sizes.first().unwrap_or(&ROWS), *sizes.get(1).unwrap_or(&TURNS));
    let mut ratios = Vec::new();
    for turn in 0..turns {
        let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sources");
        let mut mill = Mill::over(Contracts::read(&contracts).unwrap()).await;
        let small = |columns: usize, first: &dyn Fn(usize) -> String, count: usize| {
            (0..count)
                .map(|at| {
                    let mut row = vec![String::new(); columns];
                    row[0] = first(at);
                    row
                })
                .collect::<Vec<_>>()
        };
        mill.load_rows("materials", "m", Utc::now(), small(9, &|at| format!("MAT-{at:06}"), 200)).await;
        mill.load_rows("production_orders", "o", Utc::now(), small(12, &|at| format!("PO-{at:07}"), 5000)).await;
        let making = measured(async { drain(rows) }).await;
        let slice = slice(&mill);
        let loading =
            measured(async { drop(mill.warehouse().load(&slice, Box::new(Made::new(rows)), None).await.unwrap()) })
                .await;
        let mut count = 0;
        let checking = measured(async { count = checks(&mill.judge("big", &["batches"]).await).len() }).await;
        let load = [loading[0] - making[0], loading[1] - making[1]];
        println!(
            "{turn}: {rows} rows: loaded in {:.2} s ({:.2} s of processor), {count} checks in {:.2} s ({:.2} s of processor): \
            {:.1} % of the load, {:.1} % of its processor time",
            load[0],
            load[1],
            checking[0],
            checking[1],
            checking[0] / load[0] * 100.0,
            checking[1] / load[1] * 100.0
        );
        ratios.push(checking[1] / load[1]);
    }
    ratios.sort_by(f64::total_cmp);
    println!("checks take {:.1} % of the load's processor time (median)", ratios[ratios.len() / 2] * 100.0);
}

/// Seconds by the clock and of processor.
async fn measured(doing: impl Future<Output = ()>) -> [f64; 2] {
    let (began, used) = (Instant::now(), processor_secs());
    doing.await;
    [began.elapsed().as_secs_f64(), processor_secs() - used]
}

/// User and system time of the process, in seconds. Linux only.
fn processor_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn drain(rows: usize) {
    let mut source = Made::new(rows);
    while source.next_batch().unwrap().is_some() {}
}

fn slice(mill: &Mill) -> Slice {
    let now = Utc::now();
    Slice {
        load_id: id("big"),
        command_id: MessageId::fresh(),
        table: mill.contracts.source("batches").unwrap().table_spec(),
        source: "batches".into(),
        uri: "batches.csv".into(),
        modified_at: now,
        as_of: now,
        attempt: 1,
        run_files: 1,
        table_files: 1,
        started_at: now,
        worker: "bench".into(),
        trace_id: String::new(),
    }
}

/// Batches as a plant has them, in the order of the contract's columns.
struct Made {
    rows: usize,
    given: usize,
}

impl Made {
    fn new(rows: usize) -> Self {
        Self { rows, given: 0 }
    }

    fn value(column: usize, row: usize) -> Option<String> {
        let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        Some(match column {
            0 => format!("B-{row:08}"),
            1 => format!("PO-{:07}", row / 400),
            2 => format!("MAT-{:06}", mixed % 200),
            3 => format!("DE{:02}", mixed % 6),
            4 => format!("L{:02}", mixed % 12),
            5 => ["EARLY", "LATE", "NIGHT"][mixed % 3].into(),
            6 => format!("{}", 200 + mixed % 900),
            7 => format!("{}", mixed % 20),
            8 => format!("2026-{:02}-{:02} {:02}:00:00", 1 + mixed % 12, 1 + mixed % 28, mixed % 24),
            9 if mixed.is_multiple_of(50) => return None,
            9 => format!("2026-{:02}-{:02} {:02}:30:00", 1 + mixed % 12, 1 + mixed % 28, mixed % 24),
            10 => ["RELEASED", "IN_PROCESS", "QUARANTINED", "REJECTED"][mixed % 4].into(),
            11 => format!("OP{:03}", mixed % 150),
            12 => format!("{:.1}", 60.0 + (mixed % 400) as f64 / 10.0),
            13 => format!("{:.2}", (mixed % 600) as f64 / 100.0),
            _ if mixed.is_multiple_of(5) => "re-checked, ok".into(),
            _ => return None,
        })
    }
}

impl RowSource for Made {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        let (from, to) = (self.given, self.rows.min(self.given + BATCH));
        self.given = to;
        if from == to {
            return Ok(None);
        }
        let column = |at: usize| -> (String, ArrayRef, bool) {
            let values: StringArray = (from..to).map(|row| Self::value(at, row)).collect();
            (format!("c{at}"), Arc::new(values), true)
        };
        let mut columns: Vec<_> = (0..15).map(column).collect();
        let numbers = Int64Array::from_iter_values(from as i64 + 1..=to as i64);
        columns.push(("SOURCE_ROW".into(), Arc::new(numbers), true));
        Ok(Some(RecordBatch::try_from_iter_with_nullable(columns).unwrap()))
    }

    fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
        Ok(FileFacts::plain(self.rows as u64, 0, "sha256:00"))
    }
}
