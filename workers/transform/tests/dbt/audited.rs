//! What dbt's tests found, in the audit.

use std::collections::BTreeSet;

use messages::{Envelope, LoadId, Stage, TransformRequested};
use runtime::Work;
use warehouse::QualityOrigin;

use crate::dry_run::Plant;

/// Several messages of one load may wait together, say a replay beside its original's successor.
#[tokio::test(flavor = "multi_thread")]
async fn what_tests_found_stands_once_under_each_load_that_was_built_together() {
    let mut plant = Plant::new().await;
    let asked = |load_id: &str| {
        let load_id = LoadId::new(load_id).unwrap();
        let sources = vec!["materials".to_owned()];
        Work::new(Envelope::new("test", TransformRequested { load_id, sources, full_refresh: false }), 1)
    };
    plant.handle(&[asked("one"), asked("two"), asked("one")]).await;
    let mut by_load = Vec::new();
    for (load_id, messages) in [("one", 2), ("two", 1)] {
        let load_id = LoadId::new(load_id).unwrap();
        let stages = plant.ledger.stage_lines(&load_id).await.unwrap();
        assert_eq!(stages.iter().filter(|line| line.stage == Stage::Transform).count(), messages);
        let lines = plant.ledger.quality_lines(&load_id).await.unwrap();
        assert!(lines.iter().all(|line| line.origin == QualityOrigin::Dbt));
        let tests: BTreeSet<(String, String)> =
            lines.iter().map(|line| (line.outcome.table.clone(), line.outcome.check.clone())).collect();
        assert_eq!(lines.len(), tests.len(), "each test once");
        by_load.push(tests);
    }
    assert!(!by_load[0].is_empty() && by_load[0] == by_load[1], "{by_load:?}");
}
