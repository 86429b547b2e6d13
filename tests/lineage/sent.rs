//! What is sent of a load that goes well, held against the specification.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::Mill;
use crate::receiver::Receiver;
use crate::spec::{Spec, kinds, runs};

/// A mill whose lineage is sent to `receiver`.
pub fn telling(receiver: &Receiver) -> Mill {
    let mut mill = Mill::new();
    mill.set_variable("OPENLINEAGE_URL", receiver.url());
    mill
}

fn names(datasets: &Value) -> BTreeSet<String> {
    datasets.as_array().unwrap().iter().map(|dataset| dataset["name"].as_str().unwrap().to_owned()).collect()
}

fn ended<'a>(events: &'a [Value], job: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["job"]["name"] == job && event["eventType"] == "COMPLETE").collect()
}

#[test]
fn every_event_is_what_the_specification_asks_for_and_every_run_has_an_end() {
    let receiver = Receiver::start();
    let mut mill = telling(&receiver);
    mill.set_variable("OPENLINEAGE_API_KEY", "hush-hush\n");
    mill.set("LINEAGE__NAMESPACE", "plant");
    mill.set("LINEAGE__FILE", mill.path("lineage/events.ndjson").display().to_string());
    mill.set("LOG__LEVEL", "debug");
    mill.drop_sample();
    let told = mill.once().expect(0);
    assert!(!format!("{told:?}").contains("hush-hush"));

    let events = receiver.events();
    assert!(receiver.asked().iter().all(|asked| *asked == ("/api/v1/lineage".into(), "Bearer hush-hush".into())));
    let written = std::fs::read_to_string(mill.path("lineage/events.ndjson")).unwrap();
    let written: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(written, events, "the file and the receiver are told the same");

    let spec = Spec::read();
    events.iter().for_each(|event| spec.check(event));
    let runs = runs(&events);
    let jobs: BTreeSet<&str> = runs.keys().map(|(job, _)| job.as_str()).collect();
    let models = ["stg_batches", "core_batches", "core_fct_batch_output", "mart_daily_plant_line_kpis"];
    for job in ["ingest.BATCHES", "ingest.MATERIALS", "ingest.PRODUCTION_ORDERS", "transform", "dq"] {
        assert!(jobs.contains(job), "{jobs:?}");
    }
    assert!(models.iter().all(|model| jobs.contains(format!("transform.{model}").as_str())), "{jobs:?}");
    for ((job, id), events) in &runs {
        assert_eq!(kinds(events), ["START", "COMPLETE"], "{job} {id}");
        assert!(events.iter().all(|event| event["job"]["namespace"] == "plant"));
    }
    // Three loads were built together: each has a run, the models have one for all.
    assert_eq!(runs.keys().filter(|(job, _)| job == "transform").count(), 3);
    assert_eq!(runs.keys().filter(|(job, _)| job == "transform.core_batches").count(), 1);
    println!(
        "{} events for 3 loads, {} bytes",
        events.len(),
        events.iter().map(|event| event.to_string().len()).sum::<usize>()
    );

    loaded(&mill, &events);
    built(&events);
    judged(&events);
}

fn loaded(mill: &Mill, events: &[Value]) {
    let [load] = ended(events, "ingest.BATCHES")[..] else { panic!("one load of batches") };
    let file = mill.path("raw/source_system/batches.csv").display().to_string();
    assert_eq!(names(&load["inputs"]), BTreeSet::from([file.clone()]));
    assert_eq!(names(&load["outputs"]), BTreeSet::from(["warehouse.RAW.BATCHES".to_owned()]));
    let (input, output) = (&load["inputs"][0], &load["outputs"][0]);
    assert_eq!(
        (&input["namespace"], &input["inputFacets"]["inputStatistics"]["fileCount"]),
        (&"file".into(), &1.into())
    );
    let bytes = std::fs::metadata(&file).unwrap().len();
    assert_eq!(input["inputFacets"]["inputStatistics"]["size"], bytes);
    let statistics = &output["outputFacets"]["outputStatistics"];
    assert_eq!(
        (&statistics["rowCount"], &statistics["size"], &statistics["fileCount"]),
        (&2000.into(), &bytes.into(), &1.into())
    );
    let facets = &output["facets"];
    assert_eq!(facets["ownership"]["owners"][0]["name"], "manufacturing execution");
    let columns = facets["schema"]["fields"].as_array().unwrap();
    assert!(
        columns.iter().any(
            |column| column["name"] == "batch_id" && column["description"].as_str().unwrap().contains("B-00000001")
        )
    );
    let from = &facets["columnLineage"]["fields"]["quantity_produced"]["inputFields"][0];
    assert_eq!((&from["name"], &from["field"]), (&file.into(), &"quantity_produced".into()));
    // It leads back to the load and to the trace.
    let told = &load["run"]["facets"]["millrace_load"];
    let load_id = told["loadId"].as_str().unwrap();
    assert_eq!(facets["version"]["datasetVersion"], load_id);
    assert_eq!(mill.json(&["load", load_id])["trace_id"], told["traceId"]);
    // Every run of a load has the load's run as its parent.
    let of_load = events.iter().filter(|event| event["run"]["facets"]["millrace_load"]["loadId"] == load_id);
    let parents = of_load.filter(|event| !event["job"]["name"].as_str().unwrap().starts_with("transform."));
    let parents: BTreeSet<String> = parents.map(|event| event["run"]["facets"]["parent"]["run"].to_string()).collect();
    assert_eq!(parents.len(), 1, "{parents:?}");
}

