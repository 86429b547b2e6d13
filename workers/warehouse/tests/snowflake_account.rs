//! What an emulator can't prove, tried on a real account: `make test-snowflake`. The same is played at the emulator, so that it
//! does not rot, but for what only the service can.
//!
//! It needs a database in which the role may make schemas, or the one that `millrace setup snowflake` made. It goes on after a fault, because whoever pays for an account wants to hear all of them at once, and removes what it made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "account/loads.rs"]
mod loads;
#[path = "account/locks.rs"]
mod locks;
#[path = "account/place.rs"]
mod place;
#[path = "account/times.rs"]
mod times;
#[path = "account/values.rs"]
mod values;

use std::collections::HashMap;

use millrace_warehouse::snowflake::SnowflakeSettings;
use place::{Place, Report};
use testkit::{Emulator, EmulatorOptions};

#[tokio::test(flavor = "multi_thread")]
async fn it_works_at_the_emulator() {
    // Statements that take longer than this are asked for again, as those of a minute are at the service.
    let options = EmulatorOptions { answer_after_secs: Some(0.5), ..EmulatorOptions::default() };
    let emulator = Emulator::start(&options);
    let variables: HashMap<String, String> = emulator.variables("SMOKE").into_iter().collect();
    let settings = SnowflakeSettings::read(|name| variables.get(name).cloned()).unwrap();
    play(Place::new(settings, false)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an account of Snowflake: make test-snowflake"]
async fn it_works_at_a_real_account() {
    let settings = SnowflakeSettings::from_env().unwrap_or_else(|error| panic!("{error}"));
    play(Place::new(settings, true)).await;
}

async fn play(place: Place) {
    let times = times::listen();
    let mut report = Report::default();
    report.step("tables and views are made, twice", loads::prepare(&place)).await;
    report.step("check", loads::check(&place)).await;
    report.step("texts arrive as they were", loads::texts(&place)).await;
    times.clear();
    report.step("a small file", loads::small(&place)).await;
    let small = times.take();
    report.step("a reload replaces, and an older command is fenced out", loads::reload(&place)).await;
    report.step("two workers with one file leave one", loads::together(&place)).await;
    times.clear();
    report.step("200,000 rows", loads::many(&place)).await;
    let large = times.take();
    report.step("a result in parts keeps its order", values::in_parts(&place)).await;
    report.step("values of every type", values::every_type(&place)).await;
    report.step("what the documentation leaves open", values::doubts(&place)).await;
    report.step("SHOW and DESCRIBE", values::shown(&place)).await;
    report.step("a statement that takes longer than an answer", values::long(&place)).await;
    report.step("a view that is replaced keeps its grants", loads::grants(&place)).await;
    report.step("the second waits for the first's COMMIT", locks::waits(&place)).await;
    report.step("a session that ends undoes its transaction", locks::ended(&place)).await;
    report.step("who waits too long gives up", locks::gives_up(&place)).await;
    report.step("all is removed", loads::removed(&place)).await;
    println!("\na load of 3 rows:\n{small}\na load of 200,000 rows:\n{large}");
    report.end();
}
