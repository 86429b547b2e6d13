//! What the cases share.

use std::time::Duration;

use messages::{DqRequested, Envelope, IngestRequested, LoadId, MessageId, Stage, TransformRequested};

use crate::{Bus, Consumer, Delivery, QueueDepth};

/// The deadline of what must come. Nothing waits so long unless the test fails.
pub const SOON: Duration = Duration::from_secs(20);

/// How long is waited for what must not come.
const A_WHILE: Duration = Duration::from_millis(300);

/// A LOAD_ID that no other test uses.
pub fn fresh_load_id() -> LoadId {
    LoadId::new(format!("conformance::{}", MessageId::fresh())).unwrap()
}

/// A command for the ingest stage, about a load of its own.
pub fn envelope() -> Envelope {
    Envelope::new("conformance", ingest(fresh_load_id()))
}

pub(super) fn ingest(load_id: LoadId) -> IngestRequested {
    IngestRequested { load_id, sources: vec!["batches".into()], files: vec![], as_of: None }
}

/// A command for the transform stage.
pub(super) fn transform() -> Envelope {
    let load_id = fresh_load_id();
    Envelope::new("conformance", TransformRequested { load_id, sources: vec![], full_refresh: false })
}

/// A command for the dq stage.
pub(super) fn dq() -> Envelope {
    Envelope::new("conformance", DqRequested { load_id: fresh_load_id(), sources: vec![] })
}

/// The next delivery, which must come soon.
pub async fn next(consumer: &mut dyn Consumer) -> Delivery {
    consumer.next_within(SOON).await.unwrap().expect("a delivery was due and did not come")
}

/// Fails if a delivery comes.
pub async fn nothing_comes(consumer: &mut dyn Consumer) {
    if let Some(delivery) = consumer.next_within(A_WHILE).await.unwrap() {
        let body = String::from_utf8_lossy(delivery.body()).into_owned();
        panic!("nothing was due, and this came: {body}");
    }
}

/// Waits until the depth of `stage` is as told; a broker may count with a delay.
pub(super) async fn depth(bus: &dyn Bus, stage: Stage, told: impl Fn(&QueueDepth) -> bool) -> QueueDepth {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let depths = bus.depths().await.unwrap();
        let depth = depths.into_iter().find(|depth| depth.stage == stage).unwrap();
        if told(&depth) {
            return depth;
        }
        assert!(tokio::time::Instant::now() < deadline, "the depth stays {depth:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
