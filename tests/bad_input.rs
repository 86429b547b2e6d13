//! Bad input: each gives a clear error in the audit or at start, leaves RAW as it was, and loses nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod harness;

use std::process::Command;

use harness::holder::Holder;
use harness::{MATERIALS, Mill, materials, repository};

/// A mill in which one good file is loaded already.
fn with_good_data() -> Mill {
    let mill = Mill::new();
    mill.drop_file("materials.csv", materials(&["GOOD1", "GOOD2"]));
    mill.set_time("materials.csv", 1_700_000_000);
    mill.once().expect(0);
    mill
}

/// RAW is as it was, the file's one line in the audit has these words, and its message is a dead letter.
#[track_caller]
fn refused(mill: &Mill, uri: &str, words: &[&str]) {
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS WHERE material_id LIKE 'GOOD%'"), "2");
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "2");
    let sql = format!("SELECT STATUS, ERROR, ROWS_LOADED FROM RAW.RAW_LOAD_AUDIT WHERE SOURCE_FILE = '{uri}'");
    let lines = mill.query(&sql);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((lines[0][0].as_str(), lines[0][2].as_str()), ("FAILED", "0"), "{lines:?}");
    let dead = mill.dead();
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert!(dead[0]["body"].as_str().unwrap().contains(uri), "{dead:?}");
    for text in [lines[0][1].as_str(), dead[0]["cause"]["message"].as_str().unwrap()] {
        for word in words.iter().chain([&uri]) {
            assert!(text.contains(word), "{word:?} is missing in {text:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_good_is_refused_whole() {
    let good = "M1,Steel,RAW,KG,1.50,EUR,S1,7,2026-01-02T03:04:05Z\n";
    let cases: Vec<(&str, Vec<u8>, Vec<&str>)> = vec![
        ("header", b"material_id,material_name\n1,2\n".to_vec(), vec!["material_type", "header"]),
        ("ragged", format!("{MATERIALS}\n{good}M2,Steel\n").into_bytes(), vec!["line 3", "9", "2"]),
        ("latin1", [MATERIALS.as_bytes(), b"\nM1,K\xfcbel,RAW,KG,1.50,EUR,S1,7,x\n"].concat(), vec!["UTF-8", "line 2"]),
        ("empty", Vec::new(), vec!["empty"]),
        ("headeronly", format!("{MATERIALS}\n").into_bytes(), vec!["header"]),
        ("quote", format!("{MATERIALS}\n{good}M2,\"Steel\n").into_bytes(), vec!["quote"]),
    ];
    let mill = with_good_data();
    for (name, content, words) in cases {
        let uri = format!("materials_{name}.csv");
        mill.drop_file(&uri, content);
        let ended = mill.once().expect(1);
        assert!(ended.stdout.contains("INGEST FAILED"), "{}", ended.stdout);
        refused(&mill, &uri, &words);
        mill.run(&["dead", "purge", "--all"]).expect(0);
        // What failed is not tried again by itself.
        mill.once().expect(0);
    }
}

#[test]
fn a_torn_row_is_set_aside_and_the_others_are_loaded() {
    let mill = with_good_data();
    let names: Vec<String> = (0..200).map(|number| format!("GOOD{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let torn = "M9,\"Steel, 5\" thick,RAW,KG,1.50,EUR,S1,7,2026-01-02T03:04:05Z\n";
    mill.drop_file("materials_torn.csv", materials(&names).replacen('\n', &format!("\n{torn}"), 1));
    mill.once().expect(0);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "200");
    let sql = "SELECT SOURCE_FILE, SOURCE_LINE, REASON, RAW_TEXT FROM RAW.REJECTED_ROWS";
    let expected =
        ["materials_torn.csv", "2", "text behind a closing quote; double the quotes inside a field", torn.trim_end()];
    assert_eq!(mill.query(sql), [expected]);
    let sql = "SELECT ROWS_LOADED, ROWS_REJECTED FROM RAW.RAW_LOAD_AUDIT WHERE SOURCE_FILE = 'materials_torn.csv'";
    assert_eq!(mill.query(sql), [["200", "1"]]);
    // It used up a number, so that the others are found in the file.
    assert_eq!(mill.value("SELECT min(SOURCE_ROW) || '-' || max(SOURCE_ROW) FROM RAW.MATERIALS"), "2-201");
}

#[test]
fn an_unknown_source_is_kept_and_named() {
    let mill = with_good_data();
    mill.drop_file("lab/humidity.csv", "a,b\n1,2\n");
    mill.once().expect(1);
    refused(&mill, "lab/humidity.csv", &["no contract", "add one or move the file"]);
}

#[test]
fn a_link_that_leads_out_of_the_raw_folder_is_not_read() {
    let mill = with_good_data();
    let outside = mill.path("outside.csv");
    std::fs::write(&outside, materials(&["EVIL"])).unwrap();
    std::os::unix::fs::symlink(&outside, mill.path("raw/materials_link.csv")).unwrap();
    mill.once().expect(1);
    refused(&mill, "materials_link.csv", &["symbolic link"]);
}

#[test]
fn a_command_for_a_path_outside_is_refused() {
    let mill = with_good_data();
    std::fs::write(mill.path("outside.csv"), materials(&["EVIL"])).unwrap();
    for path in ["../outside.csv", "/etc/passwd"] {
        mill.run(&["trigger", "ingest", "--load-id", "evil", "--file", path]).expect(0);
        let ended = mill.once().expect(1);
        assert!(ended.stdout.contains("no path below the raw folder"), "{}", ended.stdout);
    }
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "2");
    assert_eq!(mill.dead().len(), 2);
}

#[test]
fn a_load_id_is_data() {
    let mill = with_good_data();
    let long = "x'); DROP TABLE RAW.RAW_LOAD_AUDIT; --\"\\".repeat(12);
    let long: String = long.chars().chain(std::iter::repeat('ü')).take(500).collect();
    let ask = |id: &str| mill.run(&["trigger", "ingest", "--load-id", id, "--source", "materials"]);
    ask(&long).expect(0);
    mill.once().expect(0);
    assert_eq!(mill.value("SELECT LOAD_ID FROM RAW.CURRENT_LOADS WHERE TABLE_NAME = 'MATERIALS'"), long);
    let quality = mill.json(&["load", &long]);
    assert!(!quality["checks"].as_array().unwrap().is_empty());
    ask(&"x".repeat(503)).expect(2);
    ask("").expect(2);
}

#[test]
fn a_file_deleted_before_it_is_loaded_is_named() {
    let mill = with_good_data();
    announce_only(&mill, "materials_gone.csv");
    std::fs::remove_file(mill.path("raw/materials_gone.csv")).unwrap();
    mill.once().expect(1);
    refused(&mill, "materials_gone.csv", &["deleted"]);
    // Put back and replayed, it is loaded.
    mill.drop_file("materials_gone.csv", materials(&["NEW"]));
    mill.once().expect(0);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "1");
}

#[test]
fn a_file_replaced_before_it_is_loaded_is_loaded_as_it_is_now() {
    let mill = with_good_data();
    announce_only(&mill, "materials_other.csv");
    mill.drop_file("materials_other.csv", materials(&["A", "B", "C"]));
    mill.once().expect(1);
    let lines = mill.query(
        "SELECT STATUS, ROWS_LOADED FROM RAW.RAW_LOAD_AUDIT WHERE SOURCE_FILE = 'materials_other.csv' ORDER BY STATUS",
    );
    assert_eq!(lines, [["FAILED", "0"], ["SUCCESS", "3"]]);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "3");
    assert!(mill.dead()[0]["cause"]["message"].as_str().unwrap().contains("replaced"));
}

