//! Decisions that meet each other, or die with their worker.

use crate::asked::{LOAD_ID, settled, state};
use crate::harness::invariants::consistent;
use crate::harness::{Mill, stop_all};
use crate::scene::{begin, hold_one, load, shown, statuses};

/// Two workers have one each in hand.
pub fn of_two_decisions_at_once_one_holds(mill: &mut Mill) {
    hold_one(mill);
    let first = mill.start_all(&["ingest"]);
    load(mill);
    stop_all(first);
    let (release, discard) = (begin(mill, "release", "one"), begin(mill, "discard", "other"));
    mill.wait("both in the queue", || mill.queue("ingest")["ready"] == 2);
    let workers = mill.start_all(&["ingest", "ingest"]);
    let ((released, is_released), (discarded, is_discarded)) = (release.answer(), discard.answer());
    settled(mill, &["ingest"]);
    stop_all(workers);
    consistent(mill);
    assert_eq!(is_released + is_discarded, 1, "{released} {discarded}");
    let (late, by) = if is_released == 0 { (&discarded, "one released it") } else { (&released, "other discarded it") };
    assert!(late["data"]["failure"]["message"].as_str().unwrap().contains(by), "{late}");
    let (status, state_now, view) =
        if is_released == 0 { ("SUCCESS", "LOADED", "NEW1 NEW2") } else { ("DISCARDED", "DISCARDED", "OLD") };
    assert_eq!(statuses(mill), ["QUARANTINED", status]);
    assert_eq!((state(mill, LOAD_ID).as_str(), shown(mill).as_str()), (state_now, view));
}

/// After it was written down, before anybody was told: the next worker tells, under the same id.
pub fn a_worker_dies_with_a_decision(mill: &mut Mill) {
    hold_one(mill);
    let first = mill.start_all(&["ingest"]);
    load(mill);
    stop_all(first);
    let release = begin(mill, "release", "jane");
    mill.wait("it in the queue", || mill.queue("ingest")["ready"] == 1);
    mill.start_armed(&["ingest"], "commit:before=return").killed_at("commit:before", mill);
    assert_eq!(statuses(mill), ["QUARANTINED"]);
    mill.start_armed(&["ingest"], "commit:after=return").killed_at("commit:after", mill);
    assert_eq!((statuses(mill).join(" "), shown(mill).as_str()), ("QUARANTINED SUCCESS".into(), "NEW1 NEW2"));
    mill.start_armed(&["ingest"], "ack:before=return").killed_at("ack:before", mill);
    let workers = mill.start_all(&["ingest"]);
    let (answer, code) = release.answer();
    assert_eq!((&answer["type"], code), (&"ingest.completed".into(), 0), "{answer}");
    settled(mill, &["ingest"]);
    stop_all(workers);
    consistent(mill);
    assert_eq!(statuses(mill).len(), 2);
    // Told twice, built once.
    mill.once();
    let builds = "SELECT count(*) FROM RAW.STAGE_AUDIT WHERE STAGE = 'transform' AND STATUS = 'SUCCESS' AND LOAD_ID = ";
    assert_eq!(mill.value(&format!("{builds}'{LOAD_ID}'")), "1");
}
