//! Uploads that go wrong.

use testkit::{EmulatorFault, Place};

use crate::scene::{Scene, is_transient};

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_refused_are_asked_for_anew() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::status(Place::Upload, 403));
    scene.loads_once().await;
    assert_eq!(scene.sent().iter().filter(|sql| sql.starts_with("PUT")).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_refused_for_good_is_told_with_what_to_do() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::status(Place::Upload, 403).times(100));
    let error = scene.try_load().await.unwrap_err();
    is_transient(&error);
    let text = error.to_string();
    assert!(text.contains("part_00001.csv.gz") && text.contains("127.0.0.1"), "{text}");
    scene.stands_not().await;
    scene.loads_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_answer_is_lost_is_sent_again() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::dropped_after(Place::Upload));
    scene.loads_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_can_not_be_removed_harms_no_load() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::error(Place::Query, "003001", "insufficient privileges").containing("REMOVE"));
    scene.try_load().await.unwrap();
    let lines = scene.warehouse.query("SELECT STATUS FROM RAW.RAW_LOAD_AUDIT", 9).await.unwrap().rows;
    assert_eq!(lines, [[Some("SUCCESS".to_owned())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_sends_a_row_through_the_stage_and_leaves_nothing() {
    let scene = Scene::new().await;
    let uploads = scene.emulator.count("uploads");
    let checked = scene.warehouse.check().await;
    assert!(checked.is_ok(), "{checked:?} {}", scene.emulator.log());
    assert_eq!(scene.emulator.count("uploads"), uploads + 1);
    scene.stage_is_empty().await;
    let left = "SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME LIKE 'MILLRACE_CHECK%'";
    assert_eq!(millrace_warehouse::conformance::kit::ask(&scene.warehouse, left).await, ["0"]);
    for (what, right) in [("CREATE VIEW RAW.", "views in RAW"), ("CREATE TABLE RAW_RUN.", "tables in RAW_RUN")] {
        scene.fault(EmulatorFault::error(Place::Query, "003001", "Insufficient privileges.").containing(what));
        let error = scene.warehouse.check().await.unwrap_err().to_string();
        assert!(error.contains(right) && error.contains("millrace setup snowflake"), "{error}");
    }
}
