//! 1,000 files of 100 KB dropped at once on RabbitMQ, a process per role, with one and with two ingest workers: files per
//! second until the last is loaded, and the time to the last verdict.
//!
//! `cargo bench -p millrace --bench files` starts a private RabbitMQ, or uses the one at `AMQP_URL`;
//! `MILLRACE_BENCH_FILES` sets another number. The reference is one process that does all on the embedded bus.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Running, millrace};
use testkit::Broker;

/// Rows that make a file of about 100 KB.
const ROWS: usize = 1_450;

fn main() {
    let files = std::env::var("MILLRACE_BENCH_FILES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_usize);
    let mut measured = Vec::new();
    for workers in [1, 2] {
        let vhost = Broker::shared().fresh_vhost();
        let roles = [&["watch", "transform", "dq"][..], &["ingest"].repeat(workers)].concat();
        let times = run(files, &roles, Some(&vhost.url()));
        let what = format!("RabbitMQ, {workers} ingest");
        report(&what, files, &times, None);
        measured.push((what, times));
    }
    // Last, because it takes longest: ingest and transform alternate in one process, so there is a build every few files.
    let embedded = run(files, &["up"], None);
    report("embedded bus, one process", files, &embedded, None);
    for (what, times) in &measured {
        report(what, files, times, Some(&embedded));
    }
}

struct Times {
    loaded: Duration,
    judged: Duration,
}

fn report(what: &str, files: usize, times: &Times, reference: Option<&Times>) {
    let rate = files as f64 / times.loaded.as_secs_f64();
    let beside = reference.map_or(String::new(), |reference| {
        format!(
            "; {:.2} and {:.2} of the embedded bus's time",
            times.loaded.as_secs_f64() / reference.loaded.as_secs_f64(),
            times.judged.as_secs_f64() / reference.judged.as_secs_f64()
        )
    });
    println!(
        "{what:28} {files} files: {rate:6.1} files/s loaded, last one after {:.1} s, last verdict after {:.1} s{beside}",
        times.loaded.as_secs_f64(),
        times.judged.as_secs_f64()
    );
}

/// Drops the files at once into a mill that is running, and waits for the end of all.
fn run(files: usize, roles: &[&str], bus: Option<&str>) -> Times {
    let folder = tempfile::tempdir().unwrap();
    let (raw, parts) = (folder.path().join("raw"), folder.path().join("parts"));
    std::fs::create_dir_all(&raw).unwrap();
    std::fs::create_dir_all(&parts).unwrap();
    for number in 0..files {
        std::fs::write(parts.join(format!("materials_{number}.csv")), content(number)).unwrap();
    }
    let mill = Mill { folder: folder.path().to_owned(), bus: bus.map(Into::into) };
    // One that nobody times: dbt warms up and makes everything.
    std::fs::write(raw.join("materials_first.csv"), content(files)).unwrap();
    let running: Vec<Running> = roles.iter().map(|role| mill.start(role)).collect();
    mill.wait(JUDGED, 1);
    let begun = Instant::now();
    for number in 0..files {
        let name = format!("materials_{number}.csv");
        std::fs::rename(parts.join(&name), raw.join(&name)).unwrap();
    }
    mill.wait(LOADED, files + 1);
    let loaded = begun.elapsed();
    mill.wait(JUDGED, files + 1);
    let judged = begun.elapsed();
    drop(running);
    Times { loaded, judged }
}

const LOADED: &str = "SELECT count(*) AS n FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS'";
const JUDGED: &str = "SELECT count(DISTINCT LOAD_ID) AS n FROM RAW.STAGE_AUDIT WHERE STAGE = 'dq'";

fn content(number: usize) -> String {
    let mut text = String::from(
        "material_id,material_name,material_type,unit_of_measure,standard_cost,currency,supplier_id,lead_time_days,created_at\n",
    );
    for row in 0..ROWS {
        text += &format!(
            "M{number}-{row},Steel sheet {row},RAW,KG,{}.50,EUR,S{},7,2026-01-02T03:04:05Z\n",
            row % 90,
            row % 40
        );
    }
    text
}

struct Mill {
    folder: PathBuf,
    bus: Option<String>,
}

impl Mill {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = millrace(&self.folder);
        command.args(arguments);
        command.envs(self.bus.iter().map(|url| ("MILLRACE_BUS__URL", url)));
        command
    }

    fn start(&self, role: &str) -> Running {
        Running(self.command(&[role]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Looks twice a second, which keeps the workers from the file for some milliseconds.
    fn wait(&self, sql: &str, count: usize) {
        let begun = Instant::now();
        loop {
            let answer = self.command(&["--json", "query", sql]).output().unwrap();
            let rows: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap_or_default();
            if rows[0]["n"].as_str().is_some_and(|n| n == count.to_string()) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(900), "{sql}: {rows}, not {count}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}