/// Drops a file and has it announced, but not loaded.
fn announce_only(mill: &Mill, uri: &str) {
    let watching = mill.start(&["watch"]);
    mill.drop_file(uri, materials(&["NEW"]));
    mill.wait("the announcement", || mill.log().contains(uri));
    assert_eq!(watching.stop(), Some(0));
}

#[test]
fn a_model_that_does_not_compile_fails_the_transform_and_not_the_load() {
    let mut mill = Mill::new();
    let project = mill.path("project");
    let copied = Command::new("cp").arg("-r").arg(repository().join("workers/transform/dbt")).arg(&project).status();
    assert!(copied.unwrap().success());
    mill.set("TRANSFORM__PROJECT", project.to_str().unwrap());
    let broken = project.join("models/staging/stg_broken.sql");
    for (sql, word) in [
        ("select * from {{ ref('nowhere') }}", "nowhere"),
        ("select nonsense from {{ source('raw', 'materials') }}", "nonsense"),
    ] {
        std::fs::write(&broken, sql).unwrap();
        mill.drop_file("materials.csv", materials(&["GOOD1", word]));
        let ended = mill.once().expect(1);
        assert!(ended.stdout.contains("TRANSFORM FAILED") && ended.stdout.contains(word), "{}", ended.stdout);
        assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "2");
        let dead = mill.dead();
        assert_eq!((dead.len(), dead[0]["stage"].as_str()), (1, Some("transform")));
        let load_id = dead[0]["load_id"].as_str().unwrap();
        assert_eq!(mill.json(&["load", load_id])["state"], "TRANSFORM_FAILED");
        // Mended and replayed, it goes on to its verdict.
        std::fs::remove_file(&broken).unwrap();
        mill.run(&["dead", "replay", dead[0]["dead_id"].as_str().unwrap()]).expect(0);
        mill.once().expect(0);
        assert!(["PASSED", "WARNED"].contains(&mill.json(&["load", load_id])["state"].as_str().unwrap()));
        assert_eq!(mill.dead().len(), 0);
    }
}

