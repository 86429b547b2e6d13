//! Messages that workers died with: handled alone, and alone in hand after a restart.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bus::Bus;

use crate::deadly::{Deadly, Seen};
use crate::fixture::{Fixture, Script};

struct Watch {
    fixture: Fixture,
    seen: Arc<Mutex<Vec<Seen>>>,
    fail_next: Arc<Mutex<bool>>,
}

impl Watch {
    async fn start(waiting: &[&str], together: usize) -> Self {
        let (seen, fail_next): (Arc<Mutex<Vec<Seen>>>, Arc<Mutex<bool>>) = Default::default();
        let (seen_by, fail_by) = (seen.clone(), fail_next.clone());
        let watched = move |bus| -> Arc<dyn Bus> { Arc::new(Deadly { bus, seen: seen_by, fail_next: fail_by }) };
        let fixture = Fixture::start_after(waiting, Script::of(together), watched).await;
        Self { fixture, seen, fail_next }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The prefetch of each consumer so far.
    fn consumed(&self) -> Vec<u16> {
        let prefetch = |seen: &Seen| match seen {
            Seen::Consumes(prefetch) => Some(*prefetch),
            Seen::Delivered(_) => None,
        };
        self.seen().iter().filter_map(prefetch).collect()
    }
}

fn delivered(load_id: &str) -> Seen {
    Seen::Delivered(load_id.into())
}

#[tokio::test]
async fn after_a_start_what_killed_a_worker_is_alone_in_hand() {
    let watch = Watch::start(&["killer 1", "killer 2", "a", "b", "c"], 10).await;
    watch.fixture.until_settled().await;
    assert_eq!(watch.fixture.batches(), [vec!["killer 1"], vec!["killer 2"], vec!["a", "b", "c"]]);
    let mut expected = vec![Seen::Consumes(1)];
    expected.extend(["killer 1", "killer 2", "a"].map(delivered));
    // Only now is anything fetched ahead.
    expected.push(Seen::Consumes(10));
    expected.extend(["b", "c"].map(delivered));
    assert_eq!(watch.seen(), expected);
}

#[tokio::test]
async fn what_killed_a_worker_takes_no_others_with_it() {
    let watch = Watch::start(&["a", "b", "killer 1", "c", "killer 2", "d", "e"], 10).await;
    watch.fixture.until_settled().await;
    let expected = [vec!["a", "b"], vec!["killer 1"], vec!["c"], vec!["killer 2"], vec!["d", "e"]];
    assert_eq!(watch.fixture.batches(), expected, "in the order of delivery");
}

/// Or a worker that is killed once, with hundreds in hand, would have each of them built alone.
#[tokio::test]
async fn what_was_in_hand_at_one_death_is_handled_together() {
    let watch = Watch::start(&["unlucky 1", "unlucky 2", "a"], 10).await;
    watch.fixture.until_settled().await;
    assert_eq!(watch.fixture.batches(), [["unlucky 1", "unlucky 2", "a"]]);
}

#[tokio::test]
async fn a_stage_that_handles_one_at_a_time_consumes_once() {
    let watch = Watch::start(&["a", "killer", "b"], 1).await;
    watch.fixture.until_settled().await;
    assert_eq!(watch.fixture.batches(), [["a"], ["killer"], ["b"]]);
    assert_eq!(watch.seen(), [Seen::Consumes(1), delivered("a"), delivered("killer"), delivered("b")]);
}

#[tokio::test]
async fn after_an_error_it_begins_slowly_again() {
    let watch = Watch::start(&["a", "b"], 10).await;
    watch.fixture.until_settled().await;
    *watch.fail_next.lock().unwrap() = true;
    // Wakes the wait that began before; the next one meets the error.
    watch.fixture.ask("c").await;
    let begun = Instant::now();
    while watch.consumed() != [1, 10, 1] {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", watch.seen());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    watch.fixture.ask("d").await;
    watch.fixture.until_settled().await;
    assert_eq!(watch.fixture.tries("d"), [1]);
}

/// It may not listen for cancels, and finds them in the queue all the same.
#[tokio::test]
async fn a_worker_without_the_right_to_listen_works_on() {
    let watch = Watch::start(&["a", "b", "cancel b", "c"], 10).await;
    watch.fixture.until_settled().await;
    assert_eq!(
        (watch.fixture.batches(), watch.fixture.given_up()),
        (vec![vec!["a".into(), "b".into(), "c".into()]], vec!["b".into()])
    );
}
