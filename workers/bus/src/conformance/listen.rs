//! Listeners.

use messages::{
    CancelRequested, DqCancelRequested, DqCompleted, Envelope, Failure, IngestCompleted, IngestFailed, LoadId, Message,
    Stage, Verdict,
};

use super::Fixture;
use super::support::{depth, fresh_load_id, next, nothing_comes};

const INGEST_TYPES: &[&str] = &["ingest.completed", "ingest.failed"];

/// A listener hears what it asked for, from any process, and nothing else.
pub async fn a_listener_hears_its_load_and_types(bus: &impl Fixture) {
    let (here, there) = (bus.open("here").await, bus.open("there").await);
    let (mine, other) = (fresh_load_id(), fresh_load_id());
    let mut listener = here.listen(&mine, INGEST_TYPES).await.unwrap();
    let (heard, last) = (event(failed(&mine)), event(completed(&mine)));
    for envelope in [event(failed(&other)), event(judged(&mine)), heard.clone(), last.clone()] {
        there.publish(&envelope).await.unwrap();
    }
    for expected in [heard, last] {
        let delivery = next(&mut *listener).await;
        assert_eq!(delivery.envelope().unwrap(), expected);
        delivery.ack().await.unwrap();
    }
    nothing_comes(&mut *listener).await;
}

/// What was published before is asked for elsewhere, not listened for.
pub async fn a_listener_hears_only_what_comes_after(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let load_id = fresh_load_id();
    bus.publish(&event(failed(&load_id))).await.unwrap();
    let mut listener = bus.listen(&load_id, INGEST_TYPES).await.unwrap();
    let after = event(failed(&load_id));
    bus.publish(&after).await.unwrap();
    assert_eq!(next(&mut *listener).await.envelope().unwrap(), after);
}

/// A listener gets a copy; the stage gets its message all the same.
pub async fn a_listener_takes_nothing_from_the_stage(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let load_id = fresh_load_id();
    let mut listener = bus.listen(&load_id, INGEST_TYPES).await.unwrap();
    let mut stage = bus.consume(Stage::Transform, 1).await.unwrap();
    let sent = event(completed(&load_id));
    bus.publish(&sent).await.unwrap();
    assert_eq!(next(&mut *listener).await.envelope().unwrap(), sent);
    assert_eq!(next(&mut *stage).await.envelope().unwrap(), sent);
}

/// Two that wait for the same load both hear of it.
pub async fn listeners_hear_a_copy_each(bus: &impl Fixture) {
    let (here, there) = (bus.open("here").await, bus.open("there").await);
    let load_id = fresh_load_id();
    let mut one = here.listen(&load_id, INGEST_TYPES).await.unwrap();
    let mut two = there.listen(&load_id, INGEST_TYPES).await.unwrap();
    let sent = event(failed(&load_id));
    here.publish(&sent).await.unwrap();
    assert_eq!(next(&mut *one).await.envelope().unwrap(), sent);
    assert_eq!(next(&mut *two).await.envelope().unwrap(), sent);
}

/// A listener may drop what it heard; it does not come again.
pub async fn what_a_listener_dropped_never_comes_again(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let load_id = fresh_load_id();
    let mut listener = bus.listen(&load_id, INGEST_TYPES).await.unwrap();
    let (first, second) = (event(failed(&load_id)), event(failed(&load_id)));
    bus.publish(&first).await.unwrap();
    assert_eq!(next(&mut *listener).await.envelope().unwrap(), first);
    bus.publish(&second).await.unwrap();
    assert_eq!(next(&mut *listener).await.envelope().unwrap(), second);
}

/// When a listener is gone nothing piles up for it, and messages about its load are published as before.
pub async fn a_listener_leaves_nothing_behind(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let load_id = fresh_load_id();
    let mut listener = bus.listen(&load_id, INGEST_TYPES).await.unwrap();
    bus.publish(&event(failed(&load_id))).await.unwrap();
    drop(next(&mut *listener).await);
    bus.publish(&event(failed(&load_id))).await.unwrap();
    drop(listener);
    bus.publish(&event(failed(&load_id))).await.unwrap();
    for stage in Stage::ALL {
        depth(&*bus, stage, |depth| depth.unsettled() + depth.dead == 0).await;
    }
    let mut later = bus.listen(&load_id, INGEST_TYPES).await.unwrap();
    nothing_comes(&mut *later).await;
}

const CANCEL: &[&str] = &["dq.cancel.requested"];

/// Whoever listens to all hears every load, from any process, and no other type; a bus that several may share has others' too.
pub async fn a_listener_to_all_hears_every_load_once(bus: &impl Fixture) {
    let (here, there) = (bus.open("here").await, bus.open("there").await);
    let mut one = here.listen_to_all(CANCEL).await.unwrap();
    let mut two = there.listen_to_all(CANCEL).await.unwrap();
    let (first, second) = (cancel(&fresh_load_id()), cancel(&fresh_load_id()));
    for envelope in [first.clone(), event(failed(first.load_id())), second.clone()] {
        there.publish(&envelope).await.unwrap();
    }
    for listener in [&mut one, &mut two] {
        for expected in [&first, &second] {
            assert_eq!(next(&mut **listener).await.envelope().unwrap(), *expected);
        }
        nothing_comes(&mut **listener).await;
    }
}

/// The stage gets its message all the same, and a listener that is gone leaves nothing.
pub async fn a_listener_to_all_takes_nothing_and_leaves_nothing(bus: &impl Fixture) {
    let bus = bus.open("a").await;
    let mut listener = bus.listen_to_all(CANCEL).await.unwrap();
    let mut stage = bus.consume(Stage::Dq, 1).await.unwrap();
    let sent = cancel(&fresh_load_id());
    bus.publish(&sent).await.unwrap();
    assert_eq!(next(&mut *listener).await.envelope().unwrap(), sent);
    let delivery = next(&mut *stage).await;
    assert_eq!(delivery.envelope().unwrap(), sent);
    delivery.ack().await.unwrap();
    drop(listener);
    let unheard = cancel(&fresh_load_id());
    bus.publish(&unheard).await.unwrap();
    next(&mut *stage).await.ack().await.unwrap();
    depth(&*bus, Stage::Dq, |depth| depth.unsettled() + depth.dead == 0).await;
    nothing_comes(&mut *bus.listen_to_all(CANCEL).await.unwrap()).await;
}

fn cancel(load_id: &LoadId) -> Envelope {
    let command_id = messages::MessageId::fresh();
    event(DqCancelRequested(CancelRequested { load_id: load_id.clone(), command_id, reason: None }))
}

fn event(message: impl Into<Message>) -> Envelope {
    Envelope::new("conformance", message)
}

fn failed(load_id: &LoadId) -> IngestFailed {
    let failure = Failure::permanent("no such file");
    IngestFailed { load_id: load_id.clone(), tables: vec![], uri: None, failure }
}

fn completed(load_id: &LoadId) -> IngestCompleted {
    IngestCompleted { load_id: load_id.clone(), as_of: chrono::Utc::now(), tables: vec![] }
}

fn judged(load_id: &LoadId) -> DqCompleted {
    DqCompleted { load_id: load_id.clone(), verdict: Verdict::Passed, checks: vec![] }
}
