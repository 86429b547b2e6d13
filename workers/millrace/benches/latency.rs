//! From the rename of a 1 MB CSV into the raw folder to its verdict, everything running: `make bench`, or
//! `cargo bench -p millrace --bench latency`.
//!
//! Prints every time, the median and the 95th percentile, and beside them what one build of the same models by dbt alone
//! takes, since that is most of it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use common::{Running, millrace, share};

const FILES: u32 = 20;
/// Rows of batches that make a file of about 1 MB.
const ROWS: &str = "7800";

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let (raw, parts) = (folder.path().join("raw"), folder.path().join("parts"));
    std::fs::create_dir_all(&raw).unwrap();
    // One more, which nobody times: the first build makes everything.
    for seed in 0..=FILES {
        let done = millrace(folder.path())
            .args([
                "sample",
                parts.join(seed.to_string()).to_str().unwrap(),
                "--rows",
                ROWS,
                "--seed",
                &seed.to_string(),
            ])
            .stdout(Stdio::null())
            .status();
        assert!(done.unwrap().success());
    }
    for name in ["materials.csv", "production_orders.csv"] {
        std::fs::copy(parts.join("0").join(name), raw.join(name)).unwrap();
    }
    let mut running = Running(
        millrace(folder.path()).args(["--json", "up"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap(),
    );
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut verdict_of = |file: &str| {
        let end = lines.by_ref().map(|line| line.unwrap()).find(|line| line.contains(file)).unwrap();
        assert!(!end.contains("\"failed\":true"), "{end}");
    };
    verdict_of("production_orders.csv");
    let mut times = Vec::new();
    for number in 0..=FILES {
        let part = parts.join(number.to_string()).join("batches.csv");
        let name = format!("batches_{number}.csv");
        let bytes = part.metadata().unwrap().len();
        let begun = Instant::now();
        std::fs::rename(part, raw.join(&name)).unwrap();
        verdict_of(&name);
        let elapsed = begun.elapsed().as_secs_f64();
        if number > 0 {
            println!("{name}  {bytes} bytes  {elapsed:.3} s");
            times.push(elapsed);
        }
    }
    drop(running);
    println!(
        "rename to verdict: median {:.3} s, 95th percentile {:.3} s, of {FILES}",
        share(&mut times, 0.5),
        share(&mut times, 0.95)
    );
    let mut builds = dbt_alone(folder.path());
    println!("of that in transform, by the audit: median {:.3} s", share(&mut builds, 0.5));
}

/// How long the transform stage took for each load, by its own audit.
fn dbt_alone(folder: &Path) -> Vec<f64> {
    let sql = "SELECT epoch(FINISHED_AT) - epoch(STARTED_AT) AS secs FROM RAW.STAGE_AUDIT WHERE STAGE = 'transform' ORDER BY FINISHED_AT DESC LIMIT 20";
    let answer = millrace(folder).args(["--json", "query", sql]).output().unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&answer.stdout).unwrap();
    rows.iter().map(|row| row["secs"].as_str().unwrap().parse().unwrap()).collect()
}
