//! Workers that are killed at the worst moments: one slice all the same, and nobody is held up for good.

use crate::harness::invariants::{drop_numbered, invariants, judged};
use crate::harness::stop_all;
use crate::mill::SnowMill;

#[test]
fn a_worker_that_is_killed_around_its_commit_leaves_one_slice() {
    for point in ["write:after", "commit:before", "commit:after"] {
        let mill = SnowMill::patient();
        let mut doomed = mill.start_armed(&["ingest"], &format!("{point}=return"));
        let rest = mill.start_all(&["watch", "transform", "dq"]);
        let files: Vec<_> = (1..4).map(|number| drop_numbered(&mill, number)).collect();
        doomed.ended();
        let ingest = mill.start_all(&["ingest", "ingest"]);
        mill.wait("the verdicts", || judged(&mill) == 3);
        invariants(&mill, &files);
        stop_all(ingest);
        stop_all(rest);
    }
}
