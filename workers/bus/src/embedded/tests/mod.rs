//! What goes wrong with the file, and what people are told.
#![allow(clippy::unwrap_used)]

mod operate;
mod schema;

use std::path::PathBuf;
use std::time::Instant;

use messages::{Failure, FailureClass};
use rusqlite::Connection;

use super::*;
use crate::conformance::{envelope, next};

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.sqlite");
    (folder, path)
}

/// The text of the error that opening `path` gives, after making sure that it is fatal and names the path.
async fn refusal(path: &Path) -> String {
    let error = EmbeddedBus::open(path, "test").await.err().unwrap();
    assert_eq!(error.class(), FailureClass::Fatal, "{error}");
    assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_folder, path) = file();
    let text = "dear diary, ".repeat(1_000);
    std::fs::write(&path, &text).unwrap();
    let error = refusal(&path).await;
    assert!(error.contains("no SQLite database"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let (_folder, path) = file();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = refusal(&path).await;
    assert!(error.contains("another program"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let (_folder, path) = file();
    std::fs::write(&path, "a file, not a folder").unwrap();
    let error = refusal(&path.join("bus.sqlite")).await;
    assert!(error.contains("can't make the folder"), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_told_and_overcome() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    bus.publish(&envelope()).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    let limit = |pages: i64| {
        bus.handle.call(Needs::Read, move |connection| {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        })
    };
    limit(40).await.unwrap();

    // They share a transaction, and the one that is too big spoils no other.
    let pause = bus.handle.call(Needs::Read, |_| {
        std::thread::sleep(Duration::from_millis(200));
        Ok(())
    });
    let big = bus.publish_raw(Stage::Dq, vec![b'x'; 1_000_000]);
    let small = envelope();
    let (pause, big, small) = tokio::join!(pause, big, bus.publish(&small));
    pause.and(small).unwrap();
    let error = big.unwrap_err();
    assert_eq!(error.class(), FailureClass::Transient);
    assert!(error.to_string().contains("full") && error.to_string().contains("bus.sqlite"), "{error}");

    // A delivery that can't be buried comes again.
    let cause = Failure::permanent("x".repeat(1_000_000));
    let id = delivery.envelope().unwrap().id;
    delivery.dead_letter(&cause).await.unwrap_err();
    let again = next(&mut *consumer).await;
    assert_eq!((again.envelope().unwrap().id, again.attempt()), (id, 1));

    limit(1_000_000).await.unwrap();
    again.dead_letter(&cause).await.unwrap();
    bus.publish_raw(Stage::Dq, vec![b'x'; 1_000_000]).await.unwrap();
}

/// On a runtime of one thread: while the file is locked everything else goes on.
#[tokio::test]
async fn a_locked_file_is_waited_for_without_blocking_anybody() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    let browser = Connection::open(&path).unwrap();
    browser.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sent = envelope();
    let mut publish = bus.publish(&sent);
    let started = Instant::now();
    for _ in 0..20 {
        let early = tokio::time::timeout(Duration::from_millis(10), &mut publish).await;
        assert!(early.is_err(), "published into a locked file");
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    browser.execute_batch("COMMIT").unwrap();
    publish.await.unwrap();
}

/// Slow on purpose: somebody holds the file for longer than anybody waits.
#[tokio::test]
async fn a_file_that_stays_locked_is_told() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    let browser = Connection::open(&path).unwrap();
    browser.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = bus.publish(&envelope()).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Transient);
    assert!(error.to_string().contains("is locked by another program"), "{error}");
    browser.execute_batch("COMMIT").unwrap();
    bus.publish(&envelope()).await.unwrap();
}

#[tokio::test]
async fn the_last_handle_leaves_nothing_in_hand() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    bus.publish(&envelope()).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    drop((bus, consumer, delivery));
    let raw = Connection::open(&path).unwrap();
    let (state, attempts, owners): (i64, i64, i64) = raw
        .query_row("SELECT state, attempts, (SELECT count(*) FROM owner) FROM message", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!((state, attempts, owners), (0, 0, 0));
    assert_eq!(std::fs::read_dir(format!("{}.owners", path.display())).unwrap().count(), 0);
}

/// The bus itself may go first: a delivery in hand can still be settled.
#[tokio::test]
async fn a_delivery_outlives_its_bus() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    bus.publish(&envelope()).await.unwrap();
    let mut consumer = bus.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    drop((bus, consumer));
    delivery.ack().await.unwrap();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    assert_eq!(bus.depths().await.unwrap()[0].unsettled(), 0);
}

/// Also in one process: a delivery is not taken away from a bus that lives, however often others look.
#[tokio::test]
async fn a_living_owner_keeps_what_it_has() {
    let (_folder, path) = file();
    let one = EmbeddedBus::open(&path, "one").await.unwrap();
    one.publish(&envelope()).await.unwrap();
    let mut consumer = one.consume(Stage::Ingest, 1).await.unwrap();
    let delivery = next(&mut *consumer).await;
    for _ in 0..5 {
        let other = EmbeddedBus::open(&path, "other").await.unwrap();
        assert_eq!(other.depths().await.unwrap()[0].in_hand, 1);
    }
    delivery.ack().await.unwrap();
}

#[tokio::test]
async fn a_dropped_listener_leaves_no_row() {
    let (_folder, path) = file();
    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    let sent = envelope();
    let listener = bus.listen(sent.load_id(), &["ingest.requested"]).await.unwrap();
    bus.publish(&sent).await.unwrap();
    let rows = || {
        bus.handle.call(Needs::Read, |connection| {
            let count = "SELECT (SELECT count(*) FROM listener) + (SELECT count(*) FROM announcement)";
            connection.query_row(count, [], |row| row.get::<_, i64>(0))
        })
    };
    assert_eq!(rows().await.unwrap(), 2);
    drop(listener);
    assert_eq!(rows().await.unwrap(), 0);
}

#[tokio::test]
async fn a_stale_owner_file_is_swept_away() {
    let (_folder, path) = file();
    drop(EmbeddedBus::open(&path, "test").await.unwrap());
    let owners = PathBuf::from(format!("{}.owners", path.display()));
    std::fs::write(owners.join("3f1c9c9e-0000-4000-8000-000000000000"), "").unwrap();
    let _bus = EmbeddedBus::open(&path, "test").await.unwrap();
    assert_eq!(std::fs::read_dir(owners).unwrap().count(), 1);
}

#[tokio::test]
async fn an_address_is_opened_by_its_scheme() {
    let (_folder, path) = file();
    let bus = crate::open(&crate::BusSettings::new(format!("sqlite:{}", path.display())), "test").await.unwrap();
    assert!(bus.check().await.unwrap().contains("bus.sqlite"));
    let error = crate::open(&"carrier-pigeon://coop".into(), "test").await.err().unwrap();
    assert!(error.to_string().contains("sqlite:<path>"), "{error}");
    assert!(crate::open(&"sqlite:".into(), "test").await.is_err());
}
