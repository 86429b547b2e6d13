//! What a large load costs. Run by hand, with nothing else running:
//! `cargo test -p millrace --test snowflake measure -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use testkit::{Emulator, EmulatorOptions};

use crate::fleet::RabbitMill;

/// About a gigabyte of batches.
const ROWS: u64 = 7_800_000;
const PATIENCE: Duration = Duration::from_secs(1500);

#[test]
#[ignore = "a measurement of some minutes"]
fn a_gigabyte_on_snowflake_beside_the_same_on_duckdb() {
    let rows = std::env::var("MILLRACE_MEASURE_ROWS").map_or(ROWS, |rows| rows.parse().unwrap());
    let emulator = Emulator::start(&EmulatorOptions { on_disk: true, ..EmulatorOptions::default() });
    let duckdb = RabbitMill::new();
    let mut snowflake = RabbitMill::new();
    snowflake.set("WAREHOUSE__URL", "snowflake:");
    for (name, value) in emulator.variables("LARGE") {
        snowflake.set_variable(&name, value);
    }
    duckdb
        .run(&["sample", &duckdb.path("raw/source_system").display().to_string(), "--rows", &rows.to_string()])
        .expect(0);
    let file = duckdb.path("raw/source_system/batches.csv");
    let target = snowflake.path("raw/source_system/batches.csv");
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    std::fs::hard_link(&file, &target).unwrap();
    let bytes = std::fs::metadata(&file).unwrap().len();
    println!("file: {rows} rows, {} MB", bytes / 1_000_000);
    let reference = load("DuckDB", &duckdb, rows, bytes);
    let measured = load("Snowflake", &snowflake, rows, bytes);
    println!("memory: Snowflake / DuckDB {:.2}", measured / reference);
    let uploaded = emulator.count("upload_bytes");
    println!(
        "uploaded: {} MB, {:.3} of the file, in {} requests",
        uploaded / 1_000_000,
        uploaded as f64 / bytes as f64,
        emulator.count("uploads")
    );
    let words = |sql: &str| sql.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let sent: Vec<_> = emulator.statements("LARGE").iter().map(|statement| words(&statement.sql)).collect();
    println!("statements of the process, from its start: {sent:?}");
}

/// Loads the file, and gives the peak of the worker's memory, in bytes.
fn load(name: &str, mill: &RabbitMill, rows: u64, bytes: u64) -> f64 {
    let worker = mill.start_all(&["ingest"]).remove(0);
    let peak = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", worker.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
    };
    let idle = peak();
    let begun = Instant::now();
    mill.run(&["trigger", "ingest", "--load-id", "large::load", "--source", "batches"]).expect(0);
    loop {
        let queue = mill.queue("ingest");
        if queue["in_hand"] == 0 && queue["ready"] == 0 && begun.elapsed() > Duration::from_secs(3) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the load did not end: {}", mill.log());
        std::thread::sleep(Duration::from_millis(500));
    }
    let took = begun.elapsed().as_secs_f64();
    let peak = peak();
    let loaded = mill.value("SELECT SUM(ROWS_LOADED) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS'");
    assert_eq!(loaded, rows.to_string(), "{}", mill.log());
    println!(
        "{name}: {took:.0} s, {:.0} MB/s; memory at its peak {:.0} MB, idle {:.0} MB",
        bytes as f64 / 1e6 / took,
        peak / 1e6,
        idle / 1e6
    );
    assert!(worker.stop() == Some(0));
    peak
}
