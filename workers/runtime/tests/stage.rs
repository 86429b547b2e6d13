//! The loop around a stage's queue, on the embedded bus: what is acknowledged, tried again, given up.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bus::Bus;
use bus::embedded::EmbeddedBus;
use messages::{DqCompleted, DqRequested, Envelope, Failure, FailureClass, LoadId, Stage, Verdict};
use millrace_runtime::{Handled, Handler, RetryPolicy, StageLoop, Work};
use tokio_util::sync::CancellationToken;

/// Does what the LOAD_ID says, and writes down what it saw.
#[derive(Clone, Default)]
struct Script {
    handled: Arc<Mutex<Vec<(String, u32)>>>,
    given_up: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Handler for Script {
    fn stage(&self) -> Stage {
        Stage::Dq
    }

    async fn handle(&mut self, work: &[Work]) -> Vec<Result<Handled, Failure>> {
        work.iter()
            .map(|work| {
                let load_id = work.envelope.load_id().to_string();
                self.handled.lock().unwrap().push((load_id.clone(), work.attempt));
                match load_id.as_str() {
                    "bad" => Err(Failure::permanent("bad input")),
                    "later" if work.attempt < 3 => Err(Failure::transient("not yet")),
                    "never" => Err(Failure::transient("not yet")),
                    "wrong" => Err(Failure::fatal("no configuration for this")),
                    _ => Ok(vec![completed(&work.envelope)].into()),
                }
            })
            .collect()
    }

    async fn give_up(&mut self, work: &Work, _failure: &Failure) -> Result<Handled, Failure> {
        self.given_up.lock().unwrap().push(work.envelope.load_id().to_string());
        Ok(Handled::default())
    }
}

fn completed(to: &Envelope) -> Envelope {
    let load_id = to.load_id().clone();
    to.leads_to("test", DqCompleted { load_id, verdict: Verdict::Passed, checks: Vec::new() })
}

struct Fixture {
    _folder: tempfile::TempDir,
    bus: Arc<EmbeddedBus>,
    script: Script,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), Failure>>,
}

impl Fixture {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bus = Arc::new(EmbeddedBus::open(&folder.path().join("bus.sqlite"), "test").await.unwrap());
        let (script, stop) = (Script::default(), CancellationToken::new());
        let stage = StageLoop {
            bus: bus.clone(),
            handler: script.clone(),
            retry: RetryPolicy {
                max_attempts: 4,
                first_delay: Duration::from_millis(5),
                max_delay: Duration::from_millis(20),
            },
            announced: None,
        };
        let running = tokio::spawn(stage.run(stop.clone()));
        Self { _folder: folder, bus, script, stop, running }
    }

    async fn ask(&self, load_id: &str) {
        let command = DqRequested { load_id: LoadId::new(load_id).unwrap(), sources: Vec::new() };
        self.bus.publish(&Envelope::new("test", command)).await.unwrap();
    }

    async fn until_settled(&self) {
        let begun = Instant::now();
        while self.bus.depths().await.unwrap().iter().any(|depth| depth.unsettled() > 0) {
            assert!(begun.elapsed() < Duration::from_secs(30), "messages were not settled");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn tries(&self, load_id: &str) -> Vec<u32> {
        let handled = self.script.handled.lock().unwrap();
        handled.iter().filter(|(known, _)| known == load_id).map(|(_, attempt)| *attempt).collect()
    }
}

#[tokio::test]
async fn what_is_handled_is_announced_and_gone() {
    let fixture = Fixture::start().await;
    let load_id = LoadId::new("good").unwrap();
    let mut answers = fixture.bus.listen(&load_id, &["dq.completed"]).await.unwrap();
    fixture.ask("good").await;
    let answer = answers.next_within(Duration::from_secs(30)).await.unwrap().expect("an answer");
    assert_eq!(answer.envelope().unwrap().load_id(), &load_id);
    fixture.until_settled().await;
    assert_eq!(fixture.tries("good"), [1]);
    fixture.stop.cancel();
    fixture.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn transient_failures_are_tried_again_and_then_given_up() {
    let fixture = Fixture::start().await;
    fixture.ask("later").await;
    fixture.ask("never").await;
    fixture.until_settled().await;
    assert_eq!(fixture.tries("later"), [1, 2, 3]);
    assert_eq!(fixture.tries("never"), [1, 2, 3, 4]);
    assert_eq!(*fixture.script.given_up.lock().unwrap(), ["never"]);
    let dead = fixture.bus.dead(None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].attempts, dead[0].cause.class), (1, 4, FailureClass::Transient));
}

#[tokio::test]
async fn permanent_failures_are_given_up_at_once_and_replayed_when_asked() {
    let fixture = Fixture::start().await;
    fixture.ask("bad").await;
    fixture.until_settled().await;
    assert_eq!(fixture.tries("bad"), [1]);
    let dead = fixture.bus.dead(Some(Stage::Dq), 10).await.unwrap();
    assert_eq!(dead[0].cause, Failure::permanent("bad input"));
    assert_eq!(fixture.bus.replay(&[dead[0].dead_id.clone()]).await.unwrap().len(), 1);
    fixture.until_settled().await;
    assert_eq!(fixture.tries("bad"), [1, 1]);
}

#[tokio::test]
async fn garbage_is_kept_and_does_not_stop_the_loop() {
    let fixture = Fixture::start().await;
    fixture.bus.publish_raw(Stage::Dq, b"\xff not a message".to_vec()).await.unwrap();
    fixture.ask("good").await;
    fixture.until_settled().await;
    assert_eq!(fixture.tries("good"), [1]);
    assert_eq!(fixture.bus.dead(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_fatal_failure_ends_the_loop_and_keeps_the_message() {
    let fixture = Fixture::start().await;
    fixture.ask("wrong").await;
    let failure = fixture.running.await.unwrap().unwrap_err();
    assert_eq!(failure, Failure::fatal("no configuration for this"));
    let depths = fixture.bus.depths().await.unwrap();
    assert_eq!(depths.iter().map(|depth| depth.unsettled() + depth.dead).sum::<u64>(), 1);
}
