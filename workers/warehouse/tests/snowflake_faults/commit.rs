//! The one statement of which the outcome decides.

use testkit::{EmulatorFault, Place};

use crate::scene::{Scene, is_transient};

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_found_in_the_audit() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::dropped_after(Place::Query).containing("COMMIT"));
    scene.loads_once().await;
    // Found, and not done again.
    assert_eq!(scene.sent().iter().filter(|sql| *sql == "COPY INTO").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_arrived_is_done_again() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::dropped(Place::Query).containing("COMMIT"));
    scene.loads_once().await;
    assert_eq!(scene.sent().iter().filter(|sql| *sql == "COPY INTO").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_never_arrive_leave_nothing() {
    let scene = Scene::new().await;
    scene.fault(EmulatorFault::dropped(Place::Query).containing("COMMIT").times(10));
    is_transient(&scene.try_load().await.unwrap_err());
    scene.stands_not().await;
    scene.stage_is_empty().await;
    scene.loads_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_line_whose_commit_is_lost_is_written_once_when_it_is_tried_again() {
    use millrace_warehouse::conformance::kit::{ask, batches, hour, of_run, slice};
    use millrace_warehouse::{Ledger, LoadLine, LoadStatus};
    let scene = Scene::new().await;
    let ledger = Ledger::new(scene.warehouse.clone());
    let file = |uri: &str| {
        let line = LoadLine::failure(&of_run(slice(&batches(), "run", 1, uri, hour(1)), 2), 1, "", hour(1));
        LoadLine { status: LoadStatus::Planned, error: None, ..line }
    };
    let plan = [file("a.csv"), file("b.csv")];
    scene.fault(EmulatorFault::dropped_after(Place::Query).containing("COMMIT"));
    is_transient(&ledger.plan(&plan).await.unwrap_err());
    assert_eq!(ledger.plan(&plan).await.unwrap().len(), 2);
    assert_eq!(ask(&scene.warehouse, "SELECT COUNT(*) FROM RAW.RAW_LOAD_AUDIT").await, ["2"]);
}
