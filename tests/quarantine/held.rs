//! A file that is held back, to its end.

use crate::asked::{LOAD_ID, Waiting, assert_cancelled, settled, state};
use crate::harness::invariants::consistent;
use crate::harness::{Mill, materials, stop_all};
use crate::scene::{begin, contracts, hold_one, load, shown, statuses};

const ROLES: [&str; 3] = ["ingest", "transform", "dq"];

fn built(mill: &Mill) -> String {
    mill.value(&format!("SELECT count(*) FROM RAW.STAGE_AUDIT WHERE LOAD_ID = '{LOAD_ID}' AND STATUS = 'SUCCESS'"))
}

/// Of a run: the files are judged together, and what the check found is in the audit before models are built.
pub fn a_gate_decides_before_anybody_sees_the_rows(mill: &mut Mill) {
    contracts(mill);
    mill.drop_file("materials_1.csv", materials(&["A1", "A2"]));
    mill.once().expect(0);
    mill.drop_file("materials_2.csv", materials(&["B1", "B2"]));
    let workers = mill.start_all(&ROLES);
    let (answer, code) = load(mill);
    let failure = &answer["data"]["failure"];
    assert_eq!((&failure["class"], code), (&"quarantined".into(), 1), "{answer}");
    assert!(failure["message"].as_str().unwrap().contains("not_too_many"), "{failure}");
    settled(mill, &ROLES);
    assert_eq!(
        (state(mill, LOAD_ID).as_str(), shown(mill).as_str(), built(mill).as_str()),
        ("QUARANTINED", "A1 A2", "0")
    );
    let checks = "SELECT CHECK_NAME || ' ' || STATUS || ' ' || OBSERVED FROM RAW.DATA_QUALITY_AUDIT WHERE ORIGIN = 'GATE' AND LOAD_ID = ";
    let found = mill.value(&format!("{checks}'{LOAD_ID}'"));
    assert!(found.starts_with("not_too_many FAIL 4"), "{found}");
    let told = mill.run(&["load", LOAD_ID]).expect(1).stdout;
    assert!(told.contains("gate") && told.contains("not_too_many"), "{told}");
    begin(mill, "release", "jane").answer();
    mill.wait("the verdict", || state(mill, LOAD_ID) == "FAILED");
    settled(mill, &ROLES);
    stop_all(workers);
    consistent(mill);
    assert_eq!(shown(mill), "A1 A2 B1 B2");
}

pub fn held_released_and_judged(mill: &mut Mill) {
    hold_one(mill);
    let workers = mill.start_all(&ROLES);
    let (answer, code) = load(mill);
    let failure = &answer["data"]["failure"];
    assert_eq!((&answer["type"], &failure["class"], code), (&"ingest.failed".into(), &"quarantined".into(), 1));
    let message = failure["message"].as_str().unwrap();
    for told in ["materials.csv is held back", "lead_time_days", "2 rows are kept", "millrace release 'dag::manual"] {
        assert!(message.contains(told), "{told}: {message}");
    }
    settled(mill, &ROLES);
    assert_eq!(
        (state(mill, LOAD_ID).as_str(), shown(mill).as_str(), built(mill).as_str()),
        ("QUARANTINED", "OLD", "0")
    );
    let listed = mill.json(&["loads"]);
    let listed = listed.as_array().unwrap().iter().find(|load| load["load_id"] == LOAD_ID).unwrap();
    assert_eq!((&listed["state"], &listed["rows_loaded"]), (&"QUARANTINED".into(), &2.into()));
    let told = mill.run(&["load", LOAD_ID]).expect(1);
    assert!(told.stdout.contains("millrace discard") && told.stdout.contains("missing column"), "{}", told.stdout);

    let (answer, code) = begin(mill, "release", "jane").answer();
    assert_eq!((&answer["type"], code), (&"ingest.completed".into(), 0), "{answer}");
    assert_eq!(answer["data"]["tables"][0]["rows_loaded"], 2);
    mill.wait("the verdict", || ["PASSED", "WARNED", "FAILED"].contains(&state(mill, LOAD_ID).as_str()));
    settled(mill, &ROLES);
    assert_eq!((shown(mill).as_str(), statuses(mill)), ("NEW1 NEW2", vec!["QUARANTINED".into(), "SUCCESS".into()]));
    let told = mill.run(&["load", LOAD_ID]);
    assert!(told.stdout.contains("released by jane: the line stood still"), "{}", told.stdout);
    let judged = mill.value(&format!(
        "SELECT count(*) FROM RAW.STAGE_AUDIT WHERE LOAD_ID = '{LOAD_ID}' AND STAGE = 'transform' AND STATUS = 'SUCCESS'"
    ));
    assert_eq!(judged, "1", "built once");
    for late in ["release", "discard"] {
        let (answer, code) = begin(mill, late, "joe").answer();
        let message = answer["data"]["failure"]["message"].as_str().unwrap();
        assert!(code == 1 && message.contains("jane released it"), "{code} {message}");
    }
    settled(mill, &ROLES);
    stop_all(workers);
    consistent(mill);
    assert_eq!(statuses(mill).len(), 2);
}

