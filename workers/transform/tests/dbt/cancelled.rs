//! Messages that are taken back after their end.

use messages::{Envelope, Failure, LoadId, Message, Stage, TransformRequested};
use runtime::{Handler, Work};
use warehouse::StageStatus;

use crate::dry_run::Plant;

/// Another worker had it in hand too, and was quicker. Both say the same, and the audit says it once.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_worker_could_not_build_is_not_cancelled_besides() {
    let mut plant = Plant::new().await;
    let load_id = LoadId::new("load").unwrap();
    let asked = TransformRequested { load_id: load_id.clone(), sources: Vec::new(), full_refresh: false };
    let work = Work::new(Envelope::new("test", asked), 3);
    let broken = Failure::permanent("no column batch_id");
    let end = plant.handler.give_up(&work, &broken).await.unwrap().announce.remove(0);
    let copy = Work::new(work.envelope.clone(), 4);
    let late = plant.handler.give_up(&copy, &Failure::cancelled("a typo")).await.unwrap().announce.remove(0);
    assert_eq!((late.id, &late.message), (end.id, &end.message));
    assert!(matches!(&late.message, Message::TransformFailed(failed) if failed.failure == broken), "{late:?}");
    let lines = plant.ledger.stage_lines(&load_id).await.unwrap();
    assert_eq!(
        lines.iter().map(|line| (line.stage, line.status)).collect::<Vec<_>>(),
        [(Stage::Transform, StageStatus::Failed)]
    );
}
