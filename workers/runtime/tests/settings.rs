//! Settings and contracts as people write them, right and wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::Duration;

use millrace_runtime::{Contracts, Settings};

fn settings(toml: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("millrace.toml");
    std::fs::write(&file, toml).unwrap();
    Settings::load(Some(&file)).map_err(|error| error.to_string())
}

#[test]
fn what_is_absent_has_its_default() {
    let read = settings("[watch]\nrescan_secs = 5\n").unwrap();
    assert_eq!(read.watch.rescan_secs, 5);
    assert_eq!(read.paths.raw, Path::new("data/raw"));
    assert_eq!(read.retry.policy().max_attempts, 12);
    assert_eq!(read.shutdown.drain(), Duration::from_secs(60));
}

#[test]
fn to_give_back_at_once_is_allowed() {
    assert_eq!(settings("[shutdown]\ndrain_secs = 0\n").unwrap().shutdown.drain(), Duration::ZERO);
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        ("[watch]\nrescan = 5\n", "rescan"),
        ("[wach]\nrescan_secs = 5\n", "wach"),
        ("[watch]\nrescan_secs = \"soon\"\n", "rescan_secs"),
        ("[watch]\nrescan_secs = 0\n", "watch.rescan_secs"),
        ("[warehouse]\nmemory_limit_mb = 1\n", "memory_limit_mb"),
        ("no toml", "millrace.toml"),
    ];
    for (toml, word) in cases {
        let error = settings(toml).unwrap_err();
        assert!(error.contains(word), "{word:?} is missing in {error:?}");
    }
    let missing = Settings::load(Some(Path::new("/nowhere/millrace.toml"))).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/millrace.toml"));
}

const GOOD: &str =
    "source: orders\nfiles: [\"**/orders*.csv\"]\ncolumns: [id, {name: qty, description: pieces}]\nkeys: [id]\n";

fn contracts(files: &[(&str, &str)]) -> Result<Contracts, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Contracts::read(folder.path()).map_err(|faults| faults.iter().map(|fault| format!("{fault}\n")).collect())
}

#[test]
fn a_file_belongs_to_the_source_whose_pattern_it_matches() {
    let known = contracts(&[("orders.yaml", GOOD), ("README.md", "not a contract")]).unwrap();
    for uri in ["orders.csv", "orders_2026-11-23.csv", "a/b/orders.csv"] {
        let contract = known.for_file(uri).unwrap();
        assert_eq!(
            (contract.table().as_str(), contract.table_spec().columns),
            ("ORDERS", vec!["id".into(), "qty".into()])
        );
    }
    for uri in ["order.csv", "orders.txt", "a/orders/x.csv"] {
        assert!(known.for_file(uri).unwrap_err().message.contains("no contract"), "{uri}");
    }
}

#[test]
fn a_file_of_two_sources_is_refused_by_name() {
    let other = GOOD.replace("source: orders", "source: others");
    let known = contracts(&[("a.yaml", GOOD), ("b.yaml", &other)]).unwrap();
    let failure = known.for_file("orders.csv").unwrap_err();
    assert!(failure.message.contains("orders and others"), "{failure}");
}

#[test]
fn the_faults_of_all_contracts_are_told_together_with_their_files() {
    let cases = [
        ("typo.yaml", GOOD.replace("keys:", "kees:"), "kees"),
        ("name.yaml", GOOD.replace("source: orders", "source: 1orders"), "1orders"),
        ("reserved.yaml", GOOD.replace("[id, ", "[load_id, id, "), "load_id"),
        ("own.yaml", format!("{GOOD}table: raw_load_audit\n"), "RAW_LOAD_AUDIT"),
        ("twice.yaml", GOOD.replace("[id, ", "[id, ID, "), "twice"),
        ("key.yaml", GOOD.replace("keys: [id]", "keys: [no]"), "\"no\""),
        ("glob.yaml", GOOD.replace("**/orders*.csv", "orders[.csv"), "orders[.csv"),
        ("injection.yaml", GOOD.replace("source: orders", "source: \"o; DROP TABLE x\""), "DROP"),
        ("broken.yaml", "source: [".into(), "broken.yaml:1:9:"),
    ];
    let files: Vec<(&str, &str)> = cases.iter().map(|(name, text, _)| (*name, text.as_str())).collect();
    let told = contracts(&files).unwrap_err();
    for (name, _, word) in &cases {
        assert!(told.lines().any(|line| line.contains(name) && line.contains(word)), "{name}, {word} in {told}");
    }
}

#[test]
fn a_folder_without_contracts_is_said_to_be_one() {
    assert!(contracts(&[]).unwrap_err().contains("one YAML file per source"));
    let gone = Contracts::read(Path::new("/nowhere/sources")).unwrap_err();
    assert!(gone[0].to_string().contains("/nowhere/sources"));
}
