//! Two workers at the same thing at the same time.

use serde_json::{Value, json};

use crate::fleet::RabbitMill;
use crate::harness::invariants::{drop_rows, invariants, judged, while_watching};
use crate::harness::stop_all;

const SLOW: &str = "write:before=1*sleep(1500)";

fn command(id: &str, load_id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "test", "type": "ingest.requested", "time": "2026-11-23T00:00:00Z",
        "data": {"load_id": load_id, "sources": ["materials"]}
    })
}

fn ask(mill: &RabbitMill, command: &Value) {
    mill.publish("millrace.commands", "ingest.requested.0000000000000000", command.to_string().as_bytes());
}

#[test]
fn the_same_message_at_two_workers_leaves_one_slice() {
    let mill = RabbitMill::new();
    let files = vec![drop_rows(&mill, "run/materials_1.csv", 50)];
    let mut workers = mill.start_all(&["transform", "dq"]);
    let both = [mill.start_armed(&["ingest"], SLOW), mill.start_armed(&["ingest"], SLOW)];
    mill.wait("two consumers", || mill.queue("ingest")["consumers"] == 2);
    let command = command("0190b6d0-0000-7000-8000-000000000010", "twice::the same");
    while_watching(&mill, || {
        ask(&mill, &command);
        ask(&mill, &command);
        mill.wait("the verdict", || judged(&mill) == 1);
        mill.wait("the end", || mill.queue("ingest")["ready"] == 0 && mill.queue("ingest")["in_hand"] == 0);
    });
    workers.extend(both);
    stop_all(workers);
    mill.once().expect(0);
    invariants(&mill, &files);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'PLANNED'"), "1");
}

#[test]
fn of_two_commands_for_one_load_the_newer_stands_though_the_older_finishes_last() {
    let mill = RabbitMill::new();
    let files = vec![drop_rows(&mill, "run/materials_1.csv", 50), drop_rows(&mill, "run/materials_2.csv", 7)];
    let older = command("0190b6d0-0000-7000-8000-000000000010", "dag::run");
    let newer = command("0190b6d0-0001-7000-8000-000000000010", "dag::run");
    // The one who has the older command sleeps before its first load.
    let slow = mill.start_armed(&["ingest"], "write:before=1*sleep(6000)");
    mill.wait("a consumer", || mill.queue("ingest")["consumers"] == 1);
    ask(&mill, &older);
    mill.wait("the older in hand", || mill.log().contains("run planned") && mill.queue("ingest")["in_hand"] == 1);
    let mut workers = mill.start_all(&["ingest", "transform", "dq"]);
    while_watching(&mill, || {
        ask(&mill, &newer);
        mill.wait("the older is fenced out", || mill.log().contains("a newer command has this load"));
        mill.wait("the verdict", || judged(&mill) == 1);
        mill.wait("the end", || mill.queue("ingest")["ready"] == 0 && mill.queue("ingest")["in_hand"] == 0);
    });
    workers.push(slow);
    stop_all(workers);
    mill.once().expect(0);
    invariants(&mill, &files);
    let shown = mill.query("SELECT DISTINCT COMMAND_ID FROM RAW.CURRENT_LOADS WHERE TABLE_NAME = 'MATERIALS'");
    assert_eq!(shown, [["0190b6d0-0001-7000-8000-000000000010"]]);
}
