//! The shipped contracts over the committed sample: good, with warnings, on any day.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};

use chrono::Utc;
use messages::{CheckStatus, Message, Verdict};
use runtime::Contracts;
use support::{Mill, checks, requested};

const SOURCES: [&str; 3] = ["batches", "materials", "production_orders"];

fn data(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(below)
}

/// The rows of a CSV file as the sample generator writes them.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    rows.remove(0);
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_sample_is_good_with_warnings() {
    let mut mill = Mill::over(Contracts::read(&data("sources")).unwrap()).await;
    for (at, source) in SOURCES.iter().enumerate() {
        let path = data("raw/source_system").join(format!("{source}.csv"));
        mill.load_rows(source, source, Utc::now(), rows(&path)).await;
        // Judged when it alone is there, or when all are.
        let verdict = mill.judge(source, &[source]).await;
        assert!(
            matches!(&verdict, Message::DqCompleted(data) if data.verdict == Verdict::Warned),
            "{at}: {verdict:#?}"
        );
    }
    let started = std::time::Instant::now();
    let told = mill.handle(&[requested("all", &[])]).await.remove(0);
    println!("judged in {} ms", started.elapsed().as_millis());
    for check in checks(&told.message) {
        println!(
            "{:6} {:24} {:42} {} (expected: {})",
            check.status.as_str(),
            check.table,
            check.check,
            check.observed,
            check.expected
        );
    }
    assert!(matches!(&told.message, Message::DqCompleted(data) if data.verdict == Verdict::Warned));
    let warned = checks(&told.message).iter().filter(|check| check.status == CheckStatus::Warn).count();
    assert!((3..=12).contains(&warned), "{warned}");
}

#[test]
fn files_belong_to_their_sources_wherever_they_lie() {
    let contracts = Contracts::read(&data("sources")).unwrap();
    let cases = [
        ("batches.csv", "batches"),
        ("source_system/batches.csv", "batches"),
        ("source_system/2026/batches_2026-11-23.csv", "batches"),
        ("batches-late.csv", "batches"),
        ("source_system/production_orders.csv", "production_orders"),
        ("production_orders_batches.csv", "production_orders"),
        ("source_system/materials_1.csv", "materials"),
    ];
    for (file, source) in cases {
        assert_eq!(contracts.for_file(file).unwrap().source, source, "{file}");
    }
    for file in ["batchesx.csv", "batches.csv.gz", "old_batches.csv"] {
        assert!(contracts.for_file(file).is_err(), "{file}");
    }
}
