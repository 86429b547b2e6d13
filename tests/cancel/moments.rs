//! Taken back at any moment, while a worker dies now and then.

use std::time::Duration;

use crate::asked::{Waiting, settled, state};
use crate::harness::moments::Moments;
use crate::harness::{Mill, materials, stop_all};

const LOADS: usize = 10;
const FILES: usize = 3;

/// `millrace trigger` waits for each command while `millrace cancel` takes it back: both hear one end, and it is the audit's.
pub fn whatever_the_moment_a_command_ends_once(mill: &mut Mill) {
    let mut moments = Moments::new();
    for part in 1..=FILES {
        mill.drop_file(&format!("materials_{part}.csv"), materials(&[&format!("M{part}")]));
    }
    let worker = || mill.start_armed(&["ingest"], "write:before=sleep(700)");
    let mut workers = vec![worker(), worker()];
    let (mut done, mut cancelled) = (0, 0);
    for number in 0..LOADS {
        let load_id = format!("dag::{number}");
        let asked = Waiting::begin(mill, &["trigger", "ingest", "--load-id", &load_id, "--source", "materials"]);
        std::thread::sleep(Duration::from_millis(moments.below(2_500)));
        if number % 4 == 3 {
            workers.remove(0).kill();
            workers.push(worker());
        }
        // Until the audit knows of it, or because it has ended.
        mill.wait("the cancel", || {
            let ended = mill.run(&["cancel", &load_id, "--stage", "ingest"]);
            ended.code == Some(0) || ended.stderr.contains("nothing to cancel")
        });
        let (answer, code) = asked.answer();
        let files =
            format!("SELECT STATUS FROM RAW.RAW_LOAD_AUDIT WHERE STATUS <> 'PLANNED' AND LOAD_ID = '{load_id}'");
        let files: Vec<String> = mill.query(&files).into_iter().map(|mut row| row.remove(0)).collect();
        assert_eq!(files.len(), FILES, "each file ends once: {files:?}");
        if answer["type"] == "ingest.completed" {
            assert_eq!((code, state(mill, &load_id).as_str(), files), (0, "LOADED", vec!["SUCCESS".to_owned(); FILES]));
            done += 1;
        } else {
            assert_eq!((&answer["data"]["failure"]["class"], code), (&"cancelled".into(), 1), "{answer}");
            assert_eq!(state(mill, &load_id), "CANCELLED");
            assert!(files.contains(&"CANCELLED".to_owned()), "{files:?}");
            cancelled += 1;
        }
    }
    settled(mill, &["ingest"]);
    stop_all(workers);
    eprintln!("{done} done, {cancelled} cancelled");
    // A run takes a second and longer.
    assert!(cancelled > 0, "no cancel was ever in time");
}
