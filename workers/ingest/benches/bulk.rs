//! A large file into DuckDB: ours (checked, hashed, numbered, audited) against DuckDB's own reader; and what it costs that the
//! contract sets bad rows and duplicate keys aside and watches the file's shape, against the plain contract that does not.
//!
//! Each run is a child process of its own, in turns; medians and peak memory are printed. Linux only (`VmHWM`).
//!
//! `cargo bench -p millrace-ingest --bench bulk`, with `-- <rows> <turns>` for other sizes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use chrono::{DateTime, Utc};
use messages::{LoadId, MessageId};
use millrace_ingest as ingest;
use runtime::contract::Column;
use runtime::{Contract, Format, Policy, RowPolicy, Surprises};
use warehouse::{LoadOutcome, Mode, Slice, TableSpec, WarehouseSettings};

const COLUMNS: [&str; 12] = [
    "batch_id",
    "line",
    "machine",
    "product",
    "started_at",
    "temperature_c",
    "pressure_bar",
    "weight_g",
    "operator",
    "state",
    "lot",
    "comment",
];
const ROWS: usize = 2_000_000;
const TURNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["ours", file, database] => report(|| ours(Path::new(file), Path::new(database), &plain())),
        ["policies", file, database] => report(|| ours(Path::new(file), Path::new(database), &with_policies(IN_ORDER))),
        ["unordered", file, database] => {
            report(|| ours(Path::new(file), Path::new(database), &with_policies(NO_ORDER)))
        }
        ["bare", file, database] => report(|| bare(Path::new(file), Path::new(database))),
        ["parse", file, _] => report(|| parse(Path::new(file), &plain())),
        ["parse+", file, _] => report(|| parse(Path::new(file), &with_policies(IN_ORDER))),
        sizes => {
            let size = |at: usize, default| sizes.get(at).map_or(default, |size| size.parse().unwrap());
            compare(size(0, ROWS), size(1, TURNS));
        }
    }
}

fn compare(rows: usize, turns: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("batches.csv");
    generate(&file, rows);
    let bytes = std::fs::metadata(&file).unwrap().len();
    println!("file: {rows} rows, {} columns, {:.1} MB", COLUMNS.len(), bytes as f64 / 1e6);
    let kinds = ["ours", "policies", "unordered", "bare", "parse", "parse+"];
    let mut results = kinds.map(|_| Vec::new());
    for turn in 0..turns {
        for (kind, results) in kinds.into_iter().zip(&mut results) {
            let database = folder.path().join(format!("{kind}-{turn}.duckdb"));
            let result = child(kind, &file, &database);
            let size = std::fs::metadata(&database).map_or(0, |file| file.len());
            println!(
                "  {kind:9} {turn}: {:.2} s, {:.2} s of processor, {} MB peak, {} MB database",
                result.secs,
                result.processor_secs,
                result.peak_bytes / 1_000_000,
                size / 1_000_000
            );
            let _ = std::fs::remove_file(&database);
            results.push(result);
        }
    }
    let policies = turn_by_turn(&results[1], &results[0]);
    let unordered = turn_by_turn(&results[2], &results[0]);
    let parsed = turn_by_turn(&results[5], &results[4]);
    let medians = results.map(|results| Run {
        secs: median(results.iter().map(|run| run.secs)),
        processor_secs: median(results.iter().map(|run| run.processor_secs)),
        peak_bytes: results.iter().map(|run| run.peak_bytes).max().unwrap(),
    });
    for (kind, run) in kinds.into_iter().zip(&medians) {
        println!(
            "{kind:9} median {:.2} s, {:.0} MB/s, {:.2} s of processor, peak {} MB",
            run.secs,
            bytes as f64 / 1e6 / run.secs,
            run.processor_secs,
            run.peak_bytes / 1_000_000
        );
    }
    let [ours, _, _, bare, ..] = medians;
    println!(
        "ours takes {:.2} of bare's time, {:.2} of its processor time",
        ours.secs / bare.secs,
        ours.processor_secs / bare.processor_secs
    );
    println!("policies: {policies} of the plain contract's load, {parsed} of its reading");
    println!("keys that are in no order: {unordered} of the plain contract's load");
}

/// How one kind compares with another, turn by turn, because the machine is not the same in all of them.
fn turn_by_turn(with: &[Run], without: &[Run]) -> String {
    let ratio = |of: fn(&Run) -> f64| median(with.iter().zip(without).map(|(with, without)| of(with) / of(without)));
    format!("{:.2} of the time, {:.2} of the processor time", ratio(|run| run.secs), ratio(|run| run.processor_secs))
}

struct Run {
    secs: f64,
    processor_secs: f64,
    peak_bytes: u64,
}

fn child(kind: &str, file: &Path, database: &Path) -> Run {
    let output = Command::new(std::env::current_exe().unwrap()).arg(kind).arg(file).arg(database).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.split_whitespace();
    let mut word = || words.next().unwrap_or_else(|| panic!("{kind}: {}", String::from_utf8_lossy(&output.stderr)));
    Run { secs: word().parse().unwrap(), processor_secs: word().parse().unwrap(), peak_bytes: word().parse().unwrap() }
}

/// Prints how long `work` took, in seconds, the processor time of it, and the process's peak memory, in bytes.
fn report(work: impl FnOnce()) {
    let began = Instant::now();
    work();
    let secs = began.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    println!("{secs} {} {}", processor_secs(), peak.unwrap_or(0_u64) * 1024);
}

/// User and system time of the process, in seconds. The clock's time says little on a machine with other work.
fn processor_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    // The kernel counts for programs in hundredths of a second, whatever its own clock.
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn columns() -> Vec<String> {
    COLUMNS.iter().map(|name| (*name).to_owned()).collect()
}

