//! The embedded bus among real processes that are killed. Each child is this test program again, with a role.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use messages::{Failure, LoadId, Stage};
use millrace_bus::Bus;
use millrace_bus::conformance::{SOON, envelope, next, nothing_comes};
use millrace_bus::embedded::EmbeddedBus;

const ROLE: &str = "BUS_TEST_ROLE";
const FILE: &str = "BUS_TEST_FILE";

/// Before what a child says, because the test harness writes to the same stream.
const SAYS: &str = "child says ";

#[tokio::test]
async fn what_a_killed_worker_had_in_hand_goes_to_another_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bus.sqlite");
    let bus = open(&file).await;
    let sent = envelope();
    bus.publish(&sent).await.unwrap();
    let mut child = Role::start("hold", &file);
    assert_eq!(child.heard(), sent.id.to_string());
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    nothing_comes(&mut *consumer).await;
    child.kill();
    let killed = Instant::now();
    let delivery = next(&mut *consumer).await;
    assert_eq!(delivery.envelope().unwrap(), sent);
    assert_eq!((delivery.attempt(), delivery.deaths()), (2, 1));
    assert!(killed.elapsed() < Duration::from_secs(5), "it took {:?}", killed.elapsed());
    assert_eq!(owners(&file), 1, "the dead owner's file is removed");
}

#[tokio::test]
async fn what_a_killed_worker_had_in_hand_is_there_when_the_bus_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bus.sqlite");
    open(&file).await.publish(&envelope()).await.unwrap();
    for attempt in 1..=3 {
        assert_eq!(open(&file).await.depths().await.unwrap()[0].ready, 1, "before {attempt}");
        let mut child = Role::start("hold", &file);
        child.heard();
        child.kill();
    }
    let bus = open(&file).await;
    assert_eq!(bus.depths().await.unwrap()[0].consumers, Some(0), "the dead consume nothing");
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    assert_eq!((delivery.attempt(), delivery.deaths()), (4, 3));
    // Replayed it is as new, its deaths included.
    delivery.dead_letter(&Failure::permanent("it kills")).await.unwrap();
    let dead = bus.dead(None, 1).await.unwrap();
    bus.replay(&[dead[0].dead_id.clone()]).await.unwrap();
    let delivery = next(&mut *consumer).await;
    assert_eq!((delivery.attempt(), delivery.deaths()), (1, 0));
}

/// In another process too a pause holds, and its end is seen by who waits.
#[tokio::test]
async fn a_pause_is_obeyed_by_another_process_and_so_is_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bus.sqlite");
    let bus = open(&file).await;
    bus.set_paused(Stage::Ingest, true).await.unwrap();
    let sent = envelope();
    bus.publish(&sent).await.unwrap();
    let mut child = Role::start("hold", &file);
    let started = Instant::now();
    while bus.depths().await.unwrap()[0].consumers != Some(1) {
        assert!(started.elapsed() < SOON, "the child does not consume");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Long enough for many looks of the child.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let depth = bus.depths().await.unwrap().remove(0);
    assert_eq!((depth.ready, depth.in_hand), (1, 0));
    bus.set_paused(Stage::Ingest, false).await.unwrap();
    assert_eq!(child.heard(), sent.id.to_string());
}

#[tokio::test]
async fn what_was_published_before_the_kill_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bus.sqlite");
    let mut told = BTreeSet::new();
    for round in 1..=4 {
        let mut child = Role::start("publish", &file);
        for _ in 0..round * 25 {
            told.insert(child.heard());
        }
        told.extend(child.kill());
    }
    let mut there = BTreeSet::new();
    let bus = open(&file).await;
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    while bus.depths().await.unwrap()[0].unsettled() > 0 {
        let delivery = next(&mut *consumer).await;
        there.insert(delivery.envelope().unwrap().id.to_string());
        delivery.ack().await.unwrap();
    }
    let lost: Vec<_> = told.difference(&there).collect();
    assert!(lost.is_empty(), "{} of {} are lost", lost.len(), told.len());
}

