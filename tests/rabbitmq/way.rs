//! The whole way, and the operator's tools, over RabbitMQ.

use crate::fleet::RabbitMill;
use crate::harness::invariants::{drop_numbered, drop_rows, invariants, judged, while_watching};
use crate::harness::{materials, stop_all};

const ROLES: [&str; 5] = ["watch", "ingest", "ingest", "transform", "dq"];

#[test]
fn the_sample_becomes_judged_marts_by_a_process_per_role() {
    let mill = RabbitMill::new();
    let workers = mill.start_all(&ROLES);
    mill.drop_sample();
    mill.wait("three verdicts", || judged(&mill) == 3);
    let loads = mill.json(&["loads"]);
    assert!(loads.as_array().unwrap().iter().all(|load| load["state"] == "WARNED"), "{loads}");
    assert_ne!(mill.value("SELECT count(*) FROM MARTS.MART_BATCH_FEATURES"), "0");
    for stage in ["ingest", "transform", "dq"] {
        mill.wait("empty queues", || {
            let queue = mill.queue(stage);
            queue["ready"] == 0 && queue["in_hand"] == 0 && queue["dead"] == 0
        });
    }
    let consumers = |stage: &str| mill.queue(stage)["consumers"].as_u64();
    assert_eq!(consumers("ingest"), Some(2), "{:?}", mill.queue("ingest"));
    mill.wait("rates", || mill.queue("ingest")["acknowledged_per_sec"].as_f64().is_some_and(|rate| rate > 0.0));
    stop_all(workers);
    let again = mill.once().expect(0);
    assert!(again.stdout.contains("nothing new"), "{}", again.stdout);
}

#[test]
fn a_run_over_many_files_is_shared_and_completed_once() {
    let mill = RabbitMill::new();
    // No watcher: the files are the run's own.
    let workers = mill.start_all(&["ingest", "ingest", "ingest", "transform", "dq"]);
    let files: Vec<_> = (0..30).map(|part| drop_rows(&mill, &format!("run/materials_{part}.csv"), 40 + part)).collect();
    let load_id = "my_dag::scheduled__2026-11-23T00:00:00+00:00";
    let answer = while_watching(&mill, || {
        mill.json(&["trigger", "ingest", "--load-id", load_id, "--source", "materials", "--wait", "100"])
    });
    assert_eq!(answer["answer"]["type"], "ingest.completed", "{answer}");
    assert_eq!(answer["answer"]["data"]["tables"][0]["files"], 30, "{answer}");
    let queues = mill.broker().management().queues(mill.vhost.name());
    let heard: Vec<&str> =
        queues.iter().filter_map(|queue| queue["name"].as_str()?.strip_prefix("millrace.answers.")).collect();
    // Each worker hears of its stage's cancels.
    let workers_own = |name: &&&str| ["ingest.", "transform.", "dq."].iter().any(|stage| name.starts_with(stage));
    assert_eq!(heard.iter().filter(workers_own).count(), 5, "{heard:?}");
    assert_eq!(heard.len(), 5, "the asker left its queue: {heard:?}");
    mill.wait("the verdict", || judged(&mill) == 1);
    invariants(&mill, &files);
    let workers_of_it = "SELECT count(DISTINCT WORKER) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS'";
    assert_eq!(mill.value(workers_of_it), "3");
    // Announced once as far as anybody downstream can tell.
    for stage in ["transform", "dq"] {
        let lines = format!("SELECT count(*) FROM RAW.STAGE_AUDIT WHERE STAGE = '{stage}'");
        assert_eq!(mill.value(&lines), "1", "{stage}");
    }
    stop_all(workers);
}

