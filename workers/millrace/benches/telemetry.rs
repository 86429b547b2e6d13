//! What telemetry costs: the same files through two mills side by side, of which one tells a collector of everything and
//! the other one of nothing. They take turns, so that a noisy machine is noisy for both.
//!
//! `cargo bench -p millrace --bench telemetry`. First a lone file from its rename to its verdict, then many files worked
//! off at once. Prints medians, the median of the pairs' ratios with the middle half of them (how noisy the machine is), and for
//! the many files the processor time too, which a noisy machine changes less.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Instant;

use common::{Running, millrace, processor_secs, share};
use testkit::Collector;

const PAIRS: usize = 100;
const BULK_PAIRS: usize = 9;
const BULK_FILES: usize = 300;

fn main() {
    let collector = Collector::start();
    let (mut off, mut on) = (Mill::up(None), Mill::up(Some(&collector)));
    // The first build makes everything.
    for mill in [&mut off, &mut on] {
        mill.load(0);
    }
    collector.clear();
    let pairs: Vec<(f64, f64)> =
        (1..=PAIRS).map(|number| taking_turns(number, || off.load(number), || on.load(number))).collect();
    told("one file, rename to verdict", &pairs);
    drop((off, on));
    println!("  spans per load: {}", collector.spans().len() / PAIRS);

    let pairs: Vec<(Times, Times)> =
        (0..BULK_PAIRS).map(|number| taking_turns(number, || bulk(None), || bulk(Some(&collector)))).collect();
    let of = |time: fn(&Times) -> f64| pairs.iter().map(|(off, on)| (time(off), time(on))).collect::<Vec<_>>();
    told(&format!("{BULK_FILES} files, up --once"), &of(|times| times.wall_secs));
    told(&format!("{BULK_FILES} files, processor time"), &of(|times| times.processor_secs));
}

struct Times {
    wall_secs: f64,
    processor_secs: f64,
}

/// Now one first, now the other.
fn taking_turns<T>(number: usize, mut off: impl FnMut() -> T, mut on: impl FnMut() -> T) -> (T, T) {
    if number.is_multiple_of(2) {
        let off = off();
        (off, on())
    } else {
        let on = on();
        (off(), on)
    }
}

fn told(what: &str, pairs: &[(f64, f64)]) {
    let median = |values: Vec<f64>| share(&mut values.clone(), 0.5);
    let off = median(pairs.iter().map(|pair| pair.0).collect());
    let on = median(pairs.iter().map(|pair| pair.1).collect());
    let mut ratios: Vec<f64> = pairs.iter().map(|(off, on)| on / off).collect();
    println!(
        "{what}: without telemetry {off:.3} s, with {on:.3} s: {:.3} of it; median of the pairs' ratios {:.3}, middle half {:.3} to {:.3}, of {}",
        on / off,
        share(&mut ratios, 0.5),
        share(&mut ratios, 0.25),
        share(&mut ratios, 0.75),
        pairs.len()
    );
}

struct Mill {
    folder: tempfile::TempDir,
    lines: Lines<BufReader<ChildStdout>>,
    _running: Running,
}

impl Mill {
    fn up(collector: Option<&Collector>) -> Self {
        let folder = folder();
        let mut command = with_telemetry(millrace(folder.path()), collector);
        let child = command.args(["--json", "up"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut running = Running(child);
        let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
        Self { folder, lines, _running: running }
    }

    /// Drops a file and waits for its verdict, in seconds.
    fn load(&mut self, number: usize) -> f64 {
        let name = format!("materials_{number}.csv");
        let part = self.folder.path().join(&name);
        write(&part, number);
        let begun = Instant::now();
        std::fs::rename(part, self.folder.path().join("raw").join(&name)).unwrap();
        let end = self.lines.by_ref().map(Result::unwrap).find(|line| line.contains(&name)).unwrap();
        let elapsed = begun.elapsed().as_secs_f64();
        assert!(!end.contains("\"failed\":true"), "{end}");
        elapsed
    }
}

/// Works off many small files, of which every one is a trace.
fn bulk(collector: Option<&Collector>) -> Times {
    let folder = folder();
    for number in 0..BULK_FILES {
        write(&folder.path().join("raw").join(format!("materials_{number}.csv")), number);
    }
    let mut command = with_telemetry(millrace(folder.path()), collector);
    let (begun, used) = (Instant::now(), processor_secs());
    let done = command.args(["up", "--once"]).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(done.success());
    Times { wall_secs: begun.elapsed().as_secs_f64(), processor_secs: processor_secs() - used }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("raw")).unwrap();
    folder
}

fn write(path: &Path, number: usize) {
    let header = "material_id,material_name,material_type,unit_of_measure,standard_cost,currency,supplier_id,lead_time_days,created_at";
    let rows = (0..100).map(|row| format!("M{number}-{row},Steel,RAW,KG,1.50,EUR,S1,7,2026-01-02T03:04:05Z\n"));
    std::fs::write(path, format!("{header}\n{}", rows.collect::<String>())).unwrap();
}

fn with_telemetry(mut command: Command, collector: Option<&Collector>) -> Command {
    match collector {
        Some(collector) => {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.grpc_url()).env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        }
        None => command.env("OTEL_SDK_DISABLED", "true"),
    };
    command
}
