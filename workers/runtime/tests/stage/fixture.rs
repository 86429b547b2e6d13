//! A stage loop on an embedded bus, with a handler that does what the LOAD_ID says.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bus::Bus;
use bus::embedded::EmbeddedBus;
use messages::{
    CancelRequested, DqCancelRequested, DqCompleted, DqDryRunCompleted, DqDryRunRequested, DqFailed, DqRequested,
    Envelope, Failure, FailureClass, LoadId, MessageId, Stage, Verdict,
};
use millrace_runtime::{Cancels, Handled, Handler, Patience, RetryPolicy, StageLoop, Work};
use tokio_util::sync::CancellationToken;

/// Does what the LOAD_ID says, and writes down what it saw.
#[derive(Clone)]
pub struct Script {
    pub handled: Arc<Mutex<Vec<(String, u32)>>>,
    /// The LOAD_IDs of each call.
    pub batches: Arc<Mutex<Vec<Vec<String>>>>,
    pub given_up: Arc<Mutex<Vec<(String, Failure)>>>,
    /// What was taken back, as an audit keeps it, with the tries that it took.
    pub taken_back: Arc<Mutex<Vec<(CancelRequested, u32)>>>,
    together: usize,
}

impl Script {
    pub fn of(together: usize) -> Self {
        Self {
            handled: Arc::default(),
            batches: Arc::default(),
            given_up: Arc::default(),
            taken_back: Arc::default(),
            together,
        }
    }
}

#[async_trait]
impl Handler for Script {
    fn stage(&self) -> Stage {
        Stage::Dq
    }

    fn together(&self) -> usize {
        self.together
    }

    fn patience(&self, first: &Envelope) -> Patience {
        match first.load_id().as_str() {
            "patient" => Patience { at_most: Duration::from_secs(60), gap: Duration::from_secs(60) },
            _ => Patience::default(),
        }
    }

    async fn handle(&mut self, work: &[Work]) -> Vec<Result<Handled, Failure>> {
        let load_id = |work: &Work| work.envelope.load_id().to_string();
        self.batches.lock().unwrap().push(work.iter().map(load_id).collect());
        if let [Work { envelope, cancel, .. }] = work
            && envelope.load_id().as_str() == "endless"
        {
            return vec![Err(cancel.comes().await)];
        }
        work.iter()
            .map(|work| {
                let load_id = load_id(work);
                self.handled.lock().unwrap().push((load_id.clone(), work.attempt));
                let taken_back = self.taken_back.lock().unwrap().clone();
                let known = taken_back.iter().find(|(cancel, _)| cancel.concerns(&work.envelope));
                if let Some(failure) = known.map(|(cancel, _)| cancel.failure()).or_else(|| work.cancel.heard()) {
                    return Err(failure);
                }
                match load_id.as_str() {
                    "bad" => Err(Failure::permanent("bad input")),
                    "later" if work.attempt < 3 => Err(Failure::transient("not yet")),
                    "never" => Err(Failure::transient("not yet")),
                    "wrong" => Err(Failure::fatal("no configuration for this")),
                    "panics" | "panics twice" => panic!("a wheel of {load_id} is missing"),
                    _ => Ok(vec![completed(&work.envelope)].into()),
                }
            })
            .collect()
    }

    async fn cancel(&mut self, work: &Work, cancel: &CancelRequested) -> Result<(), Failure> {
        let mut taken_back = self.taken_back.lock().unwrap();
        let reason = cancel.reason.as_deref().unwrap_or_default();
        if reason == "hard to record" && work.attempt < 3 || reason == "never recorded" {
            return Err(Failure::transient("the audit is away"));
        }
        taken_back.push((cancel.clone(), work.attempt));
        Ok(())
    }

    async fn give_up(&mut self, work: &Work, failure: &Failure) -> Result<Handled, Failure> {
        let load_id = work.envelope.load_id().clone();
        self.given_up.lock().unwrap().push((load_id.to_string(), failure.clone()));
        assert_ne!(load_id.as_str(), "panics twice");
        let failure = failure.clone();
        if work.envelope.message.is_dry_run() {
            let answer = DqDryRunCompleted { load_id, verdict: None, checks: Vec::new(), failure: Some(failure) };
            return Ok(vec![work.envelope.leads_to("test", answer)].into());
        }
        if failure.class != FailureClass::Cancelled {
            return Ok(Handled::default());
        }
        let failed = DqFailed { load_id, verdict: Verdict::Failed, checks: Vec::new(), failure };
        Ok(vec![work.envelope.leads_to("test", failed)].into())
    }
}

