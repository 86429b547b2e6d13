//! The driver against real dbt, on a real DuckDB file and on an emulator of Snowflake. What the models compute is tested in `sidecar/tests`.

#![allow(clippy::unwrap_used)]

mod audited;
mod cancelled;
mod dry_run;
mod mill;
mod snowflake;

use messages::{Failure, FailureClass};
use millrace_transform::dbt::{BuildRequest, Dbt, DbtError, DbtSettings, DbtWarehouse, How, NodeStatus};
use tokio_util::sync::CancellationToken;

use mill::Mill;

fn of(source: &str) -> BuildRequest {
    BuildRequest::of_sources([source], false)
}

#[tokio::test]
async fn builds_warm_what_a_source_touches() {
    let mill = Mill::new();
    let mut dbt = Dbt::start(mill.settings()).await.unwrap();

    let first = dbt.build(&of("batches")).await.unwrap();
    assert_eq!(first.how, How::Warm);
    assert!(first.nodes.iter().any(|node| node.name == "core_materials"), "what it reads is built the first time");

    let second = dbt.build(&of("batches")).await.unwrap();
    assert!(second.nodes.iter().all(|node| node.name != "core_materials"), "and not again");
    assert_ne!(second.invocation_id, first.invocation_id);
    assert_eq!((second.errors().count(), second.failed_tests().count(), second.skipped_models().count()), (0, 0, 0));
    let node = second.nodes.iter().find(|node| node.name == "core_batches").unwrap();
    assert_eq!((node.status, node.materialization.as_deref()), (NodeStatus::Success, Some("table")));
    assert_eq!(node.relation.as_deref(), Some(r#""mill"."CORE"."core_batches""#));
    let test = second.nodes.iter().find(|node| node.name == "unique_core_batches_batch_id").unwrap();
    assert_eq!((test.tested.as_ref(), test.is_warning, test.failures), (node.relation.as_ref(), false, Some(0)));
    let warning = second.nodes.iter().find(|node| node.name.starts_with("relationships_core_batches_")).unwrap();
    assert_eq!((warning.tested.as_ref(), warning.is_warning), (node.relation.as_ref(), true));
    assert!(node.elapsed_secs() > 0.0 && node.elapsed_secs() < second.elapsed_secs);

    mill.write("the file is free between builds");
    let all = dbt.build(&BuildRequest::of_sources([], true)).await.unwrap();
    assert!(all.nodes.len() > second.nodes.len());
    dbt.stop().await;
}

#[tokio::test]
async fn a_file_that_somebody_holds_is_worth_another_try() {
    let mill = Mill::new();
    let mut dbt = Dbt::start(mill.settings()).await.unwrap();
    let holder = mill.hold();
    let error = dbt.build(&of("materials")).await.unwrap_err();
    assert!(error.to_string().contains("Could not set lock on file"), "{error}");
    assert_eq!(Failure::from(error).class, FailureClass::Transient);
    drop(holder);
    dbt.build(&of("materials")).await.unwrap();
}

#[tokio::test]
async fn edits_are_seen_and_failures_are_told() {
    let mill = Mill::new().with_own_project();
    let mut dbt = Dbt::start(mill.settings()).await.unwrap();
    dbt.build(&of("materials")).await.unwrap();

    mill.model("mart_new", "select * from {{ ref('nobody') }}");
    let error = dbt.build(&of("materials")).await.unwrap_err();
    assert!(matches!(error, DbtError::Project { .. }), "{error}");
    assert!(error.to_string().contains("mart_new.sql") && error.to_string().contains("nobody"), "{error}");

    mill.model("mart_new", "select * from nobody join {{ ref('core_materials') }} using (material_id)");
    mill.model("mart_below", "select * from {{ ref('mart_new') }}");
    let error = dbt.build(&of("materials")).await.unwrap_err();
    assert!(error.to_string().starts_with("dbt could not build mart_new: Runtime Error in model mart_new"), "{error}");
    let DbtError::Failed { report, .. } = error else { panic!("{error}") };
    assert_eq!(report.skipped_models().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["mart_below"]);
    assert!(report.nodes.iter().any(|node| node.name == "core_materials" && node.status == NodeStatus::Success));

    mill.model("mart_new", "select 1 as material_id");
    dbt.build(&of("materials")).await.unwrap();
    let error = dbt.build(&of("nothing")).await.unwrap_err();
    assert_eq!(error.to_string(), "dbt has nothing to build: no model or test matches source:raw.nothing+");
    assert!(matches!(error, DbtError::NothingSelected { .. }));
}

#[tokio::test]
async fn a_test_that_fails_is_reported_and_no_error() {
    let mill = Mill::new().with_own_project();
    mill.model("mart_wrong", "select 1 as a union all select 1");
    mill.yaml("mart_wrong", "models: [{name: mart_wrong, columns: [{name: a, data_tests: [unique]}]}]");
    let mut dbt = Dbt::start(mill.settings()).await.unwrap();
    let request = BuildRequest { select: vec!["mart_wrong".into()], full_refresh: false };
    let report = dbt.build(&request).await.unwrap();
    let failed: Vec<_> = report.failed_tests().map(|node| (node.name.as_str(), node.failures)).collect();
    assert_eq!(failed, [("unique_mart_wrong_a", Some(1))]);
}

#[tokio::test]
async fn a_build_without_end_is_ended_and_a_dead_sidecar_replaced() {
    let mill = Mill::new().with_own_project();
    mill.model("mart_endless", "select sum(a.range * b.range) as s from range(10000000) a, range(1000000) b");
    let mut dbt = Dbt::start(DbtSettings { timeout_secs: 10, ..mill.settings() }).await.unwrap();
    let endless = BuildRequest { select: vec!["mart_endless".into()], full_refresh: false };
    let error = dbt.build(&endless).await.unwrap_err();
    assert!(matches!(error, DbtError::TimedOut { timeout_secs: 10 }), "{error}");
    mill.write("the file is free after the kill");

    // Dropped in the middle: the next answer must not be taken for that of the one before.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(8), dbt.build(&endless)).await;
    let one = BuildRequest { select: vec!["stg_materials".into()], full_refresh: false };
    assert_eq!(dbt.build(&one).await.unwrap().nodes.len(), 1);
}

/// The select that never ends, until somebody wants it no more.
fn endless(mill: &Mill) -> BuildRequest {
    mill.model("mart_endless", "select sum(a.range * b.range) as s from range(10000000) a, range(1000000) b");
    BuildRequest { select: vec!["mart_endless".into()], full_refresh: false }
}

/// Stops a build once dbt has the file, and sees that it has let go of it when the build returns.
async fn stopped(mill: &Mill, dbt: &mut Dbt, request: &BuildRequest) {
    let stop = CancellationToken::new();
    let stopping = async {
        while !mill.is_held() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        stop.cancel();
        std::future::pending::<()>().await;
    };
    let built = tokio::select! {
        built = dbt.build_until(request, &stop) => built,
        () = stopping => unreachable!(),
    };
    let error = built.unwrap_err();
    assert!(matches!(error, DbtError::Stopped), "{error}");
    mill.write("the file is free when a stopped build returns");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_stopped_lets_go_of_the_warehouse_and_the_next_one_is_warm() {
    let mill = Mill::new().with_own_project();
    let endless = endless(&mill);
    let mut dbt = Dbt::start(mill.settings()).await.unwrap();
    stopped(&mill, &mut dbt, &endless).await;
    let one = BuildRequest { select: vec!["stg_materials".into()], full_refresh: false };
    assert_eq!(dbt.build(&one).await.unwrap().how, How::Warm);
    // Stopped before it begins, it costs nothing.
    let stop = CancellationToken::new();
    stop.cancel();
    assert!(matches!(dbt.build_until(&endless, &stop).await, Err(DbtError::Stopped)));
    assert_eq!(dbt.build(&one).await.unwrap().how, How::Warm);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_build_is_stopped_too() {
    let mill = Mill::new().with_own_project().with_broken_sidecar();
    let endless = endless(&mill);
    let mut dbt = Dbt::start(mill.settings()).await.unwrap();
    stopped(&mill, &mut dbt, &endless).await;
    // A cold build builds all that is missing.
    mill.model("mart_endless", "select 1 as s");
    let one = BuildRequest { select: vec!["stg_materials".into()], full_refresh: false };
    assert_eq!(dbt.build(&one).await.unwrap().how, How::Cold);
}

#[tokio::test]
async fn builds_cold_where_the_sidecar_cannot_be_had() {
    let mill = Mill::new().with_broken_sidecar();
    let mut dbt = Dbt::start(mill.settings()).await.unwrap();
    let first = dbt.build(&of("materials")).await.unwrap();
    assert_eq!(first.how, How::Cold);
    let node = first.nodes.iter().find(|node| node.name == "core_materials").unwrap();
    assert_eq!((node.status, node.resource_type.as_str()), (NodeStatus::Success, "model"));
    assert!(node.elapsed_secs() > 0.0);
    mill.write("the file is free between builds");

    let error = dbt.build(&of("nothing")).await.unwrap_err();
    assert!(matches!(error, DbtError::NothingSelected { .. }), "{error}");
    let holder = mill.hold();
    let error = dbt.build(&of("materials")).await.unwrap_err();
    assert!(matches!(error, DbtError::Transient { .. }), "{error}");
    drop(holder);
}

#[tokio::test]
async fn says_what_is_missing() {
    let mill = Mill::new();
    let nowhere = DbtSettings { python: "/nowhere/python".into(), ..mill.settings() };
    let error = Dbt::start(nowhere).await.err().unwrap();
    assert_eq!(error.to_string(), "the Python that has dbt is not at /nowhere/python: run `make dbt`");
    assert_eq!(Failure::from(error).class, FailureClass::Fatal);

    // What Python answers where dbt is there and the adapter is not.
    let python = mill.program("exit 4");
    let warehouse = DbtWarehouse::Snowflake { variables: Vec::new() };
    let error = Dbt::start(DbtSettings { python, warehouse, ..mill.settings() }).await.err().unwrap().to_string();
    assert!(error.starts_with("dbt-snowflake is not installed for Python at "), "{error}");
    assert!(error.ends_with(": run `make dbt`"), "{error}");

    let version = Dbt::start(DbtSettings { warm: false, ..mill.settings() }).await.unwrap().probe().await;
    assert!(version.unwrap().starts_with("dbt-core 1.12."));
}