#[test]
fn what_is_missing_is_said_at_start() {
    let mut mill = Mill::new();
    mill.drop_file("materials.csv", materials(&["M1"]));
    mill.set("TRANSFORM__PYTHON", "/nowhere/python");
    let ended = mill.once().expect(2);
    assert!(ended.stderr.contains("/nowhere/python") && ended.stderr.contains("make dbt"), "{}", ended.stderr);

    let mut mill = Mill::new();
    mill.set("PATHS__RAW", "/nowhere/raw");
    let ended = mill.once().expect(2);
    assert!(ended.stderr.contains("/nowhere/raw") && ended.stderr.contains("paths.raw"), "{}", ended.stderr);

    let mut mill = Mill::new();
    mill.set("RETRY__MAX_ATEMPTS", "3");
    let ended = mill.once().expect(2);
    assert!(ended.stderr.contains("max_atempts"), "{}", ended.stderr);
}

#[test]
fn a_warehouse_held_by_another_process_is_waited_for_and_named() {
    let mut mill = with_good_data();
    mill.set("WAREHOUSE__LOCK_WAIT_SECS", "1");
    let running = mill.start(&["up"]);
    mill.wait("ready", || mill.log().contains("watching"));
    let holding = Holder::of(&mill);
    let holder = holding.id().to_string();
    let ended = mill.run(&["query", "SELECT 1"]).expect(1);
    assert!(ended.stderr.contains(&holder), "{}", ended.stderr);
    let started = mill.once();
    assert_eq!(started.code, Some(2), "{started:?}");
    mill.drop_file("materials_more.csv", materials(&["A", "B", "C"]));
    mill.wait("a try again", || mill.log().contains("trying again"));
    drop(holding);
    mill.wait("the verdict", || mill.log().contains("materials_more.csv, 3 rows"));
    assert_eq!(running.stop(), Some(0));
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "3");
}

#[test]
fn a_full_disk_loses_nothing() {
    let mut mill = with_good_data();
    let small = mill.path("small");
    std::fs::create_dir(&small).unwrap();
    let room = std::fs::metadata(mill.path("warehouse.duckdb")).unwrap().len() + (2 << 20);
    let size = format!("size={room}");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&small).output().unwrap();
    if !mounted.status.success() {
        eprintln!("skipped: only root can make a small disk to fill");
        return;
    }
    let unmount = Unmount(small.clone());
    std::fs::copy(mill.path("warehouse.duckdb"), small.join("warehouse.duckdb")).unwrap();
    mill.set("WAREHOUSE__URL", format!("duckdb:{}", small.join("warehouse.duckdb").display()));
    mill.set("RETRY__MAX_ATTEMPTS", "2");
    // Random names: what compresses well would fit.
    let names: Vec<String> = (0..120_000u64).map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    mill.drop_file("materials_big.csv", materials(&names));
    let ended = mill.once();
    assert_ne!(ended.code, Some(0), "{ended:?}");
    let dead = mill.dead();
    assert_eq!(dead.len(), 1, "{ended:?}");
    let cause = dead[0]["cause"]["message"].as_str().unwrap();
    assert!(cause.contains("disk") || cause.contains("space"), "{cause}");

    // On a larger disk, and replayed, it is loaded.
    mill.set("WAREHOUSE__URL", format!("duckdb:{}", mill.path("large.duckdb").display()));
    std::fs::copy(small.join("warehouse.duckdb"), mill.path("large.duckdb")).unwrap();
    let wal = small.join("warehouse.duckdb.wal");
    if wal.exists() {
        std::fs::copy(wal, mill.path("large.duckdb.wal")).unwrap();
    }
    drop(unmount);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "2");
    mill.run(&["dead", "replay", "--all"]).expect(0);
    mill.once().expect(0);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "120000");
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
