//! What the file holds, as the steps that lead there. A new file takes them all, an older one those that it lacks, so
//! there is one way to every version.

use rusqlite::{Connection, Transaction};

/// Tells our files from other programs' SQLite files: `mill`.
pub(super) const APPLICATION_ID: i32 = 0x6d69_6c6c;

/// The schema's version. A greater one is refused: an old binary would misread it.
pub(super) const VERSION: usize = STEPS.len();

/// The step at index `n` leads from version `n` to the next. Files made by them lie on people's disks, so a step is
/// never changed, only followed by another one.
const STEPS: [&str; 2] = [FIRST, OPERATING];

const FIRST: &str = "
    -- A message that a stage must handle. state: 0 ready, 1 delayed, 2 in hand.
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

    -- A process that has the file open. It holds the lock of a file of the same name beside this one.
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

    -- A listener's copy of a message.
    CREATE TABLE announcement (
        seq      INTEGER PRIMARY KEY AUTOINCREMENT,
        listener TEXT NOT NULL,
        body     BLOB NOT NULL
    ) STRICT;
    CREATE INDEX announcement_listener ON announcement (listener, seq);
";

const OPERATING: &str = "
    -- How many owners died with the message in hand. They are counted in its attempts too.
    ALTER TABLE message ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;

    -- A stage that hands out nothing.
    CREATE TABLE paused (
        stage TEXT PRIMARY KEY
    ) STRICT, WITHOUT ROWID;

    -- A consumer that is open. One whose owner has no row is none: a version 1 that still runs leaves such.
    CREATE TABLE consumer (
        consumer TEXT PRIMARY KEY,
        stage    TEXT NOT NULL,
        owner    TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- What went through a stage in one bucket of time; buckets are counted from 1970.
    CREATE TABLE rate (
        stage        TEXT    NOT NULL,
        bucket       INTEGER NOT NULL,
        published    INTEGER NOT NULL DEFAULT 0,
        acknowledged INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (stage, bucket)
    ) STRICT, WITHOUT ROWID;
";

/// The version of the file; 0 if it is empty.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A negative one is nobody's of ours: refused like a newer one.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Takes the steps that the file lacks.
pub(super) fn complete(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let found = version(transaction)?;
    if found >= VERSION {
        return Ok(());
    }
    STEPS[found..].iter().try_for_each(|step| transaction.execute_batch(step))?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(VERSION).unwrap_or(i64::MAX))
}
