use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::*;

fn sample(rows: u64, seed: u64) -> (tempfile::TempDir, SampleReport) {
    let dir = tempfile::tempdir().unwrap();
    let report = write(&SampleOptions { dir: dir.path().join("new"), rows, seed }, |_| {}).unwrap();
    (dir, report)
}

fn contents(report: &SampleReport) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    report.files.iter().map(|file| (name(&file.path), std::fs::read(&file.path).unwrap())).collect()
}

#[test]
fn the_committed_sample_is_what_the_command_writes() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/raw/source_system");
    let (_dir, report) = sample(2_000, DEFAULT_SEED);
    for (name, bytes) in contents(&report) {
        let there = std::fs::read(committed.join(&name)).unwrap();
        assert!(
            there == bytes,
            "data/raw/source_system/{name} is not what `millrace sample data/raw/source_system --rows 2000` writes; run it and commit"
        );
    }
}

#[test]
fn another_seed_gives_other_data() {
    let (_one, first) = sample(500, 1);
    let (_two, second) = sample(500, 2);
    assert_ne!(contents(&first)["batches.csv"], contents(&second)["batches.csv"]);
}

#[test]
fn any_number_of_rows_is_kept_exactly() {
    for rows in [0, 1, 2, 7, 199, 200, 399, 1_001, 12_345] {
        let (dir, report) = sample(rows, 7);
        assert_eq!(report.files[2].rows, rows);
        for file in &report.files {
            assert_eq!(std::fs::metadata(&file.path).unwrap().len(), file.bytes);
        }
        let names = std::fs::read_dir(dir.path().join("new")).unwrap().count();
        assert_eq!(names, 3, "nothing but the three files is left");
    }
}

#[test]
fn a_sample_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("batches.csv")).unwrap();
    std::fs::write(dir.path().join("batches.csv/in_the_way"), "").unwrap();
    let failed = write(&SampleOptions { dir: dir.path().into(), rows: 10, seed: 1 }, |_| {}).unwrap_err();
    assert!(failed.to_string().contains("batches.csv"), "{failed}");
    let parts = std::fs::read_dir(dir.path()).unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    assert_eq!(parts.filter(|name| name.ends_with(".part")).count(), 0);
}

/// The first field of every line that begins a row of the file.
fn ids(bytes: &[u8], prefix: &str) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let rows = text.lines().filter(|line| line.starts_with(prefix));
    rows.map(|row| row.split(',').next().unwrap().to_owned()).collect()
}

#[test]
fn what_is_pointed_to_exists_but_for_the_planted_faults() {
    let (_dir, report) = sample(4_000, 3);
    let files = contents(&report);
    let orders: HashSet<_> = ids(&files["production_orders.csv"], "PO-").into_iter().collect();
    let materials: HashSet<_> = ids(&files["materials.csv"], "MAT-").into_iter().collect();
    let text = String::from_utf8(files["batches.csv"].clone()).unwrap();
    let rows: Vec<Vec<&str>> =
        text.lines().filter(|line| line.starts_with("B-")).map(|row| row.split(',').collect()).collect();
    let unknown = |at: usize, known: &HashSet<String>| rows.iter().filter(|row| !known.contains(row[at])).count();
    assert_eq!(rows.len(), 4_000);
    assert!((1..=7).contains(&unknown(1, &orders)));
    assert!((1..=10).contains(&unknown(2, &materials)));
    let batches = ids(&files["batches.csv"], "B-");
    let distinct: HashSet<_> = batches.iter().collect();
    assert_eq!(batches.len() - distinct.len(), 20, "one batch of 200 comes a second time");
}

#[test]
fn progress_ends_with_all_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut heard = Vec::new();
    write(&SampleOptions { dir: dir.path().into(), rows: 25_000, seed: 1 }, |rows| heard.push(rows)).unwrap();
    assert_eq!(heard.last(), Some(&25_000));
    assert!(heard.windows(2).all(|pair| pair[0] <= pair[1]));
}