fn built(events: &[Value]) {
    let [mart] = ended(events, "transform.mart_daily_plant_line_kpis")[..] else { panic!("one build of the mart") };
    let core = |name: &str| format!("warehouse.CORE.{name}");
    assert_eq!(names(&mart["inputs"]), BTreeSet::from([core("CORE_FCT_BATCH_OUTPUT"), core("CORE_PRODUCTION_ORDERS")]));
    assert_eq!(names(&mart["outputs"]), BTreeSet::from(["warehouse.MARTS.MART_DAILY_PLANT_LINE_KPIS".to_owned()]));
    assert!(mart["outputs"][0]["facets"]["documentation"]["description"].as_str().unwrap().contains("One row per day"));
    // What is one dataset is called so by whoever writes and by whoever reads it: the graph has no gap.
    let reads: BTreeSet<String> = events.iter().flat_map(|event| names(&event["inputs"])).collect();
    let writes: BTreeSet<String> = events.iter().flat_map(|event| names(&event["outputs"])).collect();
    let nobody: Vec<&String> = reads.difference(&writes).filter(|name| !name.ends_with(".csv")).collect();
    assert!(nobody.is_empty(), "nobody writes {nobody:?}");
    let all = ended(events, "transform");
    assert!(all.iter().any(|event| names(&event["outputs"]).contains("warehouse.MARTS.MART_BATCH_FEATURES")));
    // The parent of a model's run is the build of a load.
    let parent = &mart["run"]["facets"]["parent"];
    assert!(all.iter().any(|event| event["run"]["runId"] == parent["run"]["runId"]));
}

fn judged(events: &[Value]) {
    let judged = ended(events, "dq");
    assert_eq!(judged.len(), 3);
    let tables = judged.iter().flat_map(|event| event["inputs"].as_array().unwrap());
    let batches = tables.into_iter().find(|table| table["name"] == "warehouse.RAW.BATCHES").unwrap();
    let metrics = &batches["inputFacets"]["dataQualityMetrics"];
    assert_eq!((&metrics["rowCount"], &metrics["columnMetrics"]["batch_id"]["nullCount"]), (&2000.into(), &0.into()));
    let assertions = batches["inputFacets"]["dataQualityAssertions"]["assertions"].as_array().unwrap();
    let find = |name: &str| assertions.iter().find(|one| one["name"] == name).unwrap();
    let unique = find("unique_batch_id");
    assert_eq!((&unique["assertion"], &unique["column"]), (&"unique".into(), &"batch_id".into()));
    assert_eq!((&unique["success"], &unique["severity"]), (&false.into(), &"warn".into()));
    assert_eq!(find("batch_id_mostly_unique")["success"], true);
}

#[test]
fn nothing_is_sent_unless_somebody_asks() {
    let receiver = Receiver::start();
    let mut mill = telling(&receiver);
    mill.set_variable("OPENLINEAGE_DISABLED", "true");
    mill.drop_file("materials.csv", crate::harness::materials(&["M1"]));
    mill.once().expect(0);
    assert_eq!(receiver.requests(), 0);
    mill.set_variable("OPENLINEAGE_DISABLED", "false");
    mill.set("LINEAGE__URL", "no address with hush-hush");
    let wrong = mill.once().expect(2);
    assert!(wrong.stderr.contains("lineage.url") && !wrong.stderr.contains("hush-hush"), "{}", wrong.stderr);
}