#[tokio::test]
async fn many_workers_that_die_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bus.sqlite");
    let bus = open(&file).await;
    let mut sent = BTreeSet::new();
    for envelope in std::iter::repeat_with(envelope).take(200) {
        bus.publish(&envelope).await.unwrap();
        sent.insert(envelope.id.to_string());
    }
    let mut done = BTreeSet::new();
    for _ in 0..3 {
        let mut children = [Role::start("consume", &file), Role::start("consume", &file)];
        for child in &mut children {
            done.extend((0..10).map(|_| child.heard()));
        }
        for child in children {
            done.extend(child.kill());
        }
    }
    assert!(done.len() < sent.len(), "the children were killed too late to show anything");
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    while bus.depths().await.unwrap()[0].unsettled() > 0 {
        let delivery = next(&mut *consumer).await;
        done.insert(delivery.envelope().unwrap().id.to_string());
        delivery.ack().await.unwrap();
    }
    assert_eq!(done, sent);
}

#[tokio::test]
async fn a_killed_listener_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bus.sqlite");
    let mut child = Role::start("listen", &file);
    let load_id: LoadId = child.heard().parse().unwrap();
    let bus = open(&file).await;
    let command = messages::IngestRequested { load_id, sources: vec![], files: vec![], as_of: None };
    bus.publish(&messages::Envelope::new("test", command)).await.unwrap();
    assert_eq!(child.heard(), "heard");
    child.kill();
    drop(bus);
    let _opened_after = open(&file).await;
    let file = rusqlite::Connection::open(&file).unwrap();
    for table in ["listener", "announcement"] {
        let rows: i64 = file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn many_processes_may_make_the_file_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/bus.sqlite");
    let mut children: Vec<_> = (0..6).map(|_| Role::start("open", &file)).collect();
    for child in &mut children {
        assert_eq!(child.heard(), "open");
    }
    assert_eq!(owners(&file), 6);
}

/// What the children do. Does nothing in an ordinary test run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other tests start it as a process of its own"]
async fn child() {
    let (Ok(role), Ok(file)) = (std::env::var(ROLE), std::env::var(FILE)) else {
        return;
    };
    let bus = Arc::new(open(Path::new(&file)).await);
    match role.as_str() {
        "open" => say("open"),
        "hold" => {
            let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
            let delivery = next(&mut *consumer).await;
            say(delivery.envelope().unwrap().id);
            std::future::pending::<()>().await;
        }
        "publish" => {
            let publish = |bus: Arc<EmbeddedBus>| async move {
                loop {
                    let envelope = envelope();
                    bus.publish(&envelope).await.unwrap();
                    say(envelope.id);
                }
            };
            for _ in 0..4 {
                tokio::spawn(publish(bus.clone()));
            }
        }
        "consume" => {
            let mut consumer = bus.consume(Stage::Ingest, 4).await.unwrap();
            loop {
                let delivery = next(&mut *consumer).await;
                // The effect first, the acknowledgement last: as every worker does.
                say(delivery.envelope().unwrap().id);
                delivery.ack().await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        "listen" => {
            let sent = envelope();
            let types = ["ingest.requested"];
            let mut one = bus.listen(sent.load_id(), &types).await.unwrap();
            let _unread = bus.listen(sent.load_id(), &types).await.unwrap();
            say(sent.load_id());
            next(&mut *one).await;
            say("heard");
            std::future::pending::<()>().await;
        }
        other => panic!("no role {other}"),
    }
    std::future::pending::<()>().await;
}

fn say(what: impl std::fmt::Display) {
    println!("{SAYS}{what}");
}

async fn open(file: &Path) -> EmbeddedBus {
    EmbeddedBus::open(file, "test").await.unwrap()
}

fn owners(file: &Path) -> usize {
    std::fs::read_dir(format!("{}.owners", file.display())).unwrap().count()
}

struct Role {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Role {
    fn start(role: &str, file: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env(ROLE, role)
            .env(FILE, file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next thing that the child says. A child that has nothing to say gives up at its own deadlines.
    fn heard(&mut self) -> String {
        self.rest().next().expect("the child ended without a word")
    }

    fn rest(&mut self) -> impl Iterator<Item = String> {
        // The harness's own words may stand before it on the line.
        self.lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| line.split_once(SAYS).map(|(_, said)| said.to_owned()))
    }

    /// Kills the child with the signal that no process can catch, and tells what it had still said.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // The last line may be cut off in the middle.
        self.rest().filter(|said| said.len() == 36).collect()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
