//! Dead letters.

use std::time::Duration;

use chrono::Utc;
use messages::{DqRequested, Envelope, Failure, FailureClass, Stage};

use super::Fixture;
use super::support::{depth, envelope, fresh_load_id, next, nothing_comes};
use crate::Bus;

/// A dead letter says what it was, why it died, when, after how many attempts, and in whose hands.
pub async fn a_dead_letter_tells_its_story(bus: &impl Fixture) {
    let worker = bus.open("host-7 ingest").await;
    let sent = envelope();
    worker.publish(&sent).await.unwrap();
    let mut consumer = worker.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    delivery.retry(Duration::ZERO, &Failure::transient("once more")).await.unwrap();
    let before = Utc::now();
    let delivery = next(&mut *consumer).await;
    delivery.dead_letter(&Failure::permanent("the header is wrong")).await.unwrap();
    nothing_comes(&mut *consumer).await;
    drop((consumer, worker));

    let dead = bus.open("a person").await.dead(Some(Stage::Ingest), 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    let letter = &dead[0];
    assert_eq!(letter.stage, Stage::Ingest);
    assert_eq!(letter.message_id, Some(sent.id));
    assert_eq!(letter.message_type.as_deref(), Some("ingest.requested"));
    assert_eq!(letter.load_id.as_ref(), Some(sent.load_id()));
    assert_eq!(letter.trace_id, Some(sent.trace.trace_id()));
    assert_eq!(letter.cause.class, FailureClass::Permanent);
    assert_eq!(letter.cause.message, "the header is wrong");
    assert_eq!(letter.attempts, 2);
    assert_eq!(letter.worker, "host-7 ingest");
    assert!((letter.died_at - before).abs() < chrono::Duration::seconds(60));
    assert_eq!(letter.body.as_bytes(), sent.to_json().unwrap());
}

/// The newest come first, and no more than asked for.
pub async fn dead_letters_come_newest_first_of_one_stage_or_all(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let mut sent = Vec::new();
    for number in 0..4 {
        let envelope = match number {
            2 => Envelope::new("conformance", DqRequested { load_id: fresh_load_id(), sources: vec![] }),
            _ => envelope(),
        };
        bury(&*bus, &envelope, "why").await;
        sent.insert(0, Some(envelope.id));
    }
    let ids = async |stage, limit| -> Vec<_> {
        let dead = bus.dead(stage, limit).await.unwrap();
        dead.into_iter().map(|letter| letter.message_id).collect()
    };
    assert_eq!(ids(None, 10).await, sent);
    assert_eq!(ids(None, 2).await, sent[..2]);
    assert_eq!(ids(Some(Stage::Dq), 10).await, sent[1..2]);
    assert_eq!(ids(Some(Stage::Transform), 10).await, []);
}

/// A replayed dead letter is in its queue again, and nobody counts its former attempts.
pub async fn replayed_it_starts_anew(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let sent = envelope();
    bury(&*bus, &sent, "why").await;
    let dead = bus.dead(None, 10).await.unwrap();
    assert_eq!(bus.replay(&ids(&dead[0])).await.unwrap(), ids(&dead[0]));
    assert!(bus.replay(&ids(&dead[0])).await.unwrap().is_empty(), "a second replay finds nothing");
    assert_eq!(bus.dead(None, 10).await.unwrap(), []);
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    assert_eq!(delivery.attempt(), 1);
    assert_eq!(delivery.envelope().unwrap(), sent);
}

/// A purged dead letter is gone, and the others stay.
pub async fn purged_it_is_gone(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    bury(&*bus, &envelope(), "first").await;
    bury(&*bus, &envelope(), "second").await;
    let dead = bus.dead(None, 10).await.unwrap();
    assert_eq!(bus.purge(&ids(&dead[0])).await.unwrap(), ids(&dead[0]));
    assert!(bus.purge(&ids(&dead[0])).await.unwrap().is_empty(), "a second purge finds nothing");
    assert!(bus.replay(&ids(&dead[0])).await.unwrap().is_empty());
    let left = bus.dead(None, 10).await.unwrap();
    assert_eq!(left, dead[1..]);
    depth(&*bus, Stage::Ingest, |depth| depth.dead == 1).await;
}

/// Many are replayed or purged in one call, and ids that nobody gave out spoil nothing.
pub async fn many_are_replayed_or_purged_together(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    for _ in 0..5 {
        bury(&*bus, &envelope(), "why").await;
    }
    let dead = bus.dead(None, 10).await.unwrap();
    let mut asked: Vec<String> = dead[..3].iter().map(|letter| letter.dead_id.clone()).collect();
    asked.insert(1, "no such".into());
    let mut found = bus.replay(&asked).await.unwrap();
    found.sort();
    asked.remove(1);
    asked.sort();
    assert_eq!(found, asked);
    let left: Vec<String> = dead[3..].iter().map(|letter| letter.dead_id.clone()).collect();
    assert_eq!(bus.purge(&left).await.unwrap().len(), 2);
    depth(&*bus, Stage::Ingest, |depth| (depth.ready, depth.dead) == (3, 0)).await;
}

/// Ids that nobody gave out change nothing, whatever they look like.
pub async fn unknown_ids_change_nothing(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    bury(&*bus, &envelope(), "why").await;
    for id in ["", "0", "no such", "99999999999999999999", "' OR 1=1 --"] {
        assert!(bus.replay(&[id.into()]).await.unwrap().is_empty(), "{id:?}");
        assert!(bus.purge(&[id.into()]).await.unwrap().is_empty(), "{id:?}");
    }
    assert_eq!(bus.dead(None, 10).await.unwrap().len(), 1);
}

fn ids(letter: &crate::DeadLetter) -> Vec<String> {
    vec![letter.dead_id.clone()]
}

async fn bury(bus: &dyn Bus, envelope: &Envelope, why: &str) {
    bus.publish(envelope).await.unwrap();
    let stage = envelope.message.stage().unwrap();
    let mut consumer = bus.consume(stage, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    delivery.retry(Duration::ZERO, &Failure::transient("once more")).await.unwrap();
    next(&mut *consumer).await.dead_letter(&Failure::permanent(why)).await.unwrap();
}
