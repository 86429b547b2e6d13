//! Several workers at once.

use std::time::Duration;

use millrace_warehouse::conformance::kit::{batches, hour, load, slice, try_load};
use millrace_warehouse::{LoadOutcome, WarehouseError};
use testkit::{EmulatorFault, Place, wait};

use crate::scene::{Scene, a_slice, is_transient};

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_with_the_same_slice_leave_one() {
    let scene = Scene::new().await;
    let (one, other) = (scene.another(), scene.another());
    // The first waits with its rows copied and its lock not taken; both have looked into the audit before.
    scene.fault(EmulatorFault::delay(Place::Query, 700).containing("COPY INTO").times(2));
    let slice = a_slice();
    let (first, second) = tokio::join!(try_load(&one, &slice, 3, "x"), try_load(&other, &slice, 3, "x"));
    let outcomes = [first.unwrap(), second.unwrap()];
    let loaded = outcomes.iter().filter(|outcome| matches!(outcome, LoadOutcome::Loaded(_))).count();
    assert_eq!(loaded, 1, "{outcomes:?}");
    assert!(outcomes.contains(&LoadOutcome::AlreadyLoaded), "{outcomes:?}");
    scene.stands_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_command_that_was_overtaken_while_it_uploaded_is_fenced_out() {
    let scene = Scene::new().await;
    let (old, new) = (slice(&batches(), "l", 1, "b.csv", hour(1)), slice(&batches(), "l", 2, "b.csv", hour(1)));
    scene.fault(EmulatorFault::delay(Place::Upload, 1500));
    let slow = scene.another();
    let slow = tokio::spawn(async move { try_load(&slow, &old, 9, "old").await });
    wait("the upload of the slow one", || scene.sent().iter().any(|sql| sql.starts_with("PUT")));
    load(&scene.warehouse, &new, 2, "new").await;
    assert_eq!(slow.await.unwrap().unwrap(), LoadOutcome::Fenced { by: new.command_id });
    let held = millrace_warehouse::conformance::kit::held(&scene.warehouse, &batches()).await;
    assert_eq!(held, ["new 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_not_given_up_puts_the_load_off() {
    let scene = Scene::new().await;
    let held = EmulatorFault::error(Place::Query, "000625", "Statement has locked table, and it was not yet released.");
    scene.fault(held.containing("UPDATE RAW_RUN").times(10));
    let error = scene.try_load().await.unwrap_err();
    is_transient(&error);
    assert!(matches!(error, WarehouseError::Held(_)), "{error:?}");
    scene.stands_not().await;
    scene.loads_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_cut_off_in_a_transaction_holds_nobody_up() {
    let scene = Scene::new().await;
    let warehouse = scene.another();
    scene.fault(EmulatorFault::delay(Place::Query, 60_000).containing("INSERT INTO RAW.RAW_LOAD_AUDIT"));
    let cut = tokio::spawn(async move { try_load(&warehouse, &a_slice(), 3, "x").await });
    wait("the lock", || scene.sent().iter().any(|sql| sql.starts_with("UPDATE")));
    cut.abort();
    let _ = cut.await;
    tokio::time::timeout(Duration::from_secs(30), scene.loads_once()).await.expect("the lock was kept");
}
