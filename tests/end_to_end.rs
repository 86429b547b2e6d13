//! The whole way, through the real binary: a file in, a verdict out.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod harness;

use std::io::Write;

use harness::{MATERIALS, Mill, materials, repository};

fn rows_of_sample(name: &str) -> usize {
    // Quoted newlines are part of the sample, so an independent reader counts.
    let code = "import csv,sys; print(sum(1 for _ in csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8'))))";
    let path = repository().join("data/raw/source_system").join(name);
    let counted = harness::python(code, &[path.to_str().unwrap()]);
    String::from_utf8(counted.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn the_sample_becomes_judged_marts_and_nothing_is_loaded_twice() {
    let mill = Mill::new();
    mill.drop_sample();
    let ended = mill.once().expect(0);
    assert!(ended.stdout.contains("WARNED"), "{}", ended.stdout);
    for (table, file) in
        [("MATERIALS", "materials.csv"), ("PRODUCTION_ORDERS", "production_orders.csv"), ("BATCHES", "batches.csv")]
    {
        let rows = rows_of_sample(file).to_string();
        assert_eq!(mill.value(&format!("SELECT count(*) FROM RAW.{table}")), rows);
        assert_eq!(mill.value(&format!("SELECT count(DISTINCT SOURCE_ROW) FROM RAW_RUN.{table}_RUN")), rows);
        let audit = mill.query(&format!(
            "SELECT STATUS, ROWS_LOADED, SOURCE_FILE, ATTEMPT, length(TRACE_ID) FROM RAW.RAW_LOAD_AUDIT WHERE TABLE_NAME = '{table}'"
        ));
        assert_eq!(audit, [["SUCCESS", &rows, &format!("source_system/{file}"), "1", "32"]]);
    }
    // A number in a mart can be followed to the file that it came from.
    let followed = mill.value(
        "SELECT count(*) FROM MARTS.MART_BATCH_FEATURES m JOIN RAW.RAW_LOAD_AUDIT a ON a.LOAD_ID = m.LOAD_ID AND a.SOURCE_FILE = 'source_system/batches.csv'",
    );
    assert_eq!(followed, mill.value("SELECT count(*) FROM MARTS.MART_BATCH_FEATURES"));
    assert_ne!(followed, "0");
    assert_eq!(mill.value("SELECT count(*) FROM RAW.DATA_QUALITY_AUDIT WHERE STATUS IN ('FAIL', 'ERROR')"), "0");
    assert_ne!(mill.value("SELECT count(*) FROM RAW.DATA_QUALITY_AUDIT WHERE STATUS = 'PASS'"), "0");
    // dbt's tests stand beside the contracts' checks, once for each load, with the relation that they look at.
    let tests = "FROM RAW.DATA_QUALITY_AUDIT WHERE ORIGIN = 'DBT' AND KIND = 'dbt' AND CHECK_NAME = 'unique_core_batches_batch_id'";
    assert_eq!(
        mill.query(&format!("SELECT DISTINCT TABLE_NAME, STATUS, FAILED_ROWS {tests}")),
        [["CORE.CORE_BATCHES", "PASS", "0"]]
    );
    assert_eq!(mill.value(&format!("SELECT count(*) - count(DISTINCT LOAD_ID) {tests}")), "0");
    // And some of the rows that did not pass, by where they stand.
    let samples = mill.query(
        "SELECT count(*), count(*) FILTER (R.SOURCE_ROW IS NULL) FROM RAW.QUALITY_SAMPLES S LEFT JOIN RAW.BATCHES R \
        USING (SOURCE_FILE, SOURCE_ROW) WHERE S.TABLE_NAME = 'RAW.BATCHES'",
    );
    assert!(samples[0][0] != "0" && samples[0][1] == "0", "{samples:?}");

    let again = mill.once().expect(0);
    assert!(again.stdout.contains("nothing new"), "{}", again.stdout);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT"), "3");
}

#[test]
fn a_load_can_be_looked_at_from_file_to_verdict() {
    let mut mill = Mill::new();
    mill.drop_sample();
    mill.once().expect(0);
    let loads = mill.json(&["loads"]);
    assert_eq!(loads.as_array().unwrap().len(), 3);
    let load_id = loads[0]["load_id"].as_str().unwrap();
    let load = mill.json(&["load", load_id]);
    assert_eq!(load["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(load["files"][0]["status"], "SUCCESS");
    assert!(load["checks"].as_array().unwrap().len() > 3);
    let stages: Vec<&str> =
        load["stages"].as_array().unwrap().iter().map(|line| line["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["transform", "dq"]);
    let shown = mill.run(&["load", load_id]).expect(0).stdout;
    for word in ["LOAD_ID", "trace", "SUCCESS", "transform", "checks"] {
        assert!(shown.contains(word), "{word} is missing in {shown}");
    }
    mill.run(&["load", "nobody::knows"]).expect(1);
    mill.set("TELEMETRY__TRACE_URL", "http://jaeger/trace/{trace_id}");
    let at = format!("http://jaeger/trace/{}", load["trace_id"].as_str().unwrap());
    assert!(mill.run(&["load", load_id]).expect(0).stdout.contains(&at));
    assert_eq!(mill.json(&["load", load_id])["trace_url"], at);
}

#[test]
fn a_running_mill_takes_files_as_they_come() {
    let mill = Mill::new();
    let running = mill.start(&["up"]);
    mill.wait("ready", || mill.log().contains("watching"));
    mill.drop_file("plant 1/süd/materials_2026-11-23.csv", materials(&["M1", "M2"]));
    mill.wait("the first verdict", || mill.log().contains("materials_2026-11-23.csv, 2 rows"));
    // A file that is being written is not taken before it is closed.
    let path = mill.path("raw/materials.csv");
    let mut file = std::fs::File::create(&path).unwrap();
    writeln!(file, "{MATERIALS}").unwrap();
    for id in 0..40 {
        writeln!(file, "M{id},Steel,RAW,KG,1.50,EUR,S1,7,2026-01-02T03:04:05Z").unwrap();
        file.flush().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(file);
    mill.wait("the second verdict", || mill.log().contains("materials.csv, 40 rows"));
    assert_eq!(running.stop(), Some(0));
    let lines = mill.query("SELECT SOURCE_FILE, STATUS, ROWS_LOADED FROM RAW.RAW_LOAD_AUDIT ORDER BY FINISHED_AT");
    assert_eq!(lines, [["plant 1/süd/materials_2026-11-23.csv", "SUCCESS", "2"], ["materials.csv", "SUCCESS", "40"]]);
}

#[test]
fn a_file_dropped_while_nothing_ran_is_found_and_a_changed_one_is_a_new_load() {
    let mill = Mill::new();
    mill.drop_file("materials.csv", materials(&["M1"]));
    mill.once().expect(0);
    mill.drop_file("materials.csv", materials(&["M1", "M2", "M3"]));
    mill.once().expect(0);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "3");
    assert_eq!(mill.value("SELECT count(DISTINCT LOAD_ID) FROM RAW_RUN.MATERIALS_RUN"), "2");
}

#[test]
fn older_data_never_moves_the_view_backwards() {
    let mill = Mill::new();
    mill.drop_file("materials.csv", materials(&["M1", "M2"]));
    mill.once().expect(0);
    mill.drop_file("materials_old.csv", materials(&["M9"]));
    mill.set_time("materials_old.csv", 1_600_000_000);
    mill.once().expect(0);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "2");
    assert_eq!(mill.value("SELECT count(*) FROM RAW_RUN.MATERIALS_RUN"), "3");
}

#[test]
fn a_run_over_many_files_is_one_load_under_its_load_id() {
    let mill = Mill::new();
    let load_id = "mfg_raw_ingestion_dag::manual__2026-11-23T06:00:00.123+00:00 o'clock \"quoted\"";
    for plant in 1..=5 {
        mill.drop_file(&format!("p{plant}/materials.csv"), materials(&[&format!("M{plant}"), &format!("N{plant}")]));
    }
    let _running = [mill.start(&["ingest"]), mill.start(&["transform"]), mill.start(&["dq"])];
    let asked = ["trigger", "ingest", "--load-id", load_id, "--source", "materials", "--wait", "100"];
    let ended = mill.run(&asked).expect(0);
    assert!(ended.stdout.contains("MATERIALS 10 rows"), "{}", ended.stdout);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "10");
    assert_eq!(mill.value("SELECT min(LOAD_ID) FROM RAW.MATERIALS"), load_id);
    mill.run(&["trigger", "transform", "--load-id", load_id, "--source", "materials", "--wait", "100"]).expect(0);
    mill.run(&["trigger", "dq", "--load-id", load_id, "--source", "materials", "--wait", "100"]).expect(0);
    // The same LOAD_ID again, with a file fewer: its own slice is replaced, whole.
    std::fs::remove_file(mill.path("raw/p5/materials.csv")).unwrap();
    mill.run(&asked).expect(0);
    assert_eq!(mill.value("SELECT count(*) FROM RAW_RUN.MATERIALS_RUN"), "8");
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "8");
}

#[test]
fn a_source_is_added_with_one_contract_and_one_model() {
    let mut mill = Mill::new();
    let (sources, project) = (mill.path("sources"), mill.path("project"));
    let copy = |from: &str, to: &std::path::Path| {
        let done = std::process::Command::new("cp").arg("-r").arg(repository().join(from)).arg(to).status().unwrap();
        assert!(done.success());
    };
    copy("data/sources", &sources);
    copy("workers/transform/dbt", &project);
    mill.set("PATHS__CONTRACTS", sources.to_str().unwrap());
    mill.set("TRANSFORM__PROJECT", project.to_str().unwrap());
    mill.drop_file("operators.csv", "operator_id,name\n1,Ada\n2,Grace\n");
    mill.once().expect(1);
    assert_eq!(mill.dead().len(), 1, "a file without a contract is kept");

    let contract = "source: operators\nfiles: [\"**/operators*.csv\"]\ncolumns: [operator_id, name]\nkeys: [operator_id]\nchecks:\n  - kind: unique\n    columns: [operator_id]\n";
    std::fs::write(sources.join("operators.yaml"), contract).unwrap();
    let model = "select operator_id, trim(name) as name, load_id from {{ source('raw', 'operators') }}";
    std::fs::write(project.join("models/staging/stg_operators.sql"), model).unwrap();
    let declared = "version: 2\nsources:\n  - name: raw\n    schema: RAW\n    tables:\n      - name: operators\n";
    let known = std::fs::read_to_string(first_sources_yaml(&project)).unwrap();
    let known = known.replace("    tables:\n", "    tables:\n      - name: operators\n");
    assert!(known.contains("operators"), "{declared}");
    std::fs::write(first_sources_yaml(&project), known).unwrap();

    // The watcher finds the file again now that it has a contract.
    let ended = mill.once().expect(0);
    assert!(ended.stdout.contains("operators.csv, 2 rows"), "{}", ended.stdout);
    assert_eq!(mill.value("SELECT count(*) FROM STAGING.STG_OPERATORS"), "2");
}

fn first_sources_yaml(project: &std::path::Path) -> std::path::PathBuf {
    let code = "import pathlib,sys; print(next(str(p) for p in sorted(pathlib.Path(sys.argv[1]).rglob('*.yml')) if 'sources:' in p.read_text()))";
    let found = harness::python(code, &[project.join("models").to_str().unwrap()]);
    String::from_utf8(found.stdout).unwrap().trim().into()
}

#[test]
fn the_same_seed_gives_the_same_sample() {
    let mill = Mill::new();
    for name in ["one", "two"] {
        mill.run(&["sample", name, "--rows", "300", "--seed", "7"]).expect(0);
    }
    for name in ["materials.csv", "production_orders.csv", "batches.csv"] {
        let read = |folder: &str| std::fs::read(mill.path(folder).join(name)).unwrap();
        assert_eq!(read("one"), read("two"), "{name}");
    }
}

#[test]
fn check_says_what_is_wrong() {
    let mut mill = Mill::new();
    mill.run(&["check"]).expect(0);
    mill.set("PATHS__RAW", "/nowhere");
    mill.set("TRANSFORM__PYTHON", "/nowhere/python");
    let ended = mill.run(&["check"]).expect(2);
    assert!(ended.stdout.contains("/nowhere:") && ended.stdout.contains("make dbt"), "{}", ended.stdout);
}
