//! From publish to delivery.

use std::time::Duration;

use chrono::Utc;
use messages::{
    DqCompleted, DqRequested, Envelope, Failure, IngestCompleted, IngestFailed, IngestRequested, MAX_BODY_BYTES,
    Message, Stage, TransformCompleted, TransformRequested, Verdict,
};

use super::Fixture;
use super::support::{depth, envelope, fresh_load_id, ingest, next, nothing_comes};

/// A message arrives as it was sent, as a first attempt, and an acknowledged one is forgotten.
pub async fn what_is_published_is_delivered(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let sent = envelope();
    bus.publish(&sent).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    assert_eq!(delivery.envelope().unwrap(), sent);
    assert_eq!(delivery.attempt(), 1);
    delivery.ack().await.unwrap();
    depth(&*bus, Stage::Ingest, |depth| depth.unsettled() == 0).await;
    nothing_comes(&mut *consumer).await;
}

/// Nobody has to be there when a message is published.
pub async fn a_message_outlives_its_sender(bus: &impl Fixture) {
    let sender = bus.open("sender").await;
    let sent = envelope();
    sender.publish(&sent).await.unwrap();
    drop(sender);
    let mut consumer = bus.open("worker").await.consume(Stage::Ingest, 1).await.unwrap();
    assert_eq!(next(&mut *consumer).await.envelope().unwrap(), sent);
}

/// Messages with a stage arrive there and nowhere else.
pub async fn each_type_goes_to_its_stage(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let load_id = fresh_load_id();
    let sent: Vec<Message> = vec![
        ingest(load_id.clone()).into(),
        IngestCompleted { load_id: load_id.clone(), as_of: Utc::now(), tables: vec![] }.into(),
        TransformRequested { load_id: load_id.clone(), sources: vec![], full_refresh: false }.into(),
        TransformCompleted { load_id: load_id.clone(), sources: vec![], nodes: vec![], invocation_id: "1".into() }
            .into(),
        DqRequested { load_id, sources: vec![] }.into(),
    ];
    for message in &sent {
        bus.publish(&Envelope::new("conformance", message.clone())).await.unwrap();
    }
    for stage in Stage::ALL {
        let mut consumer = bus.consume(stage, 10).await.unwrap();
        for message in sent.iter().filter(|message| message.stage() == Some(stage)) {
            let delivery = next(&mut *consumer).await;
            assert_eq!(&delivery.envelope().unwrap().message, message);
            delivery.ack().await.unwrap();
        }
        nothing_comes(&mut *consumer).await;
    }
}

/// A message without a stage may go unheard: that is no error, and it stays nowhere.
pub async fn an_announcement_that_nobody_hears_is_dropped(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let load_id = fresh_load_id();
    let failed = IngestFailed {
        load_id: load_id.clone(),
        tables: vec![],
        uri: None,
        failure: Failure::permanent("no such file"),
    };
    let judged = DqCompleted { load_id, verdict: Verdict::Passed, checks: vec![] };
    bus.publish(&Envelope::new("conformance", failed)).await.unwrap();
    bus.publish(&Envelope::new("conformance", judged)).await.unwrap();
    for stage in Stage::ALL {
        depth(&*bus, stage, |depth| depth.unsettled() + depth.dead == 0).await;
    }
}

/// One consumer gets messages in the order of their publishing.
pub async fn the_oldest_comes_first(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let sent: Vec<_> = std::iter::repeat_with(envelope).take(20).collect();
    for envelope in &sent {
        bus.publish(envelope).await.unwrap();
    }
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    for envelope in &sent {
        let delivery = next(&mut *consumer).await;
        assert_eq!(delivery.envelope().unwrap().id, envelope.id);
        delivery.ack().await.unwrap();
    }
}

/// A consumer that waits gets what is published later, by its own process or another one.
pub async fn a_waiting_consumer_is_woken(bus: &impl Fixture) {
    let (here, there) = (bus.open("here").await, bus.open("there").await);
    let mut consumer = here.consume(Stage::Ingest, 1).await.unwrap();
    for sender in [&here, &there] {
        let sent = envelope();
        let waiting = async {
            let delivery = next(&mut *consumer).await;
            assert_eq!(delivery.envelope().unwrap(), sent);
            delivery.ack().await.unwrap();
        };
        let sending = async {
            // Lets the consumer wait first; the test holds all the same if it does not.
            tokio::time::sleep(Duration::from_millis(50)).await;
            sender.publish(&sent).await.unwrap();
        };
        tokio::join!(waiting, sending);
    }
}

/// The longest body that a message may have comes through unharmed.
pub async fn a_body_of_one_megabyte_arrives(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let files = vec!["f".repeat(100); 10_000];
    let command = IngestRequested { files, ..ingest(fresh_load_id()) };
    let sent = Envelope::new("conformance", command);
    let bytes = sent.to_json().unwrap().len();
    assert!((1_000_000..=MAX_BODY_BYTES).contains(&bytes));
    bus.publish(&sent).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    assert_eq!(next(&mut *consumer).await.envelope().unwrap(), sent);
}

/// Bytes that are no message are handed out as they are, and can be buried, shown and replayed.
pub async fn garbage_is_delivered_buried_and_replayed(bus: &impl Fixture) {
    let garbage = b"\xff\x00 no JSON \xc3";
    bus.publish_raw(Stage::Transform, garbage).await;
    let bus = bus.open("a").await;
    let mut consumer = bus.consume(Stage::Transform, 1).await.unwrap();
    for _ in 0..2 {
        let delivery = next(&mut *consumer).await;
        assert_eq!(delivery.body(), garbage);
        assert_eq!(delivery.attempt(), 1);
        let cause = Failure::permanent(delivery.envelope().unwrap_err().to_string());
        delivery.dead_letter(&cause).await.unwrap();
        let dead = bus.dead(None, 10).await.unwrap();
        assert_eq!(dead.len(), 1);
        assert_eq!(dead[0].message_id, None);
        assert_eq!(dead[0].message_type, None);
        assert_eq!(dead[0].load_id, None);
        assert_eq!(dead[0].body, String::from_utf8_lossy(garbage));
        assert_eq!(bus.replay(&[dead[0].dead_id.clone()]).await.unwrap().len(), 1);
    }
    assert_eq!(next(&mut *consumer).await.body(), garbage);
}

/// Telling copies apart is the consumers' work, because only they know what they have done.
pub async fn an_id_published_twice_is_delivered_twice(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let sent = envelope();
    bus.publish(&sent).await.unwrap();
    bus.publish(&sent).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 2).await.unwrap();
    let (one, two) = (next(&mut *consumer).await, next(&mut *consumer).await);
    assert_eq!(one.envelope().unwrap(), two.envelope().unwrap());
}
