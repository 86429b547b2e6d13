//! Sessions and tokens that end.

use millrace_warehouse::conformance::kit::ask;
use testkit::{Emulator, EmulatorFault, EmulatorOptions, Place};

use crate::scene::{Scene, is_transient, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_lost_in_the_middle_of_a_transaction_leaves_one_slice() {
    for lost_at in ["COPY INTO", "UPDATE RAW_RUN", "INSERT INTO RAW.RAW_LOAD_AUDIT", "COMMIT"] {
        let scene = Scene::new().await;
        scene.fault(EmulatorFault::gone(Place::Query).containing(lost_at));
        scene.loads_once().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_of_a_transaction_is_done_outside_of_it() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::gone(Place::Query).containing("UPDATE RAW_RUN").times(10));
    is_transient(&scene.try_load().await.unwrap_err());
    let outside: Vec<_> = scene
        .emulator
        .statements(&scene.name)
        .into_iter()
        .filter(|statement| {
            !statement.in_transaction && (statement.sql.contains("COPY INTO") || statement.sql.contains("INSERT INTO"))
        })
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
    scene.stands_not().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_and_a_lost_session_begun_anew() {
    let scene = Scene::new().await;
    let counts = || (scene.emulator.count("logins"), scene.emulator.count("renewals"));
    let (logins, renewals) = counts();
    scene.fault(EmulatorFault::expired(Place::Query).containing("SELECT 41"));
    assert_eq!(ask(&scene.warehouse, "SELECT 41 + 1").await, ["42"]);
    assert_eq!(counts(), (logins, renewals + 1));
    scene.fault(EmulatorFault::gone(Place::Query).containing("SELECT 41"));
    assert_eq!(ask(&scene.warehouse, "SELECT 41 + 2").await, ["43"]);
    assert_eq!(counts(), (logins + 1, renewals + 1));
    // The master token has expired too.
    scene.fault(EmulatorFault::expired(Place::Query).containing("SELECT 41"));
    scene.fault(EmulatorFault::error(Place::Token, "390114", "Authentication token has expired."));
    assert_eq!(ask(&scene.warehouse, "SELECT 41 + 3").await, ["44"]);
    assert_eq!(counts().0, logins + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_in_a_load_loses_nothing() {
    for expires_at in ["COPY INTO", "INSERT INTO RAW.RAW_LOAD_AUDIT", "COMMIT", "LIST", "PUT", "BEGIN"] {
        let scene = Scene::new().await;
        scene.fault(EmulatorFault::expired(Place::Query).containing(expires_at));
        scene.loads_once().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_grows_old_is_renewed_and_the_session_stays() {
    let emulator = Emulator::start(&EmulatorOptions { token_secs: Some(1), ..EmulatorOptions::default() });
    let warehouse = millrace_warehouse::snowflake::Snowflake::open(settings(&emulator, "OLD", &[]).unwrap()).unwrap();
    let warehouse: std::sync::Arc<dyn millrace_warehouse::Warehouse> = warehouse;
    ask(&warehouse, "SELECT 1").await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    ask(&warehouse, "SELECT 2").await;
    assert_eq!((emulator.count("logins"), emulator.count("renewals")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_does_not_make_the_statement_after_it_one_that_may_be_sent_twice() {
    let scene = Scene::new().await;
    let fresh = scene.another();
    scene.fault(EmulatorFault::status(Place::Query, 503).containing("UPDATE RAW_RUN.LOAD_LOCK_00"));
    let error = fresh.transact(&["UPDATE RAW_RUN.LOAD_LOCK_00 SET HOLDER = 'x'".into()], None).await.unwrap_err();
    is_transient(&error);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_session_is_sent_again() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::status(Place::Query, 503).containing("INSERT INTO RAW.RAW_LOAD_AUDIT"));
    scene.fault(EmulatorFault::status(Place::Close, 503));
    tokio::time::timeout(std::time::Duration::from_secs(20), scene.loads_once()).await.expect("the lock was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_whose_session_ends_while_it_is_asked_for_is_not_done_again() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::long(2).containing("INSERT INTO RAW.STAGE_AUDIT"));
    scene.fault(EmulatorFault::gone(Place::Poll));
    let line = ["INSERT INTO RAW.STAGE_AUDIT (LOAD_ID) SELECT 'l'".to_owned()];
    is_transient(&scene.warehouse.transact(&line, None).await.unwrap_err());
    assert_eq!(scene.sent(), ["INSERT INTO"]);
}
