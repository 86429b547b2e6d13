//! How often a load asks: the tables in `src/snowflake/design.md`. Nothing is broken here.

use std::sync::Arc;

use millrace_warehouse::conformance::kit::{Memory, batches, hour, of_run, pairs, slice, try_load};
use millrace_warehouse::{Gate, GateAnswer, GateVerdict, Slice};

use crate::scene::{Scene, a_slice};

/// The first word of each statement that loading takes.
async fn asked(scene: &Scene, number: u32, rows: usize) -> String {
    scene.emulator.forget_statements(&scene.name);
    let slice = slice(&batches(), a_slice().load_id.as_str(), number, "b.csv", hour(1));
    try_load(&scene.warehouse, &slice, rows, "x").await.unwrap();
    let sent = scene.sent();
    sent.iter().filter_map(|sql| sql.split(' ').next()).collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_asks_no_more_than_it_must() {
    let scene = Scene::new().await;
    assert_eq!(asked(&scene, 1, 3).await, "SELECT PUT LIST BEGIN COPY UPDATE INSERT COMMIT REMOVE");
    assert_eq!(asked(&scene, 1, 3).await, "SELECT", "the same command again");
    let reload = "SELECT PUT LIST BEGIN COPY UPDATE INSERT SELECT INSERT DELETE COMMIT REMOVE";
    assert_eq!(asked(&scene, 2, 3).await, reload, "a newer command");
    assert_eq!(asked(&scene, 1, 3).await, "SELECT", "an older command");

    let scene = {
        drop(scene);
        Scene::new().await
    };
    assert_eq!(asked(&scene, 1, 0).await, "SELECT BEGIN UPDATE INSERT COMMIT", "no rows");
}

/// Passes, having asked twice.
struct Twice;

impl Gate for Twice {
    fn questions(&self, rows: &str) -> Vec<String> {
        vec![format!("SELECT COUNT(*) FROM {rows}"), format!("SELECT MAX(ID) FROM {rows}")]
    }

    fn names(&self) -> Vec<String> {
        vec!["twice".into()]
    }

    fn judge(&self, answers: &[GateAnswer]) -> GateVerdict {
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        GateVerdict::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_is_asked_before_the_lock_where_a_file_is_alone_and_behind_it_in_a_run() {
    let scene = Scene::new().await;
    let gated = async |slice: Slice| {
        scene.emulator.forget_statements(&scene.name);
        let rows = Memory::new(pairs(3, "x")).boxed();
        scene.warehouse.load(&slice, rows, Some(Arc::new(Twice))).await.unwrap();
        let sent = scene.sent();
        sent.iter().filter_map(|sql| sql.split(' ').next()).collect::<Vec<_>>().join(" ")
    };
    let alone = slice(&batches(), "alone", 1, "b.csv", hour(1));
    assert_eq!(gated(alone).await, "SELECT PUT LIST BEGIN COPY SELECT SELECT UPDATE INSERT COMMIT REMOVE");
    let of = |uri| of_run(slice(&batches(), "run", 1, uri, hour(1)), 2);
    assert_eq!(gated(of("a.csv")).await, "SELECT PUT LIST BEGIN COPY UPDATE SELECT INSERT COMMIT REMOVE");
    assert_eq!(gated(of("b.csv")).await, "SELECT PUT LIST BEGIN COPY UPDATE SELECT SELECT SELECT INSERT COMMIT REMOVE");
}
