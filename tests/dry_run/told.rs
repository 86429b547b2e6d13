//! What must hold of dry runs on every bus.

use serde_json::Value;

use crate::harness::{MATERIALS, Mill, materials, repository, stop_all};

/// Everything that people and later work can see: tables and views, their rows, and the audits.
fn state(mill: &Mill) -> Vec<Vec<String>> {
    let tables = mill.query(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables \
        WHERE table_schema IN ('RAW', 'RAW_RUN', 'STAGING', 'CORE', 'MARTS') ORDER BY 1",
    );
    let counts: Vec<String> = tables.iter().map(|name| format!("SELECT '{0}', count(*) FROM {0}", name[0])).collect();
    mill.query(&format!("{} ORDER BY 1", counts.join(" UNION ALL ")))
}

/// A dry run's answer, and that its exit code says whether the command would fail.
fn ask(mill: &Mill, arguments: &[&str]) -> Value {
    let asked = [&["--json", "trigger"], arguments, &["--dry-run", "--load-id", "my_dag::dry'run", "--wait", "100"]];
    let ended = mill.run(&asked.concat());
    let sent: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let answer = &sent["answer"];
    assert_eq!(answer["type"], format!("{}.dry_run.completed", arguments[0]), "{sent}");
    assert_eq!(answer["correlationid"], sent["command_id"]);
    assert_eq!(ended.code, Some(i32::from(!answer["data"]["failure"].is_null())), "{sent}");
    answer["data"].clone()
}

fn names(list: &Value, key: &str) -> Vec<String> {
    let mut names: Vec<String> =
        list.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Asks every stage what it would do, before there is anything and after a real run, with good and with bad files.
pub fn tells_and_changes_nothing(mill: &mut Mill) {
    let contracts = mill.path("contracts");
    std::fs::create_dir(&contracts).unwrap();
    for entry in std::fs::read_dir(repository().join("data/sources")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, contracts.join(path.file_name().unwrap())).unwrap();
    }
    mill.set("PATHS__CONTRACTS", contracts.display().to_string());
    // No watcher: the files are the commands' own.
    let workers = mill.start_all(&["ingest", "transform", "dq"]);
    mill.drop_file("p1/materials.csv", materials(&["M1", "M2"]));
    mill.drop_file("p2/materials.csv", materials(&["M3"]));
    let empty = state(mill);
    let load = ask(mill, &["ingest", "--source", "materials", "--as-of", "2026-11-23T06:00:00Z"]);
    let build = ask(mill, &["transform", "--source", "materials"]);
    let verdict = ask(mill, &["dq", "--source", "materials"]);
    assert_eq!(state(mill), empty);
    assert_eq!((&load["as_of"], &load["failure"]), (&"2026-11-23T06:00:00Z".into(), &Value::Null));
    assert_eq!((&load["tables"][0]["files"], &load["tables"][0]["rows_loaded"]), (&2.into(), &3.into()));
    assert!(names(&build["nodes"], "unique_id").contains(&"model.millrace.core_materials".to_owned()), "{build}");
    assert_eq!(verdict["verdict"], "failed", "there is no row yet: {verdict}");
    assert!(verdict["failure"]["message"].as_str().unwrap().contains("RAW.MATERIALS.row_count"), "{verdict}");

    // The real run does what was told, from ingest to dq, and its own questions are answered as before.
    let run = ["trigger", "ingest", "--load-id", "my_dag::dry'run", "--source", "materials", "--wait", "100"];
    let loaded = mill.json(&run);
    assert_eq!(loaded["answer"]["data"]["tables"], load["tables"]);
    let judged = "SELECT count(*) FROM RAW.STAGE_AUDIT WHERE STAGE = 'dq'";
    mill.wait("the verdict", || mill.value(judged) == "1");
    let lines = mill.query("SELECT STAGE, STATUS FROM RAW.STAGE_AUDIT ORDER BY FINISHED_AT");
    assert_eq!(lines.iter().map(|line| line[0].as_str()).collect::<Vec<_>>(), ["transform", "dq"]);
    let built = mill.value("SELECT CAST(ANNOUNCED AS VARCHAR) FROM RAW.STAGE_AUDIT WHERE STAGE = 'transform'");
    let built: Value = serde_json::from_str(&built).unwrap();
    assert_eq!(names(&build["nodes"], "unique_id"), names(&built["nodes"], "unique_id"));

    // Bad files are told with their lines, and an unknown source by the worker that does not know it.
    mill.drop_file("p3/materials.csv", format!("{MATERIALS}\nM4,Steel\n"));
    let contract = "source: operators\nfiles: [\"**/operators*.csv\"]\ncolumns: [operator_id, name]\n";
    std::fs::write(contracts.join("operators.yaml"), contract).unwrap();
    let full = state(mill);
    let load = ask(mill, &["ingest", "--source", "materials"]);
    assert_eq!(load["faults"][0]["uri"], "p3/materials.csv");
    let why = load["failure"]["message"].as_str().unwrap();
    assert!(why.starts_with("1 of 3 files would fail") && why.contains("line 2: the row has 2 fields"), "{why}");
    assert_eq!(load["tables"][0]["files"], 2);
    let none = ask(mill, &["ingest", "--source", "batches"]);
    assert!(none["failure"]["message"].as_str().unwrap().contains("no file in the raw folder"), "{none}");
    for stage in ["ingest", "transform", "dq"] {
        let unknown = ask(mill, &[stage, "--source", "operators"]);
        assert!(unknown["failure"]["message"].as_str().unwrap().contains("unknown source \"operators\""), "{unknown}");
    }
    let build = ask(mill, &["transform", "--full-refresh"]);
    assert!(names(&build["nodes"], "unique_id").contains(&"model.millrace.mart_batch_features".to_owned()), "{build}");
    let verdict = ask(mill, &["dq", "--source", "materials"]);
    assert_ne!((&verdict["verdict"], verdict["checks"].as_array().unwrap().len()), (&Value::Null, 0));
    let shown = ["trigger", "ingest", "--load-id", "shown", "--source", "materials", "--dry-run"];
    let shown = mill.run(&shown).expect(1).stdout;
    assert!(shown.contains("would fail: 1 of 3 files") && shown.contains("MATERIALS 3 rows of 2 files"), "{shown}");

    assert_eq!(state(mill), full);
    assert!(mill.dead().is_empty());
    for stage in ["ingest", "transform", "dq"] {
        let queue = mill.queue(stage);
        assert_eq!((&queue["ready"], &queue["in_hand"]), (&0.into(), &0.into()), "nothing followed: {queue}");
    }
    assert!(mill.log().contains("dry run: files read, nothing loaded"));

    // The mended run works as if nobody had asked.
    mill.drop_file("p3/materials.csv", materials(&["M4"]));
    assert_eq!(mill.json(&run)["answer"]["type"], "ingest.completed");
    mill.wait("the second verdict", || mill.value(judged) == "2");
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "4");
    assert_eq!(mill.value("SELECT count(*) FROM CORE.CORE_MATERIALS"), "4");
    stop_all(workers);
}
