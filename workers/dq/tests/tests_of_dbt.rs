//! What dbt's tests found counts in the verdict, and stands in the audit once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use chrono::Utc;
use messages::{
    CheckOutcome, CheckStatus, DqRequested, Envelope, Message, NodeOutcome, Severity, TransformCompleted, Verdict,
};
use runtime::Work;
use serde_json::json;
use support::{Mill, at, checks, contract, id};
use warehouse::{QualityLine, QualityOrigin};

const NOON: &str = "2026-11-23T12:00:00Z";

fn tested(status: CheckStatus, name: &str) -> QualityLine {
    QualityLine {
        load_id: id("load"),
        outcome: CheckOutcome {
            check: name.into(),
            table: "CORE.CORE_T".into(),
            severity: Severity::Warn,
            status,
            observed: "3 rows".into(),
            expected: "dbt's test finds no rows".into(),
            failed_rows: Some(3),
            kind: "dbt".into(),
            value: Some(3.0),
        },
        checked_at: Utc::now(),
        origin: QualityOrigin::Dbt,
    }
}

/// A build's message, as the transform sends it.
fn built(tests: &[&str]) -> Work {
    let node = |name: &&str| NodeOutcome {
        unique_id: format!("test.millrace.{name}"),
        resource_type: "test".into(),
        status: "warn".into(),
        elapsed_secs: 0.1,
        message: None,
    };
    let nodes = tests.iter().map(node).collect();
    let data = TransformCompleted { load_id: id("load"), sources: vec!["t".into()], nodes, invocation_id: "i".into() };
    Work::new(Envelope::new("test", data), 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_of_dbt_is_a_warning_of_the_verdict() {
    let mut mill = Mill::new([contract("t", &["x"], json!([{"kind": "row_count", "min": 1}]))]).await;
    mill.load("t", "load", at(NOON), &[&["1"]]).await;
    mill.built_with("load", &[tested(CheckStatus::Warn, "old"), tested(CheckStatus::Warn, "scrap_rate")]).await;
    mill.built_with("load", &[tested(CheckStatus::Pass, "unique_id"), tested(CheckStatus::Warn, "scrap_rate")]).await;
    let work = built(&["unique_id", "scrap_rate"]);
    for told in mill.handle(&[work.clone(), work.clone()]).await {
        let Message::DqCompleted(data) = &told.message else { panic!("{told:?}") };
        assert_eq!(data.verdict, Verdict::Warned);
        // Of the newest build alone.
        let named: Vec<_> = data.checks.iter().map(|check| (check.check.as_str(), check.kind.as_str())).collect();
        assert_eq!(named, [("row_count", "row_count"), ("scrap_rate", "dbt"), ("unique_id", "dbt")]);
    }
    // The transform has written them; dq does not write them again.
    let of = |origin: &str| format!("SELECT COUNT(*) FROM RAW.DATA_QUALITY_AUDIT WHERE ORIGIN = '{origin}'");
    assert_eq!(mill.ask(&of("DBT")).await, ["4"]);
    assert_eq!(mill.ask(&of("CONTRACT")).await, ["1"]);
    // Whoever asks for the contract's checks gets those.
    let asked = mill.judge("load", &["t"]).await;
    assert_eq!(checks(&asked).len(), 1);
    assert!(matches!(asked, Message::DqCompleted(data) if data.verdict == Verdict::Passed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_counts_the_tests_of_its_own_build_whatever_is_judged_beside_it() {
    let mut mill = Mill::new([contract("t", &["x"], json!([{"kind": "row_count", "min": 1}]))]).await;
    mill.load("t", "load", at(NOON), &[&["1"]]).await;
    mill.built_with("load", &[tested(CheckStatus::Warn, "scrap_rate")]).await;
    mill.built_with("load", &[tested(CheckStatus::Pass, "of_another_source")]).await;
    let asked = DqRequested { load_id: id("load"), sources: vec!["t".into()] };
    let work = [built(&["scrap_rate"]), built(&["of_another_source"]), Work::new(Envelope::new("test", asked), 1)];
    let verdicts: Vec<_> = mill.handle(&work).await.iter().map(|told| verdict(&told.message)).collect();
    assert_eq!(verdicts, [Verdict::Warned, Verdict::Passed, Verdict::Passed]);
}

fn verdict(message: &Message) -> Verdict {
    let Message::DqCompleted(data) = message else { panic!("{message:?}") };
    data.verdict
}
