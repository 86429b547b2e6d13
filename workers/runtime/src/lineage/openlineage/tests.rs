//! What single messages tell. What whole loads do, and that it is as the specification wants it, is in tests/lineage.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use chrono::Utc;
use messages::{
    Decision, FailureClass, IngestCompleted, IngestFailed, IngestReleaseRequested, IngestRequested, LoadId, Message,
    MessageId, NodeOutcome, SourceFileDiscovered, TableLoad, TransformCompleted, TransformFailed,
};

use super::*;

fn teller() -> Teller {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let contracts = Contracts::read(&repository.join("data/sources")).unwrap();
    let graph = Graph::read(&repository.join("workers/transform/dbt"), &contracts).unwrap();
    let names = Names::of(&Settings::default(), |_| None);
    Teller::new(names, "millrace".into(), Arc::new(contracts), graph)
}

fn load_id() -> LoadId {
    LoadId::new("dag::run").unwrap()
}

fn file(command_id: MessageId, uri: &str, run_files: u32) -> SourceFileDiscovered {
    SourceFileDiscovered {
        load_id: load_id(),
        source: None,
        uri: uri.into(),
        file_id: None,
        size_bytes: 7,
        modified_at: Utc::now(),
        as_of: Utc::now(),
        command_id,
        run_files,
        table_files: run_files,
    }
}

/// Kind, job and number of inputs of each.
fn told(events: &[Value]) -> Vec<(&str, &str, usize)> {
    events
        .iter()
        .map(|event| {
            let inputs = event["inputs"].as_array().unwrap().len();
            (event["eventType"].as_str().unwrap(), event["job"]["name"].as_str().unwrap(), inputs)
        })
        .collect()
}

fn run_ids(events: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = events.iter().map(|event| event["run"]["runId"].to_string()).collect();
    ids.dedup();
    ids
}

#[test]
fn a_run_of_many_files_is_told_in_pieces_of_one_run_for_each_table() {
    let teller = teller();
    let command = Envelope::new(
        "test",
        IngestRequested { load_id: load_id(), sources: Vec::new(), files: Vec::new(), as_of: None },
    );
    let of = |uri: String| command.leads_to("test", file(command.id, &uri, 302));
    let mut files: Vec<Envelope> = (0..301).map(|at| of(format!("{at}/batches.csv"))).collect();
    files.push(of("materials.csv".into()));
    let events = teller.led_to(&command, &files);
    let batches = "ingest.BATCHES";
    assert_eq!(
        told(&events),
        [
            ("START", batches, 100),
            ("RUNNING", batches, 100),
            ("RUNNING", batches, 100),
            ("RUNNING", batches, 1),
            ("START", "ingest.MATERIALS", 1)
        ]
    );
    assert_eq!(run_ids(&events).len(), 2);
    // Each file tells nothing more when it is taken up, and the end is one of the same run.
    assert!(teller.taken(&files[0]).is_empty());
    let mut tables = vec![TableLoad::of("batches", "BATCHES")];
    tables[0].add(10, 0, 100);
    let end = files[0].leads_to("test", IngestCompleted { load_id: load_id(), as_of: Utc::now(), tables });
    let ended = teller.led_to(&files[0], &[end]);
    assert_eq!(told(&ended), [("COMPLETE", batches, 0)]);
    assert_eq!(run_ids(&ended)[0], run_ids(&events)[0]);
}

#[test]
fn tables_of_a_run_that_failed_fail_with_it() {
    let teller = teller();
    let cause = Envelope::new("test", file(MessageId::fresh(), "materials.csv", 2));
    let failed = |class, uri: Option<&str>| IngestFailed {
        load_id: load_id(),
        tables: vec![TableLoad::of("batches", "BATCHES")],
        uri: uri.map(Into::into),
        failure: Failure { class, message: "Could not convert string 'Jane Doe'".into() },
    };
    for (class, kind) in
        [(FailureClass::Permanent, "FAIL"), (FailureClass::Quarantined, "FAIL"), (FailureClass::Cancelled, "ABORT")]
    {
        let events = teller.led_to(&cause, &[cause.leads_to("test", failed(class, None))]);
        assert_eq!(told(&events), [(kind, "ingest.BATCHES", 0), (kind, "ingest.MATERIALS", 0)]);
        assert!(!events[0].to_string().contains("Jane Doe"));
    }
    let named = teller.led_to(&cause, &[cause.leads_to("test", failed(FailureClass::Permanent, Some("batches.csv")))]);
    assert_eq!(told(&named), [("FAIL", "ingest.BATCHES", 0)]);
}

