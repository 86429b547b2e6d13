//! The ledger against a model: random deliveries, commands, decisions, failures and deaths, compared step by step with what a plain
//! struct predicts, and in the end with all that must stand.
//!
//! `MILLRACE_TEST_SEED` repeats a run, `MILLRACE_TEST_STEPS` sets how long it is. Another process's death, with its locks and
//! its memory, is the business of the kill tests: here a process "ends" when all that it held is dropped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_possible_truncation, missing_docs)]

mod compare;
mod files;
mod gate;
mod ledger;
#[path = "../harness/moments.rs"]
mod moments;
mod play;
mod predict;
mod script;
mod shell;
mod world;

use play::Play;

/// Steps of a run: `MILLRACE_TEST_STEPS`, or few enough for every day.
fn steps() -> u64 {
    std::env::var("MILLRACE_TEST_STEPS").ok().and_then(|text| text.parse().ok()).unwrap_or(400)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_does_what_the_model_predicts() {
    let mut play = Play::new().await;
    for step in 0..steps() {
        play.step(step).await;
    }
    play.finish().await;
}
