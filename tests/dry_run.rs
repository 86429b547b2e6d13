//! Dry runs through the real binary: the answer tells what the command then does, and nothing is left of it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod harness;

#[path = "dry_run/told.rs"]
mod told;

use harness::Mill;
use told::tells_and_changes_nothing;

#[test]
fn a_dry_run_of_every_stage_tells_and_changes_nothing() {
    let mut mill = Mill::new();
    tells_and_changes_nothing(&mut mill);
}

/// What is under way is counted from what is announced, and a dry run's answer is no load.
#[test]
fn dry_runs_that_wait_are_worked_off_and_are_no_loads() {
    let mill = Mill::new();
    mill.drop_file("materials.csv", harness::materials(&["M1"]));
    for stage in ["ingest", "transform", "dq"] {
        // Nobody is there to answer.
        let ended = mill.run(&["trigger", stage, "--load-id", "dry::run", "--dry-run", "--wait", "1"]).expect(1);
        assert!(ended.stderr.contains("ask again"), "{}", ended.stderr);
    }
    let ended = mill.once().expect(0);
    assert!(ended.stdout.contains("1 load: ") && !ended.stdout.contains("dry::run"), "{}", ended.stdout);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = 'dry::run'"), "0");
    for stage in ["ingest", "transform", "dq"] {
        assert_eq!((&mill.queue(stage)["ready"], &mill.queue(stage)["dead"]), (&0.into(), &0.into()));
    }
}
