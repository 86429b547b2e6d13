//! What is sent of loads that fail, are cancelled, are asked for again, or whose worker dies.

use serde_json::{Value, json};

use crate::harness::{MATERIALS, Mill, materials, stop_all};
use crate::receiver::Receiver;
use crate::sent::telling;
use crate::spec::{Spec, kinds, runs};

fn of<'a>(events: &'a [Value], job: &str) -> Vec<Vec<&'a Value>> {
    runs(events).into_iter().filter(|((name, _), _)| name == job).map(|(_, events)| events).collect()
}

#[test]
fn a_file_that_can_not_be_loaded_fails_its_run_and_one_that_nobody_knows_too() {
    let receiver = Receiver::start();
    let mill = telling(&receiver);
    mill.drop_file("materials.csv", "no,such,columns\n1,2,3\n");
    mill.drop_file("unknown.csv", "a\n1\n");
    mill.once().expect(1);
    let (events, spec) = (receiver.events(), Spec::read());
    events.iter().for_each(|event| spec.check(event));
    for job in ["ingest.MATERIALS", "ingest.unknown"] {
        let [run] = &of(&events, job)[..] else { panic!("one run of {job}: {events:#?}") };
        assert_eq!(kinds(run), ["START", "FAIL"]);
        assert!(!run[1]["run"]["facets"]["errorMessage"]["message"].as_str().unwrap().is_empty());
        assert_eq!(run[1]["outputs"], json!([]));
    }
}

#[test]
fn a_bad_verdict_fails_the_run_that_judged() {
    let receiver = Receiver::start();
    let mill = telling(&receiver);
    // No material has an id.
    mill.drop_file("materials.csv", format!("{MATERIALS}\n,Steel,RAW,KG,1.50,EUR,S1,7,2026-01-02T03:04:05Z\n"));
    mill.once().expect(1);
    let (events, spec) = (receiver.events(), Spec::read());
    events.iter().for_each(|event| spec.check(event));
    let [run] = &of(&events, "dq")[..] else { panic!("one run: {events:#?}") };
    assert_eq!(kinds(run), ["START", "FAIL"]);
    // Beside it stand the models that dbt's tests looked at.
    let inputs = run[1]["inputs"].as_array().unwrap();
    let raw = inputs.iter().find(|input| input["name"].as_str().is_some_and(|name| name.ends_with(".RAW.MATERIALS")));
    let table = &raw.unwrap_or_else(|| panic!("RAW.MATERIALS is an input: {inputs:#?}"))["inputFacets"];
    assert_eq!(table["dataQualityMetrics"]["columnMetrics"]["material_id"]["nullCount"], 1);
    let assertions = table["dataQualityAssertions"]["assertions"].as_array().unwrap();
    assert!(assertions.iter().any(|one| one["success"] == false && one["severity"] == "error"));
}

#[test]
fn a_run_of_airflow_over_many_files_tells_of_all_of_them_and_asked_again_is_another_run() {
    let receiver = Receiver::start();
    let mill = telling(&receiver);
    mill.drop_file("a/materials.csv", materials(&["M1"]));
    mill.drop_file("b/materials.csv", materials(&["M2"]));
    mill.drop_file("c/unknown.txt", "x");
    let load_id = "mfg_dag::manual__2026-11-23T00:00:00+00:00";
    let ask = ["trigger", "ingest", "--load-id", load_id, "--source", "materials"];
    let asked = |receiver: &Receiver| {
        let events = receiver.events();
        let is = |event: &&Value| event["run"]["facets"]["millrace_load"]["loadId"] == load_id;
        events.iter().filter(is).cloned().collect::<Vec<_>>()
    };
    for times in 1..=2 {
        mill.run(&ask).expect(0);
        mill.once();
        let (events, spec) = (asked(&receiver), Spec::read());
        events.iter().for_each(|event| spec.check(event));
        let runs = of(&events, "ingest.MATERIALS");
        assert_eq!(runs.len(), times, "each command is a run of its own");
        for run in runs {
            assert_eq!(kinds(&run), ["START", "COMPLETE"]);
            assert_eq!(run[0]["inputs"].as_array().unwrap().len(), 2);
            let statistics = &run[1]["outputs"][0]["outputFacets"]["outputStatistics"];
            assert_eq!((&statistics["rowCount"], &statistics["fileCount"]), (&2.into(), &2.into()));
            let told = &run[1]["run"]["facets"];
            assert_eq!(
                (&told["millrace_load"]["dagId"], &told["parent"]["job"]["name"]),
                (&"mfg_dag".into(), &"mfg_dag".into())
            );
            assert_eq!(told["millrace_load"]["runId"], "manual__2026-11-23T00:00:00+00:00");
        }
    }
    let events = asked(&receiver);
    let parents: std::collections::BTreeSet<String> = of(&events, "ingest.MATERIALS")
        .iter()
        .map(|run| run[0]["run"]["facets"]["parent"]["run"].to_string())
        .collect();
    assert_eq!(parents.len(), 1, "the LOAD_ID stands for one run");
}

#[test]
fn a_cancelled_command_aborts_its_run() {
    let receiver = Receiver::start();
    let mill = telling(&receiver);
    mill.drop_file("materials.csv", materials(&["M1"]));
    mill.once();
    let load_id = "dag::taken_back";
    mill.run(&["trigger", "transform", "--load-id", load_id, "--source", "materials"]).expect(0);
    let asked = mill.json(&["trigger", "transform", "--load-id", load_id, "--source", "materials"]);
    let command =
        asked["command_id"].as_str().or_else(|| asked["id"].as_str()).unwrap_or_else(|| panic!("{asked}")).to_owned();
    mill.run(&["cancel", load_id, "--stage", "transform", "--command", &command, "--reason", "the wrong day"])
        .expect(0);
    mill.once();
    let (events, spec) = (receiver.events(), Spec::read());
    events.iter().for_each(|event| spec.check(event));
    let aborted: Vec<&Value> = events.iter().filter(|event| event["eventType"] == "ABORT").collect();
    let [aborted] = aborted[..] else { panic!("one is cancelled: {events:#?}") };
    assert_eq!(
        (&aborted["job"]["name"], &aborted["run"]["facets"]["millrace_load"]["commandId"]),
        (&"transform".into(), &command.into())
    );
    assert_eq!(aborted["run"]["facets"]["errorMessage"]["message"], "cancelled: the wrong day");
}

#[test]
fn a_message_that_comes_again_after_a_death_says_the_same_run() {
    let mut mill = Mill::new();
    let file = mill.path("events.ndjson");
    mill.set("LINEAGE__FILE", file.display().to_string());
    mill.drop_file("materials.csv", materials(&["M1"]));
    let read = || -> Vec<Value> {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    // It dies after it has announced the load, and before it acknowledges.
    let watcher = mill.start(&["watch"]);
    let mut dying = mill.start_armed(&["ingest"], "ack:before=sleep(600000)");
    mill.wait("the end of a run", || read().iter().any(|event| event["eventType"] == "COMPLETE"));
    dying.kill();
    stop_all(vec![watcher]);
    mill.once().expect(0);
    let events = read();
    let runs = of(&events, "ingest.MATERIALS");
    let [run] = &runs[..] else { panic!("one run, told twice: {events:#?}") };
    assert_eq!(kinds(run), ["START", "COMPLETE", "START", "COMPLETE"]);
}
