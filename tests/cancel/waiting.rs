//! Taken back before it is begun, and after its end.

use crate::asked::{LOAD_ID, assert_cancelled, settled, stage_ends, state, take_back, trigger};
use crate::harness::{Mill, materials, stop_all};

/// No worker lives while both are published, and the cancel lies behind its command; a newer command goes on.
pub fn a_build_that_nobody_has_begun(mill: &mut Mill) {
    mill.drop_file("materials.csv", materials(&["M1"]));
    mill.once().expect(0);
    let (first, second) = (trigger(mill, "transform", LOAD_ID), trigger(mill, "transform", LOAD_ID));
    let reason = ["--reason", "the wrong day"];
    let sent =
        mill.run(&[&["cancel", LOAD_ID, "--stage", "transform", "--command", &first], &reason[..]].concat()).expect(0);
    assert!(sent.stdout.contains("no transform worker runs"), "{}", sent.stdout);
    let waiting = take_back(mill, "transform", &first);
    mill.wait("both cancels", || mill.queue("transform")["ready"] == 4);
    let workers = mill.start_all(&["transform"]);
    assert_cancelled(waiting.answer(), &first);
    settled(mill, &["transform"]);
    stop_all(workers);
    assert_eq!(stage_ends(mill, &first), ["CANCELLED"]);
    assert_eq!(stage_ends(mill, &second), ["SUCCESS"]);
    let requests = "SELECT count(*) FROM RAW.STAGE_AUDIT WHERE STATUS = 'CANCEL_REQUESTED'";
    assert_eq!(mill.value(requests), "1", "the second cancel said nothing new");
}

pub fn a_load_that_nobody_has_begun(mill: &mut Mill) {
    mill.once().expect(0);
    mill.drop_file("materials.csv", materials(&["M1", "M2"]));
    let command = trigger(mill, "ingest", LOAD_ID);
    // A cancel that comes before its command holds too.
    let unknown = mill.run(&["cancel", LOAD_ID]).expect(1);
    assert!(unknown.stderr.contains("--command"), "{}", unknown.stderr);
    let waiting = take_back(mill, "ingest", &command);
    mill.wait("the cancel", || mill.queue("ingest")["ready"] == 2);
    // One: of two the other could load the file before this one has recorded the cancel.
    let workers = mill.start_all(&["ingest"]);
    assert_cancelled(waiting.answer(), &command);
    settled(mill, &["ingest"]);
    stop_all(workers);
    assert_eq!(state(mill, LOAD_ID), "CANCELLED");
    mill.run(&["load", LOAD_ID]).expect(0);
    let listed = mill.json(&["loads"]);
    assert_eq!((&listed[0]["load_id"], &listed[0]["state"]), (&LOAD_ID.into(), &"CANCELLED".into()));
    assert_eq!(mill.value("SELECT count(*) FROM RAW_RUN.MATERIALS_RUN"), "0");
    let again = mill.run(&["cancel", LOAD_ID]).expect(1);
    assert!(again.stderr.contains("CANCELLED"), "{}", again.stderr);
    // The next command for the same LOAD_ID is loaded.
    trigger(mill, "ingest", LOAD_ID);
    mill.once().expect(0);
    assert!(["PASSED", "WARNED"].contains(&state(mill, LOAD_ID).as_str()));
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "2");
}

/// A cancel that comes after the end changes nothing and announces nothing.
pub fn what_has_ended_stays(mill: &mut Mill) {
    mill.drop_file("materials.csv", materials(&["M1"]));
    let command = trigger(mill, "ingest", LOAD_ID);
    mill.once().expect(0);
    let before = state(mill, LOAD_ID);
    let refused = mill.run(&["cancel", LOAD_ID]).expect(1);
    assert!(refused.stderr.contains(&before) && refused.stderr.contains("nothing to cancel"), "{}", refused.stderr);
    let late = mill.run(&["cancel", LOAD_ID, "--command", &command, "--wait", "1"]);
    assert!(late.expect(1).stderr.contains("what had ended before is not told again"));
    let workers = mill.start_all(&["ingest", "transform", "dq"]);
    settled(mill, &["ingest", "transform", "dq"]);
    stop_all(workers);
    assert_eq!(state(mill, LOAD_ID), before);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.STAGE_AUDIT WHERE STATUS = 'CANCELLED'"), "0");
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "1");
}
