//! Pausing a stage.

use std::time::Duration;

use messages::{DqRequested, Envelope, Stage};

use super::Fixture;
use super::support::{depth, envelope, fresh_load_id, next, nothing_comes};
use crate::Bus;

/// How long after a pause something may still be handed out; the trait says so.
const STILL: Duration = Duration::from_secs(1);

/// A paused stage hands out nothing, neither to who waits already nor to who comes later, and its queue fills; resumed
/// it goes on where it stood, and wakes those who wait.
pub async fn paused_it_keeps_everything_and_resumed_it_goes_on(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let mut waiting = bus.consume(Stage::Ingest, 1).await.unwrap();
    nothing_comes(&mut *waiting).await;
    pause(&*bus, Stage::Ingest).await;
    let sent: Vec<_> = std::iter::repeat_with(envelope).take(3).collect();
    for envelope in &sent {
        bus.publish(envelope).await.unwrap();
    }
    nothing_comes(&mut *waiting).await;
    drop(waiting);
    let mut late = bus.consume(Stage::Ingest, 1).await.unwrap();
    nothing_comes(&mut *late).await;
    depth(&*bus, Stage::Ingest, |depth| depth.paused && (depth.ready, depth.in_hand) == (3, 0)).await;

    let resumed = async {
        // Lets the consumer wait first; the test holds all the same if it does not.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(bus.set_paused(Stage::Ingest, false).await.unwrap());
    };
    let (first, ()) = tokio::join!(next(&mut *late), resumed);
    let mut got = vec![first.envelope().unwrap().id];
    first.ack().await.unwrap();
    while got.len() < sent.len() {
        let delivery = next(&mut *late).await;
        assert_eq!(delivery.attempt(), 1);
        got.push(delivery.envelope().unwrap().id);
        delivery.ack().await.unwrap();
    }
    assert_eq!(got, sent.iter().map(|envelope| envelope.id).collect::<Vec<_>>());
    depth(&*bus, Stage::Ingest, |depth| !depth.paused && depth.unsettled() == 0).await;
}

/// A pause takes nothing out of anybody's hands, and what is given back meanwhile stays in the queue.
pub async fn what_is_in_hand_is_finished_while_paused(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    for _ in 0..2 {
        bus.publish(&envelope()).await.unwrap();
    }
    let mut consumer = bus.consume(Stage::Ingest, 2).await.unwrap();
    let (done, given_back) = (next(&mut *consumer).await, next(&mut *consumer).await);
    pause(&*bus, Stage::Ingest).await;
    done.ack().await.unwrap();
    given_back.give_back().await.unwrap();
    nothing_comes(&mut *consumer).await;
    depth(&*bus, Stage::Ingest, |depth| (depth.ready, depth.in_hand) == (1, 0)).await;
    assert!(bus.set_paused(Stage::Ingest, false).await.unwrap());
    assert_eq!(next(&mut *consumer).await.attempt(), 1);
}

/// A pause holds for every process, whoever asked for it, and until somebody resumes the stage.
pub async fn a_pause_is_seen_by_others_and_outlives_them(bus: &impl Fixture) {
    let (one, two) = (bus.open("one").await, bus.open("two").await);
    let mut consumer = two.consume(Stage::Ingest, 1).await.unwrap();
    pause(&*one, Stage::Ingest).await;
    one.publish(&envelope()).await.unwrap();
    nothing_comes(&mut *consumer).await;
    depth(&*two, Stage::Ingest, |depth| depth.paused).await;
    drop((consumer, one, two));

    let after = bus.open("after").await;
    let mut consumer = after.consume(Stage::Ingest, 1).await.unwrap();
    nothing_comes(&mut *consumer).await;
    depth(&*after, Stage::Ingest, |depth| depth.paused && depth.ready == 1).await;
    assert!(bus.open("a person").await.set_paused(Stage::Ingest, false).await.unwrap());
    next(&mut *consumer).await.ack().await.unwrap();
    depth(&*after, Stage::Ingest, |depth| !depth.paused).await;
}

/// The answer tells whether anything changed, also to another handle.
pub async fn to_pause_twice_changes_nothing(bus: &impl Fixture) {
    let (here, there) = (bus.open("here").await, bus.open("there").await);
    assert!(!here.set_paused(Stage::Ingest, false).await.unwrap(), "it was not paused");
    assert!(here.set_paused(Stage::Ingest, true).await.unwrap());
    assert!(!here.set_paused(Stage::Ingest, true).await.unwrap());
    assert!(!there.set_paused(Stage::Ingest, true).await.unwrap());
    assert!(there.set_paused(Stage::Ingest, false).await.unwrap());
    assert!(!here.set_paused(Stage::Ingest, false).await.unwrap());
    here.publish(&envelope()).await.unwrap();
    next(&mut *here.consume(Stage::Ingest, 1).await.unwrap()).await.ack().await.unwrap();
}

/// Only the stage that was named stands still.
pub async fn a_pause_leaves_other_stages_alone(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    pause(&*bus, Stage::Ingest).await;
    bus.publish(&envelope()).await.unwrap();
    let mut held = bus.consume(Stage::Ingest, 1).await.unwrap();
    nothing_comes(&mut *held).await;
    // Whoever is served now waits beside one who must not be.
    let mut judge = bus.consume(Stage::Dq, 1).await.unwrap();
    let command = DqRequested { load_id: fresh_load_id(), sources: vec![] };
    bus.publish(&Envelope::new("conformance", command)).await.unwrap();
    next(&mut *judge).await.ack().await.unwrap();
    nothing_comes(&mut *held).await;
    depth(&*bus, Stage::Ingest, |depth| depth.paused && depth.ready == 1).await;
    for stage in [Stage::Transform, Stage::Dq] {
        depth(&*bus, stage, |depth| !depth.paused).await;
    }
}

async fn pause(bus: &dyn Bus, stage: Stage) {
    assert!(bus.set_paused(stage, true).await.unwrap());
    tokio::time::sleep(STILL).await;
}
