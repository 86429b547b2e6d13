//! How often a load asks: the tables in `src/snowflake/design.md`. Nothing is broken here.

use crate::scene::{Scene, a_slice};
use millrace_warehouse::conformance::kit::{batches, hour, slice, try_load};

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
