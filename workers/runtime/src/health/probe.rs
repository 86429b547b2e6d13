//! Asking a part that was not heard of for a while: once for all who want to know, and nobody waits long.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Finding, Part, Vitals};

/// How long a good word counts.
const GOOD: Duration = Duration::from_secs(30);

/// How long a fault counts before somebody asks again.
const BAD: Duration = Duration::from_secs(10);

/// How long one who wants to know waits for an answer. Kubernetes gives up after a second.
const WAIT: Duration = Duration::from_millis(800);

/// How long a part may be silent before that means something.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a silence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Others have it: what was known before still holds. The check ends by itself, and then more is known.
    Busy,
    /// It is away.
    Away,
}

type Check = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A part that is asked by a check, which must tell the vitals what it finds.
pub struct Probe {
    vitals: Arc<Vitals>,
    silence: Silence,
    check: Box<dyn Fn() -> Check + Send + Sync>,
    /// What is known without asking, and wrong.
    trouble: Box<dyn Fn() -> Option<String> + Send + Sync>,
    running: Mutex<Option<Running>>,
}

/// A check that goes on though nobody waits: what it asks for can't be taken back, and a second one would stand in line
/// behind it.
#[derive(Clone)]
struct Running {
    since: Instant,
    ended: watch::Receiver<()>,
}

impl Probe {
    pub(crate) fn new(
        vitals: Arc<Vitals>,
        silence: Silence,
        check: impl Fn() -> Check + Send + Sync + 'static,
        trouble: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let (check, trouble) = (Box::new(check), Box::new(trouble));
        Self { vitals, silence, check, trouble, running: Mutex::default() }
    }

    /// The check that runs, or a new one.
    fn running(&self) -> Running {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_ref().filter(|running| running.ended.has_changed().is_ok()) {
            return running.clone();
        }
        let (end, ended) = watch::channel(());
        let check = (self.check)();
        tokio::spawn(async move {
            check.await;
            drop(end);
        });
        running.insert(Running { since: Instant::now(), ended }).clone()
    }

    fn in_trouble(&self) -> Option<Finding> {
        (self.trouble)().map(Finding::bad)
    }
}

#[async_trait]
impl Part for Probe {
    fn known(&self) -> Finding {
        self.in_trouble().unwrap_or_else(|| self.vitals.last())
    }

    async fn look(&self) -> Finding {
        if let Some(known) = self.in_trouble().or_else(|| self.vitals.fresh(GOOD, BAD)) {
            return known;
        }
        let mut running = self.running();
        // An error is its end: nothing is ever sent.
        let ended = tokio::time::timeout(WAIT, running.ended.changed()).await.is_ok();
        let known = self.known();
        let silent = running.since.elapsed();
        if !ended && known.ok && silent > PATIENCE && self.silence == Silence::Away {
            return Finding::bad(format!("no answer for {} s", silent.as_secs()));
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::vitals::Told;
    use super::*;

    /// A part whose check takes so long.
    fn probe(silence: Silence, takes: Duration) -> (Probe, Arc<AtomicUsize>) {
        let (vitals, asked) = (Arc::new(Vitals::default()), Arc::new(AtomicUsize::new(0)));
        let (told, count) = (vitals.clone(), asked.clone());
        let check = move || -> Check {
            count.fetch_add(1, Ordering::SeqCst);
            let told = told.clone();
            Box::pin(async move {
                tokio::time::sleep(takes).await;
                told.hear(Told::Good);
            })
        };
        (Probe::new(vitals, silence, check, || None), asked)
    }

    #[tokio::test]
    async fn all_who_ask_share_one_check_and_its_answer_counts_for_a_while() {
        let (probe, asked) = probe(Silence::Away, Duration::from_millis(50));
        let (one, other) = tokio::join!(probe.look(), probe.look());
        assert!(one.ok && other.ok && probe.look().await.ok);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_check_that_takes_long_is_not_begun_again_and_keeps_nobody() {
        let (probe, asked) = probe(Silence::Busy, Duration::from_secs(60));
        let begun = Instant::now();
        assert!(!probe.look().await.ok, "nothing is known yet");
        probe.vitals.hear(Told::Bad("away".into()));
        assert!(!probe.look().await.ok);
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_is_known_to_be_wrong_needs_no_check() {
        let (mut probe, asked) = probe(Silence::Away, Duration::ZERO);
        probe.trouble = Box::new(|| Some("the connection is lost".into()));
        probe.vitals.hear(Told::Good);
        assert_eq!(probe.look().await, Finding::bad("the connection is lost"));
        assert_eq!(asked.load(Ordering::SeqCst), 0);
    }
}
