//! How fast the embedded bus is, beside what SQLite itself can do on the same disk in the same minute.
//!
//! `cargo bench -p millrace-bus --bench embedded`
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use messages::{Envelope, IngestRequested, LoadId, MessageId, Stage};
use millrace_bus::Bus;
use millrace_bus::embedded::EmbeddedBus;

const MESSAGES: usize = 4_000;
const SENDERS: usize = 64;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--role") {
        return runtime.block_on(child(&arguments[at + 1], Path::new(&arguments[at + 2])));
    }
    let folder = tempfile::Builder::new().prefix("bench").tempdir_in(place()).unwrap();
    let path = |name: &str| folder.path().join(name);
    println!("{MESSAGES} messages of {} bytes", envelope().to_json().unwrap().len());

    let alone = reference(&path("one.sqlite"), 1);
    report("SQLite, one insert per transaction", alone, None);
    let grouped = reference(&path("many.sqlite"), SENDERS);
    report(&format!("SQLite, {SENDERS} inserts per transaction"), grouped, None);
    let taken = reference_take(&path("many.sqlite"));
    report("SQLite, take and delete, not flushed", taken, None);

    runtime.block_on(async {
        let file = path("bus.sqlite");
        let bus = Arc::new(EmbeddedBus::open(&file, "bench").await.unwrap());
        report("publish, one after the other", publish(&bus, 1).await, Some(alone));
        report("take and acknowledge, one worker", drain(&bus, 1).await, Some(taken));
        let rate = publish(&bus, SENDERS).await;
        report(&format!("publish, {SENDERS} senders"), rate, Some(grouped));
        report("take and acknowledge, 8 workers", drain(&bus, 8).await, Some(taken));
        report("publish, take, acknowledge, in turn", in_turn(&bus).await, Some(alone));
        drop(bus);

        let started = Instant::now();
        let mut children = [start("publish", &file), start("publish", &file)];
        children.iter_mut().for_each(|child| assert!(child.wait().unwrap().success()));
        let rate = per_second(2 * MESSAGES, started.elapsed());
        report(&format!("publish, 2 processes of {SENDERS} senders"), rate, Some(grouped));
        let started = Instant::now();
        let mut children = [start("drain", &file), start("drain", &file)];
        children.iter_mut().for_each(|child| assert!(child.wait().unwrap().success()));
        let rate = per_second(2 * MESSAGES, started.elapsed());
        report("take and acknowledge, 2 processes of 8", rate, Some(taken));

        println!("waking another bus in this process: {:?}", latency(&file, false).await);
        println!("waking another process, a poll away: {:?}", latency(&file, true).await);
    });
}

/// On the disk of the build, because a temporary folder may be in memory, where nothing waits for a flush.
fn place() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().unwrap().to_owned()
}

fn report(what: &str, rate: f64, reference: Option<f64>) {
    match reference {
        None => println!("{what:45} {rate:9.0}/s"),
        Some(reference) => println!("{what:45} {rate:9.0}/s  {:.2} of SQLite's", rate / reference),
    }
}

fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

fn envelope() -> Envelope {
    let load_id = LoadId::new(format!("bench::{}", MessageId::fresh())).unwrap();
    Envelope::new("bench", IngestRequested { load_id, sources: vec!["batches".into()], files: vec![], as_of: None })
}

/// The same inserts with nothing around them.
fn reference(path: &Path, group: usize) -> f64 {
    let mut file = rusqlite::Connection::open(path).unwrap();
    file.pragma_update(None, "journal_mode", "WAL").unwrap();
    file.pragma_update(None, "synchronous", "FULL").unwrap();
    file.execute_batch(
        "CREATE TABLE m (seq INTEGER PRIMARY KEY, stage TEXT, state INTEGER, at INTEGER, body BLOB);
         CREATE INDEX way ON m (stage, state, at, seq)",
    )
    .unwrap();
    let started = Instant::now();
    for _ in 0..MESSAGES / group {
        let transaction = file.transaction().unwrap();
        for at in 0..group {
            let body = envelope().to_json().unwrap();
            transaction
                .prepare_cached("INSERT INTO m (stage, state, at, body) VALUES ('ingest', 0, ?1, ?2)")
                .unwrap()
                .execute((at as i64, body))
                .unwrap();
        }
        transaction.commit().unwrap();
    }
    per_second(MESSAGES / group * group, started.elapsed())
}

