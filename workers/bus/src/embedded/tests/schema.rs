//! Files of other versions.

use rusqlite::Connection;

use super::super::schema::VERSION;
use super::*;

/// What the first version of millrace made, word for word.
const VERSION_1: &str = "
    CREATE TABLE message (
        seq          INTEGER PRIMARY KEY AUTOINCREMENT,
        stage        TEXT    NOT NULL,
        state        INTEGER NOT NULL DEFAULT 0,
        available_at INTEGER NOT NULL,
        attempts     INTEGER NOT NULL DEFAULT 0,
        owner        TEXT,
        lease        INTEGER NOT NULL DEFAULT 0,
        body         BLOB    NOT NULL
    ) STRICT;
    CREATE INDEX message_way ON message (stage, state, available_at, seq);
    CREATE TABLE dead (
        dead_id  INTEGER PRIMARY KEY AUTOINCREMENT,
        stage    TEXT    NOT NULL,
        class    TEXT    NOT NULL,
        cause    TEXT    NOT NULL,
        attempts INTEGER NOT NULL,
        worker   TEXT    NOT NULL,
        died_at  INTEGER NOT NULL,
        body     BLOB    NOT NULL
    ) STRICT;
    CREATE INDEX dead_stage ON dead (stage);
    CREATE TABLE owner (
        owner   TEXT    PRIMARY KEY,
        worker  TEXT    NOT NULL,
        seen_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE listener (
        key      TEXT NOT NULL,
        listener TEXT NOT NULL,
        owner    TEXT NOT NULL,
        PRIMARY KEY (key, listener)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE announcement (
        seq      INTEGER PRIMARY KEY AUTOINCREMENT,
        listener TEXT NOT NULL,
        body     BLOB NOT NULL
    ) STRICT;
    CREATE INDEX announcement_listener ON announcement (listener, seq);
    PRAGMA application_id = 1835625580;
    PRAGMA user_version = 1;
";

fn version(path: &Path) -> i64 {
    Connection::open(path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// Everything that `sqlite_schema` says, comments and white space aside.
fn schema(path: &Path) -> Vec<String> {
    let file = Connection::open(path).unwrap();
    let mut query = file.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
    let texts = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    texts.map(|text| words(text.unwrap())).collect()
}

#[tokio::test]
async fn a_file_of_the_first_version_becomes_ours_with_all_it_holds() {
    let (folder, path) = file();
    let (waits, was_in_hand, dead) = (envelope(), envelope(), envelope());
    let old = Connection::open(&path).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    let put =
        "INSERT INTO message (stage, state, available_at, attempts, owner, body) VALUES ('ingest', ?1, ?2, ?3, ?4, ?5)";
    old.execute(put, (0, 1, 3, None::<String>, waits.to_json().unwrap())).unwrap();
    old.execute(put, (2, 2, 0, Some("gone"), was_in_hand.to_json().unwrap())).unwrap();
    old.execute("INSERT INTO owner (owner, worker, seen_at) VALUES ('gone', 'killed', 1)", []).unwrap();
    let bury = "INSERT INTO dead (stage, class, cause, attempts, worker, died_at, body) VALUES ('dq', 'permanent', 'why', 1, 'w', 5, ?1)";
    old.execute(bury, [dead.to_json().unwrap()]).unwrap();
    drop(old);

    let bus = EmbeddedBus::open(&path, "test").await.unwrap();
    assert_eq!(version(&path), i64::try_from(VERSION).unwrap());
    let mut consumer = bus.consume(Stage::Ingest, 2).await.unwrap();
    let (one, two) = (next(&mut *consumer).await, next(&mut *consumer).await);
    assert_eq!((one.envelope().unwrap(), one.attempt(), one.deaths()), (waits, 4, 0));
    assert_eq!((two.envelope().unwrap(), two.attempt(), two.deaths()), (was_in_hand, 2, 1));
    assert_eq!(bus.dead(None, 10).await.unwrap()[0].message_id, Some(dead.id));
    assert!(bus.set_paused(Stage::Dq, true).await.unwrap());

    // However a file became what it is, it is the same.
    let new = folder.path().join("new.sqlite");
    drop(EmbeddedBus::open(&new, "test").await.unwrap());
    let (migrated, made) = (schema(&path), schema(&new));
    assert_eq!(migrated.len(), made.len());
    assert!(migrated.iter().any(|text| text.contains("deaths")), "{migrated:?}");
    drop((one, two, consumer, bus));
    EmbeddedBus::open(&path, "test").await.unwrap();
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let (_folder, path) = file();
    let old = Connection::open(&path).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    // In the way of the last table that the step makes.
    old.execute_batch("CREATE TABLE rate (theirs)").unwrap();
    let before = schema(&path);
    EmbeddedBus::open(&path, "test").await.err().unwrap();
    assert_eq!((version(&path), schema(&path)), (1, before));
    old.execute_batch("DROP TABLE rate").unwrap();
    EmbeddedBus::open(&path, "test").await.unwrap();
}

#[tokio::test]
async fn a_newer_file_is_refused() {
    let (_folder, path) = file();
    drop(EmbeddedBus::open(&path, "test").await.unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(&path).await;
    assert!(error.contains("schema 99") && error.contains("update this binary"), "{error}");
}
