//! Taken back while it is loaded.

use crate::asked::{LOAD_ID, Waiting, assert_cancelled, settled, state, take_back, trigger};
use crate::harness::{MATERIALS, Mill, materials, stop_all};

/// One worker has it in hand, and the other takes the cancel from the queue.
pub fn a_big_file_in_hand(mill: &mut Mill) {
    let row = |row: u32| format!("M{row},Steel,RAW,KG,1.50,EUR,S1,7,2026-01-02T03:04:05Z\n");
    mill.drop_file("materials.csv", format!("{MATERIALS}\n{}", (0..200_000).map(row).collect::<String>()));
    let slow = || mill.start_armed(&["ingest"], "read:before=sleep(400)");
    let workers = [slow(), slow()];
    mill.wait("two workers", || mill.queue("ingest")["consumers"] == 2);
    let command = trigger(mill, "ingest", LOAD_ID);
    mill.wait("the file in hand", || mill.log().contains("run planned") && mill.queue("ingest")["in_hand"] == 1);
    assert_cancelled(take_back(mill, "ingest", &command).answer(), &command);
    settled(mill, &["ingest"]);
    assert!(!mill.log().contains("\"file loaded\""), "it was quicker than the cancel");
    stop_all(workers.into());
    assert_eq!(state(mill, LOAD_ID), "CANCELLED");
    assert_eq!(mill.value("SELECT count(*) FROM RAW_RUN.MATERIALS_RUN"), "0");
    trigger(mill, "ingest", LOAD_ID);
    mill.once().expect(0);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "200000");
}

/// The operator names only the load, and what it had replaced stays visible.
pub fn one_of_many_files(mill: &mut Mill) {
    let drop_three = |name: &str| {
        for part in 1..=3 {
            mill.drop_file(&format!("materials_{part}.csv"), materials(&[&format!("{name}{part}")]));
        }
    };
    drop_three("OLD");
    trigger(mill, "ingest", LOAD_ID);
    mill.once().expect(0);
    drop_three("NEW");
    let worker = mill.start_armed(&["ingest"], "write:before=1*off->sleep(3000)");
    let asked = Waiting::begin(mill, &["trigger", "ingest", "--load-id", LOAD_ID, "--source", "materials"]);
    mill.wait("the first file", || mill.log().contains("\"file\":\"materials_1.csv\""));
    assert_eq!(state(mill, LOAD_ID), "INGESTING");
    let told = mill.json(&["cancel", LOAD_ID, "--reason", "the wrong day", "--wait", "100"]);
    assert_eq!(told["stages"], serde_json::json!(["ingest", "transform", "dq"]));
    let command = told["command_id"].as_str().unwrap();
    assert_cancelled((told["answer"].clone(), 0), command);
    let (answer, code) = asked.answer();
    assert_eq!((&answer, code), (&told["answer"], 1), "whoever asked for it hears the same");
    assert!(answer["data"]["failure"]["message"].as_str().unwrap().contains("2 of 3 files"), "{answer}");
    settled(mill, &["ingest"]);
    stop_all(vec![worker]);
    assert_eq!(state(mill, LOAD_ID), "CANCELLED");
    assert_eq!(mill.value("SELECT min(MATERIAL_ID) || max(MATERIAL_ID) FROM RAW.MATERIALS"), "OLD1OLD3");
    // The cancels of the later stages lie there, and hinder nothing else.
    trigger(mill, "ingest", LOAD_ID);
    mill.once().expect(0);
    assert_eq!(mill.value("SELECT min(MATERIAL_ID) || max(MATERIAL_ID) FROM RAW.MATERIALS"), "NEW1NEW3");
    settled(mill, &["ingest", "transform", "dq"]);
}
