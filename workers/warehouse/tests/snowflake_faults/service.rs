//! A service that is away, busy or slow.

use std::time::Instant;

use millrace_warehouse::conformance::kit::ask;
use testkit::{EmulatorFault, Place};

use crate::scene::{Scene, is_transient, many};

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_503_is_sat_out() {
    let scene = Scene::new().await;
    for place in [Place::Query, Place::Upload] {
        scene.fault(EmulatorFault::status(place, 503).times(3));
    }
    scene.loads_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_in_the_middle_of_a_transaction_is_sat_out() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::status(Place::Query, 503).containing("COPY INTO").times(2));
    scene.loads_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_that_lasts_is_told_and_leaves_nothing() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::status(Place::Query, 503).times(1000));
    let error = scene.try_load().await.unwrap_err();
    is_transient(&error);
    assert!(error.to_string().contains("503"), "{error}");
    scene.stands_not().await;
    scene.loads_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_longer_than_an_answer_is_asked_for() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::long(3).containing("SELECT 41"));
    let begun = Instant::now();
    assert_eq!(ask(&scene.warehouse, "SELECT 41 + 1").await, ["42"]);
    assert!(begun.elapsed().as_millis() > 400, "it was not asked patiently");
    for long in ["COPY INTO", "COMMIT"] {
        scene.fault(EmulatorFault::long(2).containing(long));
    }
    scene.fault(EmulatorFault::status(Place::Poll, 503).skip(1));
    scene.loads_once().await;
    assert!(scene.emulator.count("polls") >= 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_result_are_fetched_again_and_as_many_as_are_wanted() {
    let scene = Scene::new().await;
    many(&scene, 20_000).await;
    scene.fault(EmulatorFault::status(Place::Chunk, 503).times(2));
    let before = scene.emulator.count("chunks");
    let sql = "SELECT SOURCE_ROW FROM RAW.BATCHES ORDER BY SOURCE_ROW";
    let rows = scene.warehouse.query(sql, 1_500).await.unwrap();
    assert_eq!((rows.rows.len(), rows.truncated, rows.rows[1_499][0].as_deref()), (1_500, true, Some("1500")));
    // One part, after two refusals, of the four that there are.
    assert!(scene.emulator.count("chunks") - before <= 3, "{}", scene.emulator.count("chunks") - before);
    assert_eq!(ask(&scene.warehouse, sql).await.len(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_between_us_and_the_service_stops_nobody() {
    let scene = Scene::new().await;
    many(&scene, 20_000).await;
    let sql = "SELECT SOURCE_ROW FROM RAW.BATCHES ORDER BY SOURCE_ROW";
    for place in [Place::Query, Place::Chunk] {
        scene.fault(EmulatorFault::status(place, 403));
        is_transient(&scene.warehouse.query(sql, usize::MAX).await.unwrap_err());
    }
    assert_eq!(ask(&scene.warehouse, sql).await.len(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_meets_a_service_in_trouble_blames_no_right() {
    let scene = Scene::new().await;
    scene.fault(
        EmulatorFault::error(Place::Query, "000603", "SQL execution internal error").containing("CREATE VIEW RAW."),
    );
    let error = scene.warehouse.check().await.unwrap_err();
    is_transient(&error);
    assert!(!error.to_string().contains("millrace setup"), "{error}");
}