#[test]
fn a_load_that_is_released_is_a_run_of_its_own() {
    let teller = teller();
    let decision = Decision { load_id: load_id(), decided_by: "a person".into(), reason: "checked".into() };
    let asked = Envelope::new("test", IngestReleaseRequested(decision));
    assert!(teller.taken(&asked).is_empty());
    let tables = vec![TableLoad::of("batches", "BATCHES")];
    let end = asked.leads_to("test", IngestCompleted { load_id: load_id(), as_of: Utc::now(), tables });
    let events = teller.led_to(&asked, &[end]);
    assert_eq!(told(&events), [("START", "ingest.BATCHES", 0), ("COMPLETE", "ingest.BATCHES", 0)]);
    assert_eq!(run_ids(&events).len(), 1);
}

fn node(name: &str, status: &str, message: Option<&str>) -> NodeOutcome {
    NodeOutcome {
        unique_id: format!("model.millrace.{name}"),
        resource_type: "model".into(),
        status: status.into(),
        elapsed_secs: 1.5,
        message: message.map(Into::into),
    }
}

#[test]
fn models_are_told_once_for_the_loads_that_were_built_together() {
    let teller = teller();
    let built = |load_id: &str| {
        let load_id = LoadId::new(load_id).unwrap();
        let nodes = vec![node("core_materials", "success", None), node("of_nobody", "success", None)];
        let data = TransformCompleted {
            load_id,
            sources: vec!["materials".into()],
            nodes,
            invocation_id: "3f0c1d5e-0000-4000-8000-000000000000".into(),
        };
        let envelope = Envelope::new("test", data);
        teller.led_to(&envelope, std::slice::from_ref(&envelope))
    };
    let first = built("a");
    let model = "transform.core_materials";
    assert_eq!(told(&first), [("COMPLETE", "transform", 1), ("START", model, 1), ("COMPLETE", model, 1)]);
    assert_eq!(told(&built("b")), [("COMPLETE", "transform", 1)]);
    // Another process that is told of the build says the same run.
    let again = self::teller();
    let data = TransformCompleted {
        load_id: LoadId::new("b").unwrap(),
        sources: Vec::new(),
        nodes: vec![node("core_materials", "success", None)],
        invocation_id: "3f0c1d5e-0000-4000-8000-000000000000".into(),
    };
    let envelope = Envelope::new("test", data);
    let other = again.led_to(&envelope, std::slice::from_ref(&envelope));
    assert_eq!(other[1]["run"]["runId"], first[1]["run"]["runId"]);
    // It began as long before its end as it took.
    let at = |event: &Value| chrono::DateTime::parse_from_rfc3339(event["eventTime"].as_str().unwrap()).unwrap();
    assert_eq!((at(&first[2]) - at(&first[1])).num_milliseconds(), 1_500);
}

#[test]
fn a_build_that_failed_tells_which_models_did() {
    let teller = teller();
    let nodes = vec![
        node("stg_materials", "success", None),
        node("core_materials", "error", Some("Conversion Error: 'Jane Doe' is no number")),
        node("core_batches", "skipped", None),
    ];
    let failure = Failure::permanent("1 of 3 failed");
    let envelope = Envelope::new("test", TransformFailed { load_id: load_id(), sources: Vec::new(), nodes, failure });
    let events = teller.led_to(&envelope, std::slice::from_ref(&envelope));
    let kinds: Vec<(&str, &str)> = told(&events).into_iter().map(|(kind, job, _)| (kind, job)).collect();
    let (good, bad) = ("transform.stg_materials", "transform.core_materials");
    assert_eq!(kinds, [("FAIL", "transform"), ("START", good), ("COMPLETE", good), ("START", bad), ("FAIL", bad)]);
    let why = events[4]["run"]["facets"]["errorMessage"]["message"].as_str().unwrap();
    assert_eq!(why, "Conversion Error: '…' is no number");
    assert_eq!(events[0]["outputs"].as_array().unwrap().len(), 1, "what was built all the same");
}

#[test]
fn what_changes_nothing_is_not_told() {
    let teller = teller();
    let dry = messages::TransformDryRunRequested(messages::TransformRequested {
        load_id: load_id(),
        sources: Vec::new(),
        full_refresh: false,
    });
    let cancel = messages::CancelRequested { load_id: load_id(), command_id: MessageId::fresh(), reason: None };
    for message in [Message::from(dry), Message::cancel(messages::Stage::Ingest, cancel)] {
        let envelope = Envelope::new("test", message);
        assert!(teller.taken(&envelope).is_empty() && teller.led_to(&envelope, &[]).is_empty());
    }
}
