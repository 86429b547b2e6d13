//! Workers of every kind die, at named points and at random moments, under a stream of files.

use std::time::{Duration, Instant};

use crate::fleet::RabbitMill;
use crate::harness::invariants::{drop_numbered, invariants, judged, while_watching};
use crate::harness::moments::Moments;
use crate::harness::{Mill, Running, stop_all};

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

/// How long a worker may take to reach the point at which it is to die. Not every life passes every point.
const REACHED_WITHIN: Duration = Duration::from_millis(1500);

struct Life {
    running: Running,
    /// It is to die at a point.
    armed: bool,
}

#[test]
fn workers_die_at_named_points_and_random_moments_under_a_stream_of_files() {
    let (mill, mut moments) = (RabbitMill::patient(), Moments::new());
    let begun = mill.start_all(&ROLES);
    let mut workers: Vec<Life> = begun.into_iter().map(|running| Life { running, armed: false }).collect();
    let mut expected = Vec::new();
    let kills = kills();
    let mut at_points = 0;
    while_watching(&mill, || {
        for kill in 0..kills {
            if kill % 2 == 0 {
                expected.push(drop_numbered(&mill, kill));
            }
            let chosen = CHOSEN[moments.below(CHOSEN.len() as u64) as usize];
            at_points += u64::from(ended(&mut workers[chosen], &mut moments));
            workers[chosen] = reborn(&mill, ROLES[chosen], &mut moments);
        }
        for (worker, role) in workers.iter_mut().zip(ROLES) {
            worker.running.kill();
            *worker = Life { running: mill.start(&[role]), armed: false };
        }
        mill.wait("every verdict", || judged(&mill) == expected.len());
    });
    eprintln!("{kills} kills, {at_points} of them at a named point, {} files", expected.len());
    assert!(at_points > kills / 10, "only {at_points} workers died at their point");
    stop_all(workers.into_iter().map(|worker| worker.running).collect());
    mill.once().expect(0);
    invariants(&mill, &expected);
}

/// Ends a life: at its point if it is to die at one and comes there, else at a random moment. Whether at its point.
fn ended(worker: &mut Life, moments: &mut Moments) -> bool {
    let begun = Instant::now();
    let wait = if worker.armed { REACHED_WITHIN } else { Duration::from_millis(moments.below(700)) };
    while begun.elapsed() < wait && !worker.running.has_ended() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let at_point = worker.running.has_ended();
    worker.running.kill();
    at_point
}

/// The next life of a worker: every other one is to die at a point, soon or a little later.
fn reborn(mill: &Mill, role: &str, moments: &mut Moments) -> Life {
    if moments.below(2) == 0 {
        return Life { running: mill.start(&[role]), armed: false };
    }
    let point = POINTS[moments.below(POINTS.len() as u64) as usize];
    let passes = moments.below(3);
    let action = if passes == 0 { "return".to_owned() } else { format!("{passes}*off->return") };
    Life { running: mill.start_armed(&[role], &format!("{point}={action}")), armed: true }
}
