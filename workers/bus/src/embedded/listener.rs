//! The SQL of listeners: a listener hears copies of the messages with its keys, and its queue ends with it.

use messages::RoutingKey;
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn open(connection: &Connection, owner: &str, listener: &str, keys: &[RoutingKey]) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT OR IGNORE INTO listener (key, listener, owner) VALUES (?1, ?2, ?3)")?;
    for key in keys {
        insert.execute(params![key.as_str(), listener, owner])?;
    }
    Ok(())
}

pub(super) fn close(connection: &Connection, listener: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM listener WHERE listener = ?1", [listener])?;
    connection.execute("DELETE FROM announcement WHERE listener = ?1", [listener])?;
    Ok(())
}

/// Gives each listener of `key`, and each of its type `any`, a copy.
pub(super) fn announce(
    connection: &Connection,
    key: &RoutingKey,
    any: &RoutingKey,
    body: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO announcement (listener, body)
             SELECT DISTINCT listener, ?3 FROM listener WHERE key IN (?1, ?2)",
        )?
        .execute(params![key.as_str(), any.as_str(), body])
        .map(drop)
}

/// Hands out the listener's oldest copy, for good: a listener's delivery never comes again.
pub(super) fn take(connection: &Connection, listener: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached(
            "DELETE FROM announcement
             WHERE seq = (SELECT seq FROM announcement WHERE listener = ?1 ORDER BY seq LIMIT 1)
             RETURNING body",
        )?
        .query_row([listener], |row| row.get(0))
        .optional()
}

pub(super) fn has_any(connection: &Connection, listener: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM announcement WHERE listener = ?1 LIMIT 1")?.exists([listener])
}