/// Keys in whose order the file is, as most are.
const IN_ORDER: &[&str] = &["batch_id"];
/// Keys in whose order it is not.
const NO_ORDER: &[&str] = &["weight_g", "batch_id"];

/// Sets bad rows and duplicate keys aside, and watches the columns.
fn with_policies(keys: &[&str]) -> Contract {
    let aside = RowPolicy { policy: Policy::Quarantine, max_rows: 1_000, max_share: 0.01 };
    let surprises = Surprises {
        new_column: Policy::Quarantine,
        missing_column: Policy::Quarantine,
        reordered_columns: Policy::Quarantine,
        bad_row: aside,
        duplicate_key: aside,
        empty_file: Policy::Quarantine,
    };
    Contract { surprises, keys: keys.iter().map(|key| (*key).to_owned()).collect(), ..plain() }
}

fn plain() -> Contract {
    Contract {
        source: "batches".into(),
        description: String::new(),
        owner: String::new(),
        table: None,
        files: vec!["**/batches.csv".into()],
        mode: Mode::Snapshot,
        format: Format::default(),
        surprises: Surprises::default(),
        arrival: None,
        columns: columns().into_iter().map(Column::Name).collect(),
        keys: Vec::new(),
        checks: Vec::new(),
    }
}

fn ours(file: &Path, database: &Path, contract: &Contract) {
    let threads = std::env::var("BULK_THREADS").ok().and_then(|text| text.parse().ok());
    let memory = std::env::var("BULK_MEMORY_MB").ok().and_then(|text| text.parse().ok());
    let settings = WarehouseSettings {
        url: format!("duckdb:{}", database.display()),
        memory_limit_bytes: memory.unwrap_or(400_u64) * 1_000_000,
        threads: threads.unwrap_or_else(|| std::thread::available_parallelism().unwrap().get()),
        lock_wait_secs: 1,
        idle_close_millis: 500,
    };
    let table = TableSpec { table: "BATCHES".into(), columns: columns(), mode: Mode::Snapshot };
    let metadata = std::fs::metadata(file).unwrap();
    let modified_at: DateTime<Utc> = metadata.modified().unwrap().into();
    let slice = Slice {
        load_id: LoadId::new("watch::mes/batches.csv::2026-11-23T12:00:00Z::1a2b3c4d5e6f7081").unwrap(),
        command_id: MessageId::fresh(),
        table: table.clone(),
        source: "batches".into(),
        uri: "mes/batches.csv".into(),
        modified_at,
        as_of: modified_at,
        attempt: 1,
        run_files: 1,
        table_files: 1,
        started_at: Utc::now(),
        worker: "bench".into(),
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
    };
    let source = source(file, modified_at, metadata.len(), contract);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let warehouse = warehouse::open(&settings).await.unwrap();
        warehouse.prepare(&[table]).await.unwrap();
        let outcome = warehouse.load(&slice, Box::new(source), None).await.unwrap();
        assert!(matches!(outcome, LoadOutcome::Loaded(_)));
        warehouse.close().await;
    });
}

fn source(file: &Path, modified_at: DateTime<Utc>, size: u64, contract: &Contract) -> ingest::read::FileSource {
    let expected = ingest::read::Expected {
        uri: "mes/batches.csv".into(),
        size_bytes: Some(size),
        modified_at: Some(modified_at),
        file_id: None,
    };
    ingest::read::FileSource::new(file, contract, &[], expected)
}

/// Our reader alone.
fn parse(file: &Path, contract: &Contract) {
    use warehouse::RowSource;
    let metadata = std::fs::metadata(file).unwrap();
    let mut source = Box::new(source(file, metadata.modified().unwrap().into(), metadata.len(), contract));
    while source.next_batch().unwrap().is_some() {}
    source.finish().unwrap();
}

fn bare(file: &Path, database: &Path) {
    let connection = duckdb::Connection::open(database).unwrap();
    let columns: Vec<_> = COLUMNS.iter().map(|name| format!("{name} VARCHAR")).collect();
    connection.execute_batch(&format!("CREATE TABLE t ({})", columns.join(", "))).unwrap();
    connection
        .execute_batch(&format!("INSERT INTO t SELECT * FROM read_csv('{}', all_varchar=true)", file.display()))
        .unwrap();
    drop(connection);
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What a plant might deliver: ids, codes, times and measurements, some of them missing, some comments quoted.
fn generate(path: &Path, rows: usize) {
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(path).unwrap());
    writeln!(out, "{}", COLUMNS.join(",")).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let states = ["RELEASED", "BLOCKED", "IN_PROCESS", "SCRAPPED"];
    let comments =
        ["", "", "", "", "", "ok", "\"re-checked, ok\"", "\"said \"\"fine\"\" at shift change\"", "tool worn"];
    let start = 1_760_000_000_i64;
    for row in 0..rows {
        let time = DateTime::from_timestamp(start + row as i64 * 3, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ");
        let (line, machine, product) = (random(12), random(80), random(400));
        let (temperature, pressure, weight) = (random(90_000), random(9_000), random(2_000_000));
        let pressure = if random(50) == 0 { String::new() } else { format!("{:.3}", pressure as f64 / 1e3) };
        writeln!(
            out,
            "B{row:08},L{line:02},M-{machine:03},P{product:05},{time},{:.2},{pressure},{:.1},op{:03},{},LOT{:06},{}",
            temperature as f64 / 1e3,
            weight as f64 / 10.0,
            random(150),
            states[random(100) as usize % 4 * (random(5) / 4) as usize],
            row / 500,
            comments[random(comments.len() as u64) as usize],
        )
        .unwrap();
    }
    out.flush().unwrap();
}
