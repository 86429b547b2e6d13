//! Workers of every kind die, at named points and at random moments, under a stream of files.

use std::time::Duration;

use crate::fleet::{RabbitMill, stop_all};
use crate::harness::invariants::{drop_numbered, invariants, judged, while_watching};
use crate::harness::moments::Moments;
use crate::harness::{Mill, Running};

/// Every role, as often as it is chosen: those that start quickly more often.
const CHOSEN: [usize; 10] = [0, 1, 1, 1, 2, 2, 2, 3, 4, 4];
const ROLES: [&str; 5] = ["watch", "ingest", "ingest", "transform", "dq"];
const POINTS: [&str; 9] = [
    "write:before",
    "write:after",
    "commit:before",
    "commit:after",
    "publish:before",
    "confirm:before",
    "publish:after",
    "ack:before",
    "ack:after",
];

/// How often a worker is killed: `MILLRACE_TEST_KILLS`, or so often that all fault tests together kill 200 times and
/// more.
fn kills() -> u64 {
    std::env::var("MILLRACE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(160)
}

#[test]
fn workers_die_at_named_points_and_random_moments_under_a_stream_of_files() {
    let (mill, mut moments) = (RabbitMill::patient(), Moments::new());
    let mut workers = mill.start_all(&ROLES);
    let mut expected = Vec::new();
    let kills = kills();
    let mut at_points = 0;
    while_watching(&mill, || {
        for kill in 0..kills {
            if kill % 3 == 0 {
                expected.push(drop_numbered(&mill, kill));
            }
            std::thread::sleep(Duration::from_millis(moments.below(700)));
            let chosen = CHOSEN[moments.below(CHOSEN.len() as u64) as usize];
            at_points += u64::from(workers[chosen].has_ended());
            workers[chosen].kill();
            workers[chosen] = reborn(&mill, ROLES[chosen], &mut moments);
        }
        for (worker, role) in workers.iter_mut().zip(ROLES) {
            worker.kill();
            *worker = mill.start(&[role]);
        }
        mill.wait("every verdict", || judged(&mill) == expected.len());
    });
    eprintln!("{kills} kills, {at_points} of them at a named point, {} files", expected.len());
    assert!(at_points > kills / 10, "hardly any worker died at its point");
    stop_all(workers);
    mill.once().expect(0);
    invariants(&mill, &expected);
}

/// The next life of a worker: every other one is to die at a point, soon or a little later.
fn reborn(mill: &Mill, role: &str, moments: &mut Moments) -> Running {
    if moments.below(2) == 0 {
        return mill.start(&[role]);
    }
    let point = POINTS[moments.below(POINTS.len() as u64) as usize];
    match moments.below(3) {
        0 => mill.start_armed(&[role], &format!("{point}=return")),
        passes => mill.start_armed(&[role], &format!("{point}={passes}*off->return")),
    }
}
