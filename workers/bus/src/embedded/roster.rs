//! The SQL of who consumes.

use messages::Stage;
use rusqlite::Connection;

pub(super) fn open(connection: &Connection, owner: &str, consumer: &str, stage: Stage) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO consumer (consumer, stage, owner) VALUES (?1, ?2, ?3)")?
        .execute((consumer, stage.as_str(), owner))
        .map(drop)
}

pub(super) fn close(connection: &Connection, consumer: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM consumer WHERE consumer = ?1")?.execute([consumer]).map(drop)
}

/// How many consumers of the stage are open over all processes.
pub(super) fn count(connection: &Connection, stage: Stage) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM consumer JOIN owner USING (owner) WHERE stage = ?1")?
        .query_row([stage.as_str()], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}