/// A lease and a deletion for each message, each a transaction of its own.
fn reference_take(path: &Path) -> f64 {
    let file = rusqlite::Connection::open(path).unwrap();
    file.pragma_update(None, "synchronous", "NORMAL").unwrap();
    let started = Instant::now();
    let mut take = file
        .prepare(
            "UPDATE m SET state = 2 WHERE seq = (SELECT seq FROM m WHERE stage = 'ingest' AND state = 0
             ORDER BY at, seq LIMIT 1) RETURNING seq, body",
        )
        .unwrap();
    let mut delete = file.prepare("DELETE FROM m WHERE seq = ?1").unwrap();
    let mut count = 0;
    while let Ok((seq, _)) = take.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))) {
        delete.execute([seq]).unwrap();
        count += 1;
    }
    per_second(count, started.elapsed())
}

async fn publish(bus: &Arc<EmbeddedBus>, senders: usize) -> f64 {
    let started = Instant::now();
    let tasks = (0..senders).map(|_| {
        let bus = bus.clone();
        tokio::spawn(async move {
            for _ in 0..MESSAGES / senders {
                bus.publish(&envelope()).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    per_second(MESSAGES / senders * senders, started.elapsed())
}

/// Takes and acknowledges until the queue is empty.
async fn drain(bus: &Arc<EmbeddedBus>, workers: usize) -> f64 {
    let started = Instant::now();
    let tasks = (0..workers).map(|_| {
        let bus = bus.clone();
        tokio::spawn(async move {
            let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
            let mut count = 0;
            let mut last = Instant::now();
            while let Some(delivery) = consumer.next_within(Duration::from_millis(200)).await.unwrap() {
                delivery.ack().await.unwrap();
                count += 1;
                last = Instant::now();
            }
            (count, last)
        })
    });
    let (mut count, mut last) = (0, started);
    for task in tasks.collect::<Vec<_>>() {
        let done = task.await.unwrap();
        count += done.0;
        last = last.max(done.1);
    }
    per_second(count, last - started)
}

/// What a chain of workers does: each message is published, taken and acknowledged before the next.
async fn in_turn(bus: &Arc<EmbeddedBus>) -> f64 {
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let started = Instant::now();
    for _ in 0..MESSAGES / 4 {
        bus.publish(&envelope()).await.unwrap();
        consumer.next().await.unwrap().ack().await.unwrap();
    }
    per_second(MESSAGES / 4, started.elapsed())
}

/// The median time from `publish` being called to the delivery in hand, with the consumer waiting.
async fn latency(file: &Path, other_process: bool) -> Duration {
    let bus = EmbeddedBus::open(file, "bench").await.unwrap();
    let mut child = other_process.then(|| start("echo", file));
    let sender = EmbeddedBus::open(file, "bench").await.unwrap();
    // The process answers each message in the ingest queue with one in the dq queue; then it takes two ways.
    let stage = if other_process { Stage::Dq } else { Stage::Ingest };
    let mut consumer = bus.consume(stage, 1).await.unwrap();
    let mut took = Vec::new();
    for _ in 0..40 {
        let sent = async {
            tokio::time::sleep(Duration::from_millis(7)).await;
            let started = Instant::now();
            sender.publish(&envelope()).await.unwrap();
            started
        };
        let (started, delivery) = tokio::join!(sent, consumer.next());
        took.push(started.elapsed() / if other_process { 2 } else { 1 });
        delivery.unwrap().ack().await.unwrap();
    }
    if let Some(child) = &mut child {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    took.sort();
    took[took.len() / 2]
}

fn start(role: &str, file: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--role", role])
        .arg(file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

async fn child(role: &str, file: &Path) {
    let bus = Arc::new(EmbeddedBus::open(file, role).await.unwrap());
    match role {
        "publish" => {
            publish(&bus, SENDERS).await;
        }
        "drain" => {
            drain(&bus, 8).await;
        }
        _ => {
            let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
            while let Ok(delivery) = consumer.next().await {
                bus.publish_raw(Stage::Dq, delivery.body().to_vec()).await.unwrap();
                delivery.ack().await.unwrap();
            }
        }
    }
}
