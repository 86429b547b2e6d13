//! How a process is: that it runs, and whether the parts that it needs can be used.

mod probe;
mod vitals;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures::future::join_all;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub(crate) use probe::{Probe, Silence};
pub(crate) use vitals::{Told, Vitals, lasting};

/// How a part stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether work that needs it can be done.
    pub ok: bool,
    /// What it is, or what is wrong and what to do; for people, and without secrets.
    pub text: String,
}

impl Finding {
    /// It can be used.
    pub fn good(text: impl Into<String>) -> Self {
        Self { ok: true, text: text.into() }
    }

    /// It can't be used.
    pub fn bad(text: impl Into<String>) -> Self {
        Self { ok: false, text: text.into() }
    }
}

/// Something that a process needs.
#[async_trait]
pub trait Part: Send + Sync + 'static {
    /// What is known of it, without asking anybody.
    fn known(&self) -> Finding;

    /// How it stands now. It is asked only if what is known is old, and the answer takes less than a second: whoever probes
    /// processes waits no longer by default.
    async fn look(&self) -> Finding {
        self.known()
    }
}

/// The health of this process. Clones are the same one.
#[derive(Clone)]
pub struct Health(Arc<Process>);

struct Process {
    role: &'static str,
    begun: Instant,
    started: AtomicBool,
    stop: CancellationToken,
    parts: Mutex<Vec<Named>>,
}

/// A part by its name.
pub type Named = (&'static str, Arc<dyn Part>);

/// What is said of a process that runs.
#[derive(Serialize)]
pub(crate) struct Alive {
    ok: bool,
    role: &'static str,
    version: &'static str,
    uptime_secs: u64,
}

impl Health {
    /// The health of a process that starts, and runs `role` until `stop` is cancelled.
    pub fn new(role: &'static str, stop: CancellationToken) -> Self {
        let (begun, started, parts) = (Instant::now(), AtomicBool::new(false), Mutex::default());
        Self(Arc::new(Process { role, begun, started, stop, parts }))
    }

    /// Something that the role needs.
    pub fn add(&self, name: &'static str, part: Arc<dyn Part>) {
        self.0.parts.lock().unwrap_or_else(PoisonError::into_inner).push((name, part));
    }

    /// The role runs.
    pub fn started(&self) {
        self.0.started.store(true, Ordering::Relaxed);
    }

    fn parts(&self) -> Vec<Named> {
        self.0.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// That it runs. It is the process itself that answers, so there is nothing else to say: when one of its loops ends, the
    /// process does.
    pub(crate) fn alive(&self) -> Alive {
        let uptime_secs = self.0.begun.elapsed().as_secs();
        Alive { ok: true, role: self.0.role, version: env!("CARGO_PKG_VERSION"), uptime_secs }
    }

    /// What is known of each part, and of the process itself.
    pub fn known(&self) -> Vec<(&'static str, Finding)> {
        let parts = self.parts().into_iter().map(|(name, part)| (name, part.known()));
        std::iter::once(("process", self.process())).chain(parts).collect()
    }

    /// How each part stands, and the process itself.
    pub(crate) async fn look(&self) -> BTreeMap<&'static str, Finding> {
        let looks = self.parts().into_iter().map(|(name, part)| async move { (name, part.look().await) });
        std::iter::once(("process", self.process())).chain(join_all(looks).await).collect()
    }

    fn process(&self) -> Finding {
        if self.0.stop.is_cancelled() {
            return Finding::bad("it is ending: what is in hand is finished, and nothing more is begun");
        }
        match self.0.started.load(Ordering::Relaxed) {
            true => Finding::good(format!("runs {}", self.0.role)),
            false => Finding::bad("it is starting"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    impl Part for Broken {
        fn known(&self) -> Finding {
            Finding::bad("mend it")
        }
    }

    #[tokio::test]
    async fn each_part_is_named_and_so_is_an_end() {
        let stop = CancellationToken::new();
        let health = Health::new("dq", stop.clone());
        assert!(!health.look().await["process"].ok, "it only starts");
        health.add("bus", Arc::new(Broken));
        health.started();
        let found = health.look().await;
        assert_eq!(found["bus"], Finding::bad("mend it"));
        assert!(found["process"].ok);
        stop.cancel();
        assert!(!health.look().await["process"].ok);
        assert_eq!(health.known().iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["process", "bus"]);
    }
}