#[test]
fn a_dead_letter_is_shown_mended_and_replayed_and_a_stage_paused_and_resumed() {
    let mill = RabbitMill::new();
    let workers = mill.start_all(&ROLES);
    mill.drop_file("lab/humidity.csv", "a,b\n1,2\n");
    mill.wait("a dead letter", || mill.dead().len() == 1);
    let letter = mill.dead().remove(0);
    assert_eq!(letter["stage"], "ingest");
    assert_eq!(letter["cause"]["class"], "permanent");
    assert_eq!(letter["attempts"], 1);
    assert!(letter["cause"]["message"].as_str().unwrap().contains("no contract"), "{letter}");
    assert!(letter["worker"].as_str().unwrap().ends_with("/ingest"), "{letter}");
    assert_eq!(letter["trace_id"].as_str().unwrap().len(), 32);
    let id = letter["dead_id"].as_str().unwrap();
    let shown = mill.run(&["dead", "show", id]).expect(0);
    assert!(shown.stdout.contains("lab/humidity.csv"), "{}", shown.stdout);
    // Nothing was mended: it dies again, as another dead letter.
    mill.run(&["dead", "replay", id]).expect(0);
    mill.wait("another dead letter", || mill.dead().first().is_some_and(|letter| letter["dead_id"] != id));
    mill.run(&["dead", "purge", "--all"]).expect(0);
    assert!(mill.dead().is_empty());
    mill.run(&["dead", "replay", id]).expect(1);

    mill.run(&["pause", "ingest"]).expect(0);
    mill.wait("no consumer", || mill.queue("ingest")["consumers"] == 0);
    let file = drop_numbered(&mill, 3);
    mill.wait("a message that waits", || mill.queue("ingest")["ready"] == 1);
    let queues = mill.run(&["queues"]).expect(0);
    assert!(queues.stdout.contains("paused") && queues.stdout.contains("millrace resume ingest"), "{}", queues.stdout);
    let told = mill.json(&["queues", "--oldest"]);
    assert!(told[0]["oldest_secs"].as_u64().is_some_and(|secs| secs < 100), "{told}");
    mill.run(&["resume", "ingest"]).expect(0);
    mill.wait("the verdict", || judged(&mill) == 1);
    invariants(&mill, &[file]);
    stop_all(workers);
}

#[test]
fn sigterm_finishes_what_is_in_hand_and_gives_the_rest_back_and_a_second_one_ends_at_once() {
    let mut mill = RabbitMill::new();
    // The watcher looks into the audit when it compares: it would wait for the load that sleeps, and find the others late.
    mill.set("WATCH__RESCAN_SECS", "60");
    let watch = mill.start_all(&["watch"]);
    // The first load sleeps before it commits; the others wait behind it.
    let mut first = mill.start_armed(&["ingest"], "commit:before=1*sleep(2000)");
    let mut files = vec![drop_numbered(&mill, 1)];
    mill.wait("the first in hand", || mill.queue("ingest")["in_hand"] == 1);
    files.extend((2..6).map(|number| drop_numbered(&mill, number)));
    mill.wait("the others waiting", || mill.queue("ingest")["ready"] == 4);
    first.terminate();
    assert_eq!(first.ended().code(), Some(0));
    assert_eq!(mill.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT"), "1", "what was in hand is finished");
    mill.wait("the rest is back", || mill.queue("ingest")["ready"] == 4 && mill.queue("ingest")["in_hand"] == 0);

    let mut second = mill.start_armed(&["ingest"], "commit:before=1*sleep(60000)");
    mill.wait("one of them in hand", || mill.queue("ingest")["ready"] == 3);
    second.terminate();
    mill.wait("the word that it stops", || mill.log().matches("a second signal ends at once").count() == 2);
    second.terminate();
    assert_eq!(second.ended().code(), Some(143));

    let workers = mill.start_all(&["ingest", "transform", "dq"]);
    mill.wait("every verdict", || judged(&mill) == files.len());
    stop_all(workers);
    stop_all(watch);
    invariants(&mill, &files);
    // Nobody is blamed for what he had not begun; the one that was cut off in the middle is counted.
    let tries = mill.query("SELECT ATTEMPT, count(*) FROM RAW.RAW_LOAD_AUDIT GROUP BY ALL ORDER BY 1");
    assert_eq!(tries, [["1", "4"], ["2", "1"]]);
}

#[test]
fn the_whole_mill_works_in_one_process_on_rabbitmq_too() {
    let mill = RabbitMill::new();
    mill.drop_file("materials.csv", materials(&["M1", "M2"]));
    let ended = mill.once().expect(0);
    assert!(ended.stdout.contains("1 load"), "{}", ended.stdout);
    let check = mill.run(&["check"]).expect(0);
    assert!(check.stdout.contains("RabbitMQ at 127.0.0.1"), "{}", check.stdout);
}
