//! The whole way: drop → ingest → dbt → dq.

use testkit::{Collector, Trace};

use crate::harness::invariants::{drop_rows, invariants, judged};
use crate::harness::{materials, stop_all};
use crate::mill::SnowMill;

#[test]
fn the_sample_becomes_judged_marts_by_a_process_per_role() {
    let mill = SnowMill::new();
    let workers = mill.start_all(&["watch", "ingest", "ingest", "transform", "dq"]);
    mill.drop_sample();
    mill.wait("three verdicts", || judged(&mill) == 3);
    let loads = mill.json(&["loads"]);
    assert!(loads.as_array().unwrap().iter().all(|load| load["state"] == "WARNED"), "{loads}");
    assert_ne!(mill.value("SELECT count(*) FROM MARTS.MART_BATCH_FEATURES"), "0");
    stop_all(workers);
    let again = mill.once().expect(0);
    assert!(again.stdout.contains("nothing new"), "{}", again.stdout);
}

#[test]
fn a_run_over_many_files_is_shared_and_a_rerun_replaces_it() {
    let mill = SnowMill::new();
    let workers = mill.start_all(&["ingest", "ingest", "transform", "dq"]);
    let files: Vec<_> = (0..8).map(|part| drop_rows(&mill, &format!("run/materials_{part}.csv"), 40 + part)).collect();
    let load_id = "my_dag::scheduled__2026-11-23T00:00:00+00:00";
    let run = |expected: u64| {
        let answer = mill.json(&["trigger", "ingest", "--load-id", load_id, "--source", "materials", "--wait", "100"]);
        assert_eq!(answer["answer"]["type"], "ingest.completed", "{answer}");
        assert_eq!(answer["answer"]["data"]["tables"][0]["files"], expected, "{answer}");
    };
    run(8);
    mill.wait("the verdict", || judged(&mill) == 1);
    invariants(&mill, &files);
    std::fs::remove_file(mill.path("raw/run/materials_7.csv")).unwrap();
    run(7);
    let rows = "SELECT count(DISTINCT SOURCE_FILE) FROM RAW_RUN.MATERIALS_RUN";
    assert_eq!(mill.value(rows), "7", "the older generation is gone");
    stop_all(workers);
}

#[test]
fn a_load_is_told_in_its_trace_and_no_secret_with_it() {
    let mut mill = SnowMill::new();
    let collector = Collector::start();
    mill.set_variable("OTEL_EXPORTER_OTLP_ENDPOINT", collector.grpc_url());
    mill.set_variable("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let workers = mill.start_all(&["watch", "ingest", "transform", "dq"]);
    mill.drop_file("source_system/materials.csv", materials(&["M1", "M2"]));
    mill.wait("the verdict", || judged(&mill) == 1);
    stop_all(workers);
    let spans = collector.spans();
    let trace = Trace::single(&spans);
    let load = trace.only("LOAD MATERIALS");
    assert_eq!(load.attribute("db.system.name"), "snowflake");
    let parts: Vec<&str> = trace.children_of(load).iter().map(|span| span.name.as_str()).collect();
    assert_eq!(parts, ["write rows", "copy rows", "commit"], "{}", trace.render());
    let told = format!("{spans:?}");
    for secret in [mill.emulator().password(), "Snowflake Token", "AWS_"] {
        assert!(!told.contains(secret), "{secret} was told");
    }
}
