//! Faults: processes are killed at any moment, and the invariants hold all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod harness;

use std::time::Duration;

use harness::invariants::{drop_numbered, invariants, judged, while_watching};
use harness::moments::Moments;
use harness::{Mill, Running};

/// How often the mill is killed: `MILLRACE_TEST_KILLS`, or few enough for every day.
fn kills() -> u64 {
    std::env::var("MILLRACE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

#[test]
fn the_whole_mill_is_killed_at_random_moments() {
    let (mill, mut moments) = (Mill::patient(), Moments::new());
    let (files, kills) = (30, kills());
    let mut expected = Vec::new();
    for kill in 0..kills {
        let mut running = mill.start(&["up"]);
        // Files come while it starts, works and dies.
        for number in (0..files).filter(|number| number * kills / files == kill) {
            expected.push(drop_numbered(&mill, number));
        }
        std::thread::sleep(Duration::from_millis(moments.below(4000)));
        running.kill();
    }
    mill.once().expect(0);
    invariants(&mill, &expected);
}

#[test]
fn workers_of_each_kind_are_killed_while_others_go_on() {
    let (mill, mut moments) = (Mill::patient(), Moments::new());
    let roles = ["watch", "ingest", "ingest", "transform", "dq"];
    let mut workers: Vec<Running> = roles.iter().map(|role| mill.start(&[role])).collect();
    mill.wait("a role that is ready", || mill.log().contains("ready"));
    let (files, kills) = (20, kills());
    let mut expected = Vec::new();
    while_watching(&mill, || {
        for kill in 0..kills {
            for number in (0..files).filter(|number| number * kills / files == kill) {
                expected.push(drop_numbered(&mill, number));
            }
            std::thread::sleep(Duration::from_millis(moments.below(1500)));
            let chosen = moments.below(roles.len() as u64) as usize;
            workers[chosen].kill();
            workers[chosen] = mill.start(&[roles[chosen]]);
        }
        mill.wait("every verdict", || judged(&mill) == expected.len());
    });
    for worker in workers {
        assert_eq!(worker.stop(), Some(0));
    }
    mill.once().expect(0);
    invariants(&mill, &expected);
}
