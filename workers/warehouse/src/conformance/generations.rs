//! Runs over many files, and increments.

use std::sync::Arc;

use super::kit::*;
use crate::Warehouse;

/// The files of a run show together, when all of them are loaded.
pub async fn run_shows_when_complete(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "before", 1, "a.csv", hour(1)), 9, "before").await;
    for (number, file) in ["a.csv", "b.csv", "c.csv"].into_iter().enumerate() {
        assert_eq!(shown(&warehouse, &batches()).await, ["before 9"]);
        let slice = of_run(slice(&batches(), "run", 2, file, hour(2)), 3);
        load(&warehouse, &slice, number + 1, file).await;
    }
    assert_eq!(shown(&warehouse, &batches()).await, ["a.csv 1", "b.csv 2", "c.csv 3"]);
}

/// While a run is reloaded the old generation shows; the new one replaces it as a whole, files that are gone included.
pub async fn reload_keeps_the_old_until_complete(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    for file in ["a.csv", "b.csv", "c.csv"] {
        load(&warehouse, &of_run(slice(&batches(), "run", 1, file, hour(1)), 3), 1, "old").await;
    }
    load(&warehouse, &of_run(slice(&batches(), "run", 2, "a.csv", hour(1)), 2), 1, "new").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["old 3"]);
    load(&warehouse, &of_run(slice(&batches(), "run", 2, "b.csv", hour(1)), 2), 1, "new").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["new 2"]);
    assert_eq!(held(&warehouse, &batches()).await, ["new 2"]);
}

/// A run of which a file is missing stays hidden, and the next complete one replaces what it left.
pub async fn gap_in_a_run_stays_hidden(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &of_run(slice(&batches(), "run", 1, "a.csv", hour(1)), 2), 1, "half").await;
    assert!(shown(&warehouse, &batches()).await.is_empty());
    load(&warehouse, &of_run(slice(&batches(), "run", 2, "b.csv", hour(1)), 2), 1, "whole").await;
    assert!(shown(&warehouse, &batches()).await.is_empty());
    load(&warehouse, &of_run(slice(&batches(), "run", 2, "a.csv", hour(1)), 2), 1, "whole").await;
    assert_eq!(held(&warehouse, &batches()).await, ["whole 2"]);
    assert_eq!(shown(&warehouse, &batches()).await, ["whole 2"]);
}

/// Every file of an increment shows.
pub async fn increment_shows_every_file(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[readings()]).await.unwrap();
    load(&warehouse, &slice(&readings(), "a", 1, "a.csv", hour(5)), 1, "a").await;
    load(&warehouse, &slice(&readings(), "b", 2, "b.csv", hour(2)), 2, "b").await;
    assert_eq!(shown(&warehouse, &readings()).await, ["a 1", "b 2"]);
    load(&warehouse, &of_run(slice(&readings(), "run", 3, "c.csv", hour(6)), 2), 3, "c").await;
    assert_eq!(shown(&warehouse, &readings()).await, ["a 1", "b 2"]);
    load(&warehouse, &of_run(slice(&readings(), "run", 3, "d.csv", hour(6)), 2), 4, "d").await;
    assert_eq!(shown(&warehouse, &readings()).await, ["a 1", "b 2", "c 3", "d 4"]);
}

/// A file of an increment shows once: its newest load.
pub async fn increment_reload_and_newer(warehouse: Arc<dyn Warehouse>) {
    warehouse.prepare(&[readings()]).await.unwrap();
    load(&warehouse, &slice(&readings(), "a", 1, "a.csv", hour(5)), 1, "a").await;
    load(&warehouse, &slice(&readings(), "b", 2, "b.csv", hour(5)), 2, "b").await;
    load(&warehouse, &slice(&readings(), "a grown", 3, "a.csv", hour(6)), 3, "a grown").await;
    load(&warehouse, &slice(&readings(), "a late", 4, "a.csv", hour(4)), 4, "a late").await;
    assert_eq!(shown(&warehouse, &readings()).await, ["a grown 3", "b 2"]);
    load(&warehouse, &slice(&readings(), "b", 5, "b.csv", hour(5)), 5, "b again").await;
    assert_eq!(shown(&warehouse, &readings()).await, ["a grown 3", "b again 5"]);
}
