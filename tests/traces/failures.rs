//! Tries again, dead letters and replays, bad data: told in the same trace, as what they are.

use testkit::{Span, Status};

use crate::harness::holder::Holder;
use crate::harness::{Mill, materials, stop_all};
use crate::told::{Told, way_to};

const ROLES: [&str; 4] = ["watch", "ingest", "transform", "dq"];

/// Short, so that a load soon fails for now; and long enough for four roles that make the tables at once.
const LOCK_WAIT_SECS: &str = "5";

#[test]
fn a_load_that_is_tried_again_stays_one_trace_over_the_embedded_bus() {
    let mut told = Told::embedded();
    told.mill.set("WAREHOUSE__LOCK_WAIT_SECS", LOCK_WAIT_SECS);
    tried_again(&told, &told);
}

#[test]
fn a_load_that_is_tried_again_stays_one_trace_over_rabbitmq() {
    let mut told = Told::rabbit();
    told.mill.set("WAREHOUSE__LOCK_WAIT_SECS", LOCK_WAIT_SECS);
    tried_again(&told, &told);
}

fn tried_again<M>(told: &Told<M>, mill: &Mill) {
    let workers = mill.start_all(&ROLES);
    let holder = Holder::of(mill);
    mill.drop_file("materials.csv", materials(&["M1", "M2"]));
    mill.wait("a try again", || mill.log().contains("failed for now; trying again"));
    drop(holder);
    let trace = told.trace_with("publish dq.completed", 1);
    stop_all(workers);
    let tries = trace.paths(&way_to("process millrace.ingest"));
    assert!(tries.len() >= 2, "{}", trace.render());
    for (at, span) in tries.iter().enumerate() {
        assert_eq!(span.attribute("millrace.attempt"), (at + 1).to_string());
    }
    let (last, failed) = tries.split_last().unwrap();
    for span in failed {
        let Status::Error(why) = &span.status else { panic!("{}", trace.render()) };
        assert!(why.contains("warehouse") && span.attribute("error.type") == "transient", "{why}");
        let event = span.event("failed for now; trying again").unwrap();
        assert!(event.attributes.contains_key("delay_secs"), "{event:?}");
        assert!(trace.children_of(span).iter().any(|child| child.is_error()), "{}", trace.render());
    }
    assert_eq!(last.status, Status::Unset);
    assert_eq!(trace.children_of(last).iter().filter(|span| span.name == "publish ingest.completed").count(), 1);
}

#[test]
fn a_dead_letter_and_its_replay_stay_in_the_trace_over_the_embedded_bus() {
    let told = Told::embedded();
    dead_and_replayed(&told, &told);
}

#[test]
fn a_dead_letter_and_its_replay_stay_in_the_trace_over_rabbitmq() {
    let told = Told::rabbit();
    dead_and_replayed(&told, &told);
}

fn dead_and_replayed<M>(told: &Told<M>, mill: &Mill) {
    let workers = mill.start_all(&["watch", "ingest"]);
    mill.drop_file("lab/humidity.csv", "a,b\n1,2\n");
    mill.wait("a dead letter", || mill.dead().len() == 1);
    let letter = mill.dead().remove(0);
    mill.run(&["dead", "replay", letter["dead_id"].as_str().unwrap()]).expect(0);
    let trace = told.trace_with("publish ingest.failed", 2);
    stop_all(workers);
    assert_eq!(letter["trace_id"], trace.id());
    let tries = trace.paths("file seen/publish source.file.discovered/process millrace.ingest");
    assert_eq!(tries.len(), 2, "{}", trace.render());
    for span in tries {
        let Status::Error(why) = &span.status else { panic!("{}", trace.render()) };
        assert!(why.contains("no contract") && span.attribute("error.type") == "permanent", "{why}");
        assert!(span.event("failed for good; dead-lettered").is_some());
        assert_eq!(span.attribute("millrace.file"), "lab/humidity.csv");
        assert_eq!(trace.children_of(span).iter().filter(|child| child.name == "publish ingest.failed").count(), 1);
    }
}

#[test]
fn bad_data_is_an_error_of_the_checks_that_found_it_and_of_the_verdict() {
    let told = Told::embedded();
    told.drop_file("materials.csv", materials(&["M1", "M2"]).replacen("1.50", "-47.11", 1));
    told.once().expect(1);
    let trace = told.trace_with("publish dq.failed", 1);
    let process = trace.path(&way_to("process millrace.dq"));
    assert!(process.is_error() && process.attribute("millrace.verdict") == "FAILED", "{}", trace.render());
    let check = trace.only("check RAW.MATERIALS.accepted_range_standard_cost");
    assert_eq!(
        (check.attribute("millrace.check.status"), check.attribute("millrace.check.failed_rows")),
        ("FAIL", "1")
    );
    let failed: Vec<&Span> = trace.spans().iter().filter(|span| span.is_error()).collect();
    assert_eq!(failed.len(), 2, "{}", trace.render());
    assert!(!format!("{:?}", trace.spans()).contains("47.11"), "a value of the data was told");
}

#[test]
fn a_model_that_fails_is_an_error_and_its_words_quote_no_value() {
    let mut told = Told::embedded();
    let project = told.path("project");
    let ours = crate::harness::repository().join("workers/transform/dbt");
    let copied = std::process::Command::new("cp").arg("-r").arg(ours).arg(&project).status().unwrap();
    assert!(copied.success());
    let model = "select cast(material_name as integer) as n from {{ source('raw', 'materials') }}";
    std::fs::write(project.join("models/staging/stg_broken.sql"), model).unwrap();
    std::fs::write(
        project.join("models/core/core_broken.sql"),
        "{{ config(materialized='table') }} select * from {{ ref('stg_broken') }}",
    )
    .unwrap();
    told.mill.set("TRANSFORM__PROJECT", project.to_str().unwrap());
    told.drop_file("materials.csv", materials(&["M1"]));
    told.once().expect(1);
    let trace = told.trace_with("publish transform.failed", 1);
    let node = trace.only("dbt model core_broken");
    let Status::Error(why) = &node.status else { panic!("{}", trace.render()) };
    assert!(why.contains("Could not convert string '…'"), "{why}");
    assert!(trace.path(&way_to("process millrace.transform")).is_error());
    assert!(trace.only("build models").is_error());
    assert!(!format!("{:?}", trace.spans()).contains("Steel"), "a value of the data was told");
}