fn completed(to: &Envelope) -> Envelope {
    let load_id = to.load_id().clone();
    to.leads_to("test", DqCompleted { load_id, verdict: Verdict::Passed, checks: Vec::new() })
}

pub struct Fixture {
    _folder: tempfile::TempDir,
    pub bus: Arc<EmbeddedBus>,
    pub script: Script,
    pub stop: CancellationToken,
    pub running: tokio::task::JoinHandle<Result<(), Failure>>,
}

impl Fixture {
    pub async fn start() -> Self {
        Self::start_after(&[], Script::of(1), |bus| bus).await
    }

    /// Starts when `waiting` is in the queue already, on what `seen` makes of the bus.
    pub async fn start_after(
        waiting: &[&str],
        script: Script,
        seen: impl FnOnce(Arc<dyn Bus>) -> Arc<dyn Bus>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut last = None;
        let bus = Arc::new(EmbeddedBus::open(&folder.path().join("bus.sqlite"), "test").await.unwrap());
        for load_id in waiting {
            // `cancel X` takes back what was published last, and speaks of the load X.
            let envelope = match load_id.strip_prefix("cancel ") {
                Some(load_id) => cancel(load_id, last.unwrap(), "a typo"),
                None => command(load_id),
            };
            last = Some(envelope.id);
            bus.publish(&envelope).await.unwrap();
        }
        let stop = CancellationToken::new();
        let stage = StageLoop {
            bus: seen(bus.clone()),
            handler: script.clone(),
            retry: RetryPolicy {
                max_attempts: 4,
                first_delay: Duration::from_millis(5),
                max_delay: Duration::from_millis(20),
            },
            announced: None,
            cancels: Cancels::default(),
        };
        let running = tokio::spawn(stage.run(stop.clone()));
        Self { _folder: folder, bus, script, stop, running }
    }

    pub async fn ask(&self, load_id: &str) {
        publish(&self.bus, load_id).await;
    }

    /// Asks what would be done.
    pub async fn ask_dry(&self, load_id: &str) {
        let command = DqRequested { load_id: LoadId::new(load_id).unwrap(), sources: Vec::new() };
        self.bus.publish(&Envelope::new("test", DqDryRunRequested(command))).await.unwrap();
    }

    /// Takes back a command that was given or not.
    pub async fn take_back(&self, load_id: &str, command_id: MessageId, reason: &str) {
        self.bus.publish(&cancel(load_id, command_id, reason)).await.unwrap();
    }

    pub async fn until_in_hand(&self, count: u64) {
        let begun = Instant::now();
        while self.bus.depths().await.unwrap().iter().map(|depth| depth.in_hand).sum::<u64>() != count {
            assert!(begun.elapsed() < Duration::from_secs(30), "messages were not taken");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn until_settled(&self) {
        let begun = Instant::now();
        while self.bus.depths().await.unwrap().iter().any(|depth| depth.unsettled() > 0) {
            assert!(begun.elapsed() < Duration::from_secs(30), "messages were not settled");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn batches(&self) -> Vec<Vec<String>> {
        self.script.batches.lock().unwrap().clone()
    }

    pub fn given_up(&self) -> Vec<String> {
        self.script.given_up.lock().unwrap().iter().map(|(load_id, _)| load_id.clone()).collect()
    }

    pub fn tries(&self, load_id: &str) -> Vec<u32> {
        let handled = self.script.handled.lock().unwrap();
        handled.iter().filter(|(known, _)| known == load_id).map(|(_, attempt)| *attempt).collect()
    }
}

/// A command to judge.
pub fn command(load_id: &str) -> Envelope {
    Envelope::new("test", DqRequested { load_id: LoadId::new(load_id).unwrap(), sources: Vec::new() })
}

fn cancel(load_id: &str, command_id: MessageId, reason: &str) -> Envelope {
    let (load_id, reason) = (LoadId::new(load_id).unwrap(), Some(reason.to_owned()));
    Envelope::new("test", DqCancelRequested(CancelRequested { load_id, command_id, reason }))
}

async fn publish(bus: &EmbeddedBus, load_id: &str) {
    bus.publish(&command(load_id)).await.unwrap();
}