pub fn held_and_given_up(mill: &mut Mill) {
    hold_one(mill);
    let workers = mill.start_all(&ROLES);
    load(mill);
    let (answer, code) = begin(mill, "discard", "jane").answer();
    assert_eq!((&answer["data"]["failure"]["class"], code), (&"cancelled".into(), 0), "{answer}");
    settled(mill, &ROLES);
    stop_all(workers);
    consistent(mill);
    assert_eq!((state(mill, LOAD_ID).as_str(), shown(mill).as_str(), built(mill).as_str()), ("DISCARDED", "OLD", "0"));
    assert_eq!(mill.value(&format!("SELECT count(*) FROM RAW_RUN.MATERIALS_RUN WHERE LOAD_ID = '{LOAD_ID}'")), "0");
    let told = mill.run(&["load", LOAD_ID]).expect(0);
    assert!(told.stdout.contains("discarded by jane: the line stood still"), "{}", told.stdout);
    // The file is known: it is not found again.
    mill.once();
    assert_eq!(mill.value("SELECT count(DISTINCT LOAD_ID) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'QUARANTINED'"), "1");
}

pub fn a_mended_file_under_the_same_load_id(mill: &mut Mill) {
    hold_one(mill);
    let workers = mill.start_all(&ROLES);
    load(mill);
    mill.drop_file("materials.csv", materials(&["MENDED"]));
    let again = ["trigger", "ingest", "--load-id", LOAD_ID, "--file", "materials.csv", "--wait", "100"];
    mill.run(&again).expect(0);
    mill.wait("the verdict", || ["PASSED", "WARNED"].contains(&state(mill, LOAD_ID).as_str()));
    let (answer, code) = begin(mill, "release", "jane").answer();
    let message = answer["data"]["failure"]["message"].as_str().unwrap();
    assert!(code == 1 && message.contains("a newer command for it has taken over"), "{message}");
    settled(mill, &ROLES);
    stop_all(workers);
    consistent(mill);
    assert_eq!((shown(mill).as_str(), statuses(mill)), ("MENDED", vec!["QUARANTINED".into(), "SUCCESS".into()]));
    assert_eq!(mill.value(&format!("SELECT count(*) FROM RAW_RUN.MATERIALS_RUN WHERE LOAD_ID = '{LOAD_ID}'")), "1");
}

/// The file is loaded anew under the same LOAD_ID, and that is taken back once it is planned: what was held back is so again, and
/// whoever decided before they saw that is told to look.
pub fn a_cancelled_reload_leaves_what_is_held(mill: &mut Mill) {
    hold_one(mill);
    let first = mill.start_all(&["ingest"]);
    load(mill);
    stop_all(first);
    mill.drop_file("materials.csv", materials(&["MENDED"]));
    let again = ["trigger", "ingest", "--load-id", LOAD_ID, "--file", "materials.csv"];
    let asked = Waiting::begin(mill, &again);
    mill.wait("it in the queue", || mill.queue("ingest")["ready"] == 1);
    let worker = mill.start_armed(&["ingest"], "write:before=sleep(5000)");
    mill.wait("a plan", || state(mill, LOAD_ID) == "INGESTING");
    let told = mill.json(&["cancel", LOAD_ID, "--reason", "the wrong day", "--wait", "100"]);
    assert_cancelled((told["answer"].clone(), 0), told["command_id"].as_str().unwrap());
    assert_eq!(asked.answer().1, 1);
    settled(mill, &["ingest"]);
    stop_all(vec![worker]);
    assert_eq!((statuses(mill).join(" "), shown(mill).as_str()), ("QUARANTINED CANCELLED".into(), "OLD"));
    assert_eq!(state(mill, LOAD_ID), "QUARANTINED");
    let listed = mill.json(&["loads"]);
    let listed = listed.as_array().unwrap().iter().find(|load| load["load_id"] == LOAD_ID).unwrap();
    assert_eq!((&listed["state"], &listed["rows_loaded"]), (&"QUARANTINED".into(), &2.into()));
    let workers = mill.start_all(&ROLES);
    let (answer, code) = begin(mill, "release", "jane").answer();
    assert_eq!((&answer["type"], code), (&"ingest.completed".into(), 0), "{answer}");
    assert_eq!(answer["data"]["tables"][0]["rows_loaded"], 2);
    mill.wait("the verdict", || ["PASSED", "WARNED", "FAILED"].contains(&state(mill, LOAD_ID).as_str()));
    let (answer, _) = begin(mill, "discard", "joe").answer();
    assert!(answer["data"]["failure"]["message"].as_str().unwrap().contains("jane released it"), "{answer}");
    settled(mill, &ROLES);
    stop_all(workers);
    consistent(mill);
    assert_eq!((shown(mill).as_str(), built(mill).as_str()), ("NEW1 NEW2", "2"));
}
