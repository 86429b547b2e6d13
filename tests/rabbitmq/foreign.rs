//! Messages that no worker of this version would have written.

use serde_json::{Value, json};

use crate::fleet::RabbitMill;
use crate::harness::invariants::{drop_numbered, drop_rows, invariants, judged, loaded_once};
use crate::harness::stop_all;

#[test]
fn garbage_future_and_oversized_messages_are_dead_letters_and_hold_up_nobody() {
    let mill = RabbitMill::new();
    let workers = mill.start_all(&["watch", "ingest", "transform", "dq"]);
    let future = json!({
        "specversion": "1.0", "id": "0190b6d0-0000-7000-8000-000000000001", "source": "future", "schemaversion": 2,
        "type": "ingest.requested", "time": "2026-11-23T00:00:00Z", "data": {"load_id": "from::the future"}
    });
    let unknown = json!({
        "specversion": "1.0", "id": "0190b6d0-0000-7000-8000-000000000002", "source": "future",
        "type": "ingest.paused", "time": "2026-11-23T00:00:00Z", "data": {"load_id": "a::b"}
    });
    let bodies: [(&[u8], &str); 5] = [
        (b"\xff\x00 no JSON", "CloudEvents"),
        (b"{}", "CloudEvents"),
        (&vec![b'x'; 2 << 20], "more than"),
        (&future.to_string().into_bytes(), "schema version 2"),
        (&unknown.to_string().into_bytes(), "unknown message type"),
    ];
    for (body, _) in &bodies {
        mill.publish("millrace.commands", "ingest.requested.0000000000000000", body);
    }
    let file = drop_numbered(&mill, 4);
    mill.wait("the verdict", || judged(&mill) == 1);
    mill.wait("the dead letters", || mill.dead().len() == bodies.len());
    let causes: Vec<String> =
        mill.dead().iter().rev().map(|letter| letter["cause"]["message"].as_str().unwrap().to_owned()).collect();
    for (_, words) in bodies {
        assert!(causes.iter().any(|cause| cause.contains(words)), "{words:?} is missing in {causes:#?}");
    }
    let told = |field: &str, value: &str| mill.dead().iter().any(|letter| letter[field] == value);
    assert!(told("load_id", "from::the future") && told("message_type", "ingest.paused"));
    mill.run(&["dead", "purge", "--all"]).expect(0);
    invariants(&mill, &[file]);
    stop_all(workers);
}

/// What the version before this one publishes, and another program that knows only what the schemas ask for.
#[test]
fn messages_of_the_version_before_are_handled() {
    let mill = RabbitMill::new();
    let workers = mill.start_all(&["ingest", "transform", "dq"]);
    let files: Vec<_> = (0..2).map(|part| drop_rows(&mill, &format!("run/materials_{part}.csv"), 3)).collect();
    let command = json!({
        "specversion": "1.0", "id": "0190b6d0-0000-7000-8000-000000000003", "source": "airflow",
        "type": "ingest.requested", "subject": null, "time": "2026-11-23T00:00:00Z", "someextension": "kept by nobody",
        "data": {"load_id": "old::run", "sources": ["materials"], "unknown_field": {"a": 1}}
    });
    mill.publish("millrace.commands", "ingest.requested.0000000000000000", command.to_string().as_bytes());
    mill.wait("the verdict", || judged(&mill) == 1);
    invariants(&mill, &files);
    assert_eq!(mill.load("old::run")["files"].as_array().unwrap().len(), 4, "two planned, two loaded");
    stop_all(workers);
}

#[test]
fn a_message_that_kills_its_worker_is_given_up_and_takes_no_other_with_it() {
    let mut mill = RabbitMill::new();
    mill.set("RETRY__MAX_ATTEMPTS", "3");
    let watch = mill.start_all(&["watch"]);
    let mut poison = drop_numbered(&mill, 0);
    poison.rows = None;
    for _ in 0..3 {
        mill.start_armed(&["ingest"], "write:before=return").killed_at("write:before", &mill);
        mill.wait("the message is back", || mill.queue("ingest")["ready"] == 1);
    }
    let others: Vec<_> = (1..5).map(|number| drop_numbered(&mill, number)).collect();
    let workers = mill.start_all(&["ingest", "transform", "dq"]);
    mill.wait("the verdicts of the others", || judged(&mill) == others.len());
    let dead: Vec<Value> = mill.dead();
    assert_eq!(dead.len(), 1, "{dead:#?}");
    let cause = dead[0]["cause"]["message"].as_str().unwrap();
    assert!(cause.contains("given up after 3 tries") && cause.contains("the worker died"), "{cause}");
    assert_eq!(mill.value("SELECT STATUS FROM RAW.RAW_LOAD_AUDIT WHERE SOURCE_FILE = 'materials_0.csv'"), "FAILED");
    loaded_once(&mill, &[vec![poison], others].concat());
    // What killed the workers is mended: the same message is loaded.
    mill.run(&["dead", "replay", "--all"]).expect(0);
    mill.wait("its verdict", || judged(&mill) == 5);
    stop_all(workers);
    stop_all(watch);
}
