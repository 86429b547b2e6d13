//! What operators do: look at the queues, pause and resume, stop workers in the middle of their work.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod harness;

use std::time::{Duration, Instant};

use harness::holder::Holder;
use harness::{Mill, Running, materials};

#[test]
fn a_paused_stage_waits_and_goes_on_when_it_is_resumed() {
    let mill = Mill::new();
    let running = mill.start(&["up"]);
    mill.wait("ready", || mill.log().contains("watching"));
    assert!(mill.run(&["pause", "ingest"]).expect(0).stdout.contains("ingest is paused"));
    assert!(mill.run(&["pause", "ingest"]).expect(0).stdout.contains("was paused already"));
    mill.drop_file("materials.csv", materials(&["M1", "M2"]));
    mill.wait("a message that waits", || mill.queue("ingest")["ready"] == 1);
    let queue = mill.queue("ingest");
    assert_eq!((&queue["state"], &queue["in_hand"], &queue["consumers"]), (&"paused".into(), &0.into(), &1.into()));
    assert!(queue["published_per_sec"].as_f64().unwrap() > 0.0, "{queue}");
    assert_eq!(mill.queue("dq")["state"], "running");
    let shown = mill.run(&["queues"]).expect(0).stdout;
    assert!(
        shown.contains("ingest is paused and 1 message in it wait") && shown.contains("millrace resume ingest"),
        "{shown}"
    );
    assert!(!mill.log().contains("materials.csv, 2 rows"), "nothing was loaded");

    assert_eq!(mill.json(&["resume", "ingest"])["changed"], true);
    mill.wait("the verdict", || mill.log().contains("materials.csv, 2 rows"));
    assert!(mill.run(&["resume", "ingest"]).expect(0).stdout.contains("was not paused"));
    assert_eq!(running.stop(), Some(0));
    mill.run(&["pause", "nothing"]).expect(2);
}

#[test]
fn what_waits_in_a_paused_stage_is_not_worked_off_and_that_is_told() {
    let mill = Mill::new();
    mill.run(&["pause", "dq"]).expect(0);
    mill.drop_file("materials.csv", materials(&["M1"]));
    let ended = mill.once().expect(1);
    assert!(ended.stdout.contains("dq is paused and 1 message in it wait"), "{}", ended.stdout);
    mill.run(&["resume", "dq"]).expect(0);
    mill.once().expect(0);
    assert_eq!(mill.queue("dq")["ready"], 0);
}

#[test]
fn queues_say_what_to_do() {
    let mill = Mill::new();
    mill.drop_file("nobody_knows.csv", "a,b\n1,2\n");
    mill.once().expect(1);
    mill.run(&["trigger", "dq", "--load-id", "by::hand", "--source", "materials"]).expect(0);
    let shown = mill.run(&["queues"]).expect(0).stdout;
    for words in ["no worker", "millrace dq", "1 dead letter", "millrace dead list", "idle"] {
        assert!(shown.contains(words), "{words} is missing in {shown}");
    }
    assert_eq!(mill.queue("dq")["state"], "no_worker");
    let listed = mill.run(&["dead", "list"]).expect(0).stdout;
    assert!(listed.contains("permanent"), "{listed}");
    let id = mill.dead()[0]["dead_id"].as_str().unwrap().to_owned();
    assert!(mill.run(&["dead", "show", &id]).expect(0).stdout.contains("permanent"));
}

#[test]
fn a_stop_during_a_load_finishes_it_and_leaves_the_rest() {
    let mut mill = Mill::new();
    let (mut worker, file) = in_the_middle_of_a_load(&mut mill);
    ask_to_stop(&mill, &worker);
    assert_eq!(mill.queue("ingest")["in_hand"], 1, "the load goes on");
    drop(file);
    assert_eq!(worker.ended().code(), Some(0));
    let queue = mill.queue("ingest");
    assert_eq!((&queue["ready"], &queue["in_hand"], &queue["consumers"]), (&2.into(), &0.into(), &0.into()));
    assert_eq!(loads(&mill), [["1"]], "what was in hand was finished");
    mill.once().expect(0);
    assert_eq!(loads(&mill), [["1"], ["1"], ["1"]]);
}

#[test]
fn what_is_not_done_by_the_deadline_is_given_back_uncounted() {
    let mut mill = Mill::new();
    mill.set("SHUTDOWN__DRAIN_SECS", "0");
    let (mut worker, file) = in_the_middle_of_a_load(&mut mill);
    let asked = Instant::now();
    worker.terminate();
    assert_eq!(worker.ended().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(30), "it took {:?}", asked.elapsed());
    let queue = mill.queue("ingest");
    assert_eq!((&queue["ready"], &queue["in_hand"]), (&3.into(), &0.into()));
    drop(file);
    mill.once().expect(0);
    assert_eq!(loads(&mill), [["1"], ["1"], ["1"]]);
}

#[test]
fn a_second_stop_ends_at_once_and_what_was_in_hand_is_done_again() {
    let mut mill = Mill::new();
    let (mut worker, file) = in_the_middle_of_a_load(&mut mill);
    ask_to_stop(&mill, &worker);
    let asked = Instant::now();
    worker.terminate();
    assert_eq!(worker.ended().code(), Some(143));
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    assert_eq!(mill.queue("ingest")["ready"], 3);
    drop(file);
    mill.once().expect(0);
    // It can't be told from a worker that died.
    assert_eq!(loads(&mill), [["1"], ["1"], ["2"]]);
}

/// Three files wait for ingest, and its worker has one of them in hand and can't go on: somebody holds the warehouse
/// until what is returned beside it is dropped.
fn in_the_middle_of_a_load(mill: &mut Mill) -> (Running, Holder) {
    mill.set("WAREHOUSE__LOCK_WAIT_SECS", "100");
    mill.run(&["pause", "ingest"]).expect(0);
    let watcher = mill.start(&["watch"]);
    for name in ["one", "two", "three"] {
        mill.drop_file(&format!("{name}/materials.csv"), materials(&[name]));
    }
    mill.wait("three messages", || mill.queue("ingest")["ready"] == 3);
    assert_eq!(watcher.stop(), Some(0));
    let worker = mill.start(&["ingest"]);
    mill.wait("a worker", || mill.queue("ingest")["consumers"] == 1);
    let holder = Holder::of(mill);
    mill.run(&["resume", "ingest"]).expect(0);
    mill.wait("a message in hand", || mill.queue("ingest")["in_hand"] == 1);
    (worker, holder)
}

/// SIGTERM, and waits until it was heard: two that come at the same moment are one.
fn ask_to_stop(mill: &Mill, worker: &Running) {
    let heard = || mill.log().matches("stopping:").count();
    // The watcher's is there already.
    let before = heard();
    worker.terminate();
    mill.wait("the stop", || heard() > before);
}

/// At which try each file was loaded, in order.
fn loads(mill: &Mill) -> Vec<Vec<String>> {
    mill.query("SELECT ATTEMPT FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS' ORDER BY ATTEMPT")
}
