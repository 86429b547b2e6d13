//! Events on their way: a bounded queue, and a thread that empties it. Whoever tells never waits. Each way has its own, so that
//! one that is blocked keeps nothing from another.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::report::{self, Watch};
use super::way::{Sent, Way};

/// Events that may wait: those of some hundred loads. What comes then is dropped.
const WAITING: usize = 10_000;
/// How large they may be together.
const WAITING_BYTES: usize = 64 << 20;

/// The first pause after an event was not taken; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often one event is tried that the receiver answers with a fault of its own. Where nobody answers, it is tried for ever.
const TRIES: u32 = 10;

/// The queue, as those see it who tell.
pub(super) struct Queue {
    shared: Arc<Shared>,
    limit: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Arc<str>>,
    bytes: usize,
    /// Until when what waits may still be sent; set once the process ends.
    until: Option<Instant>,
    has_ended: bool,
}

impl Queue {
    /// Begins to send what comes.
    pub(super) fn start(way: Box<dyn Way>) -> std::io::Result<Self> {
        Self::start_with(way, WAITING)
    }

    fn start_with(way: Box<dyn Way>, limit: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("lineage".into()).spawn(move || of_thread.run(way))?;
        Ok(Self { shared, limit })
    }

    /// Takes events, or drops them if too many wait.
    pub(super) fn put(&self, events: impl IntoIterator<Item = Arc<str>>) {
        let mut dropped = 0;
        let mut state = self.shared.state();
        for event in events {
            let fits = state.events.len() < self.limit && state.bytes + event.len() <= WAITING_BYTES;
            if fits && state.until.is_none() {
                state.bytes += event.len();
                state.events.push_back(event);
            } else {
                dropped += 1;
            }
        }
        drop(state);
        self.shared.changed.notify_all();
        report::dropped(dropped);
    }

    /// No more comes, and what waits may be sent until then.
    pub(super) fn close(&self, until: Instant) {
        self.shared.state().until = Some(until);
        self.shared.changed.notify_all();
    }

    /// Waits for that; what is left then is lost. Blocks.
    pub(super) fn ended(&self) {
        let mut state = self.shared.state();
        while let Some(until) = state.until.filter(|_| !state.has_ended) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        // An event that is under way as well.
        let left = std::mem::take(&mut state.events).len();
        drop(state);
        report::left(left);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut way: Box<dyn Way>) {
        let mut watch = Watch::new(way.to());
        while let Some(event) = self.next() {
            self.deliver(way.as_mut(), &mut watch, &event);
            // Only now: what is under way when the process ends was not sent.
            let mut state = self.state();
            if let Some(event) = state.events.pop_front() {
                state.bytes = state.bytes.saturating_sub(event.len());
            }
        }
        self.state().has_ended = true;
        self.changed.notify_all();
    }

    /// The event at the head, which stays there; `None` once all are sent and no more come.
    fn next(&self) -> Option<Arc<str>> {
        let mut state = self.state();
        loop {
            if let Some(event) = state.events.front() {
                return Some(event.clone());
            }
            if state.until.is_some() {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn deliver(&self, way: &mut dyn Way, watch: &mut Watch, event: &str) {
        let mut pause = FIRST_PAUSE;
        let mut answers = 0;
        loop {
            match way.send(event) {
                Sent::Taken => return watch.taken(),
                Sent::Refused(why) => return watch.refused(&why),
                Sent::Faulty(why) => {
                    answers += 1;
                    if answers >= TRIES {
                        return watch.refused(&why);
                    }
                    watch.away(&why);
                }
                Sent::Away(why) => watch.away(&why),
            }
            if !self.pause(pause) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits, shorter once the process ends; `false` if there is no time left then.
    fn pause(&self, pause: Duration) -> bool {
        let wake = Instant::now() + pause;
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let wake = match state.until {
                Some(until) if now >= until => return false,
                Some(_) => wake.min(now + FIRST_PAUSE),
                None => wake,
            };
            let left = wake.saturating_duration_since(now);
            if left.is_zero() {
                return true;
            }
            let is_ending = state.until.is_some();
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            if is_ending {
                return state.until.is_none_or(|until| Instant::now() < until);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Answers as it is told to, and says what it was sent.
    struct Played {
        answers: VecDeque<Sent>,
        /// Each call waits for a word, where somebody gives them.
        go: Option<Receiver<()>>,
        sent: Sender<String>,
    }

    impl Way for Played {
        fn to(&self) -> String {
            "test".into()
        }

        fn send(&mut self, event: &str) -> Sent {
            if let Some(go) = &self.go {
                let _ = go.recv();
            }
            let _ = self.sent.send(event.into());
            self.answers.pop_front().unwrap_or(Sent::Taken)
        }
    }

    fn queue(answers: Vec<Sent>, go: Option<Receiver<()>>, limit: usize) -> (Queue, Receiver<String>) {
        let (sent, seen) = channel();
        let way = Played { answers: answers.into(), go, sent };
        (Queue::start_with(Box::new(way), limit).unwrap(), seen)
    }

    fn take(seen: &Receiver<String>, count: usize) -> Vec<String> {
        (0..count).map(|_| seen.recv_timeout(Duration::from_secs(60)).unwrap()).collect()
    }

    #[test]
    fn what_is_not_taken_is_sent_again_before_what_follows() {
        let away = || Sent::Away("away".into());
        let (queue, seen) =
            queue(vec![away(), Sent::Faulty("500".into()), Sent::Taken, Sent::Refused("422".into())], None, 10);
        queue.put(["a".into(), "b".into(), "c".into()]);
        assert_eq!(take(&seen, 5), ["a", "a", "a", "b", "c"]);
        end(&queue, Duration::from_secs(60));
    }

    fn end(queue: &Queue, at_most: Duration) {
        queue.close(Instant::now() + at_most);
        queue.ended();
    }

    #[test]
    fn whoever_tells_never_waits_and_what_is_too_much_is_dropped() {
        let (go, gone) = channel();
        let (queue, seen) = queue(Vec::new(), Some(gone), 3);
        queue.put((0..100).map(|at| at.to_string().into()));
        for _ in 0..3 {
            go.send(()).unwrap();
        }
        assert_eq!(take(&seen, 3), ["0", "1", "2"]);
        queue.put(["later".into()]);
        go.send(()).unwrap();
        assert_eq!(take(&seen, 1), ["later"]);
    }

    #[test]
    fn the_end_sends_what_waits_and_does_not_wait_for_ever() {
        let (good, seen) = queue(Vec::new(), None, 10);
        good.put(["a".into(), "b".into()]);
        end(&good, Duration::from_secs(60));
        assert_eq!(take(&seen, 2), ["a", "b"]);
        good.put(["too late".into()]);
        assert!(seen.try_recv().is_err());

        let (_go, gone) = channel();
        let (stuck, _seen) = queue(Vec::new(), Some(gone), 10);
        stuck.put(["a".into()]);
        let begun = Instant::now();
        end(&stuck, Duration::from_millis(50));
        assert!(begun.elapsed() < Duration::from_secs(30), "it hangs with its receiver");
    }
}
