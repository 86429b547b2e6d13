//! What contracts and checks cost on a file of 200 MB: the platform's whole way from the file to the verdict, and its parts. The same
//! file is worked off under contracts that say nothing but what the columns are called, under those that are shipped, and under those
//! with duplicate keys set aside too. All three in turns, each in a process of its own, on the embedded warehouse and bus.
//!
//! `cargo bench -p millrace --bench contracts`, with `-- <rows> <turns>` for other sizes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use common::{millrace, processor_secs, share};

/// Rows of batches that make a file of about 200 MB.
const ROWS: u64 = 1_600_000;
const TURNS: u64 = 5;
const KINDS: [&str; 3] = ["columns only", "as shipped", "and no duplicates"];

fn main() {
    let sizes: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (rows, turns) = (*sizes.first().unwrap_or(&ROWS), *sizes.get(1).unwrap_or(&TURNS));
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("raw");
    let made = millrace(folder.path()).args(["sample", "--rows", &rows.to_string()]).arg(&raw).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bytes = std::fs::metadata(raw.join("batches.csv")).unwrap().len();
    println!("batches.csv: {rows} rows, {:.1} MB", bytes as f64 / 1e6);
    let mut runs = KINDS.map(|_| Vec::new());
    for turn in 0..turns {
        for (kind, runs) in KINDS.into_iter().zip(&mut runs) {
            let run = run(&folder.path().join(format!("{kind} {turn}")), &raw, kind);
            println!("  {turn} {kind:18} {}", run.told());
            runs.push(run);
        }
    }
    let [without, shipped, keyed] = runs;
    for (kind, with) in [(KINDS[1], shipped), (KINDS[2], keyed)] {
        let ratio = |of: fn(&Run) -> f64| {
            let mut ratios: Vec<f64> =
                with.iter().zip(&without).map(|(with, without)| of(with) / of(without)).collect();
            share(&mut ratios, 0.5)
        };
        println!(
            "{kind}: {:.2} of the time from file to verdict, {:.2} of its processor time; of loading and judging {:.2} of the time",
            ratio(|run| run.secs),
            ratio(|run| run.processor_secs),
            ratio(|run| run.ingest_secs + run.dq_secs)
        );
    }
}

/// What one way took. The parts are of the load of the batches, as the audit tells them.
struct Run {
    secs: f64,
    processor_secs: f64,
    ingest_secs: f64,
    transform_secs: f64,
    dq_secs: f64,
    checks: u64,
}

impl Run {
    fn told(&self) -> String {
        format!(
            "{:.2} s, {:.2} s of processor; ingest {:.2} s, transform {:.2} s, dq {:.2} s, {} checks",
            self.secs, self.processor_secs, self.ingest_secs, self.transform_secs, self.dq_secs, self.checks
        )
    }
}

/// Works all files off in `folder`, under contracts of this kind.
fn run(folder: &Path, raw: &Path, kind: &str) -> Run {
    let contracts = folder.join("contracts");
    std::fs::create_dir_all(&contracts).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sources");
    for source in ["materials", "production_orders", "batches"] {
        let text = std::fs::read_to_string(shipped.join(format!("{source}.yaml"))).unwrap();
        std::fs::write(contracts.join(format!("{source}.yaml")), contract(&text, kind)).unwrap();
    }
    let command = |arguments: &[&str]| {
        let mut command = millrace(folder);
        command.args(arguments).env("MILLRACE_PATHS__RAW", raw).env("MILLRACE_PATHS__CONTRACTS", &contracts);
        command
    };
    let (began, used) = (Instant::now(), processor_secs());
    let done = command(&["up", "--once"]).stdout(Stdio::null()).output().unwrap();
    let (secs, processor_secs) = (began.elapsed().as_secs_f64(), processor_secs() - used);
    // The sample has faults, of which the checks warn; none of them refuses the file.
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let asked = command(&["--json", "query", PARTS]).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let number = |name: &str| -> f64 { answer[0][name].as_str().unwrap_or_default().parse().unwrap() };
    let run = Run {
        secs,
        processor_secs,
        ingest_secs: number("ingest") / 1e3,
        transform_secs: number("transform") / 1e3,
        dq_secs: number("dq") / 1e3,
        checks: number("checks") as u64,
    };
    assert_eq!(run.checks == 0, kind == KINDS[0], "{kind}: {} checks", run.checks);
    std::fs::remove_dir_all(folder).unwrap();
    run
}

/// The batches' load, the build after it, the verdict over it, all in milliseconds.
const PARTS: &str = "WITH b AS (SELECT LOAD_ID, STARTED_AT, FINISHED_AT FROM RAW.RAW_LOAD_AUDIT WHERE TABLE_NAME = 'BATCHES'), \
    s AS (SELECT STAGE, DATEDIFF('millisecond', STARTED_AT, FINISHED_AT) AS MILLIS FROM RAW.STAGE_AUDIT \
    WHERE LOAD_ID IN (SELECT LOAD_ID FROM b)) \
    SELECT (SELECT DATEDIFF('millisecond', STARTED_AT, FINISHED_AT) FROM b) AS ingest, \
    (SELECT MAX(MILLIS) FROM s WHERE STAGE = 'transform') AS transform, (SELECT MAX(MILLIS) FROM s WHERE STAGE = 'dq') AS dq, \
    (SELECT COUNT(*) FROM RAW.DATA_QUALITY_AUDIT WHERE ORIGIN = 'CONTRACT') AS checks";

/// The contract as it is shipped, without what it expects, or with more of that.
fn contract(shipped: &str, kind: &str) -> String {
    let (bare, checks) = shipped.split_once("\nchecks:").expect("the shipped contracts end with their checks");
    let paragraphs = bare.split("\n\n").filter(|text| kind != KINDS[0] || !text.contains("surprises:"));
    let bare = paragraphs.collect::<Vec<_>>().join("\n\n");
    match kind {
        _ if kind == KINDS[0] => bare,
        _ if kind == KINDS[1] => shipped.into(),
        _ => {
            let keyed = "\nsurprises:\n  duplicate_key: {policy: quarantine, max_rows: 10000, max_share: 1}\n";
            format!("{}\nchecks:{checks}", bare.replacen("\nsurprises:\n", keyed, 1))
        }
    }
}
