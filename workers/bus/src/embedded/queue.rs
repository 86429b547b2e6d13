//! The SQL of the stages' queues.

use messages::Stage;
use rusqlite::{Connection, OptionalExtension, params};

use super::clock::now_millis;
use super::turn::Turn;
use super::{pause, rate, roster};
use crate::QueueDepth;

const READY: i64 = 0;
const DELAYED: i64 = 1;
const IN_HAND: i64 = 2;

/// A message in hand, as the file knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    stage: Stage,
    seq: i64,
    /// Counts up whenever the message is handed out, so that a late word about an earlier time touches nothing.
    number: i64,
}

/// What a queue handed out.
pub(super) struct Taken {
    pub(super) lease: Lease,
    pub(super) attempt: u32,
    pub(super) deaths: u32,
    pub(super) body: Vec<u8>,
}

pub(super) fn put(turn: &Turn<'_>, stage: Stage, body: &[u8]) -> rusqlite::Result<()> {
    let now = now_millis();
    turn.prepare_cached("INSERT INTO message (stage, available_at, body) VALUES (?1, ?2, ?3)")?.execute(params![
        stage.as_str(),
        now,
        body
    ])?;
    turn.published(stage);
    Ok(())
}

/// Hands out the oldest message that is ready. Whether the stage is paused is for the caller to ask.
pub(super) fn take(connection: &Connection, stage: Stage, owner: &str) -> rusqlite::Result<Option<Taken>> {
    connection
        .prepare_cached("UPDATE message SET state = 0 WHERE stage = ?1 AND state = 1 AND available_at <= ?2")?
        .execute(params![stage.as_str(), now_millis()])?;
    connection
        .prepare_cached(
            "UPDATE message SET state = 2, owner = ?2, lease = lease + 1
             WHERE seq = (SELECT seq FROM message WHERE stage = ?1 AND state = 0
                          ORDER BY available_at, seq LIMIT 1)
             RETURNING seq, lease, attempts, deaths, body",
        )?
        .query_row(params![stage.as_str(), owner], |row| {
            Ok(Taken {
                lease: Lease { stage, seq: row.get(0)?, number: row.get(1)? },
                attempt: row.get::<_, u32>(2)?.saturating_add(1),
                deaths: row.get(3)?,
                body: row.get(4)?,
            })
        })
        .optional()
}

/// When the next message can be taken, in milliseconds since 1970; 0 if one is ready, `None` if the queue is empty.
pub(super) fn next_at(connection: &Connection, stage: Stage) -> rusqlite::Result<Option<i64>> {
    let ready = connection
        .prepare_cached("SELECT 1 FROM message WHERE stage = ?1 AND state = 0 LIMIT 1")?
        .exists([stage.as_str()])?;
    if ready {
        return Ok(Some(0));
    }
    connection
        .prepare_cached("SELECT min(available_at) FROM message WHERE stage = ?1 AND state = 1")?
        .query_row([stage.as_str()], |row| row.get(0))
}

/// Forgets a message. `false`: the lease is not held any more.
pub(super) fn ack(turn: &Turn<'_>, owner: &str, lease: Lease) -> rusqlite::Result<bool> {
    let rows = turn
        .prepare_cached("DELETE FROM message WHERE seq = ?1 AND owner = ?2 AND lease = ?3")?
        .execute(params![lease.seq, owner, lease.number])?;
    if rows == 1 {
        turn.acknowledged(lease.stage);
    }
    Ok(rows == 1)
}

/// Puts a message back as if it had not been handed out. `false`: the lease is not held any more.
pub(super) fn give_back(connection: &Connection, owner: &str, lease: Lease) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("UPDATE message SET state = 0, owner = NULL WHERE seq = ?1 AND owner = ?2 AND lease = ?3")?
        .execute(params![lease.seq, owner, lease.number])
        .map(|rows| rows == 1)
}

/// Puts a message back until `available_at`, with its attempt counted. `false`: the lease is not held any more.
pub(super) fn delay(connection: &Connection, owner: &str, lease: Lease, available_at: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "UPDATE message SET state = 1, owner = NULL, attempts = attempts + 1, available_at = ?4
             WHERE seq = ?1 AND owner = ?2 AND lease = ?3",
        )?
        .execute(params![lease.seq, owner, lease.number, available_at])
        .map(|rows| rows == 1)
}

/// Takes a message out of its queue: its stage, its attempts with this one, and its body. `None`: the lease is not held
/// any more.
pub(super) fn remove(
    connection: &Connection,
    owner: &str,
    lease: Lease,
) -> rusqlite::Result<Option<(String, u32, Vec<u8>)>> {
    connection
        .prepare_cached(
            "DELETE FROM message WHERE seq = ?1 AND owner = ?2 AND lease = ?3
             RETURNING stage, attempts + 1, body",
        )?
        .query_row(params![lease.seq, owner, lease.number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
}

pub(super) fn depths(connection: &Connection) -> rusqlite::Result<Vec<QueueDepth>> {
    let paused = pause::stages(connection)?;
    Stage::ALL.into_iter().map(|stage| depth(connection, stage, paused.contains(&stage))).collect()
}

fn depth(connection: &Connection, stage: Stage, paused: bool) -> rusqlite::Result<QueueDepth> {
    let now = now_millis();
    let count = |state: i64, until: i64| {
        connection
            .prepare_cached("SELECT count(*) FROM message WHERE stage = ?1 AND state = ?2 AND available_at <= ?3")?
            .query_row(params![stage.as_str(), state, until], |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
    };
    let due = count(DELAYED, now)?;
    let dead: i64 = connection
        .prepare_cached("SELECT count(*) FROM dead WHERE stage = ?1")?
        .query_row([stage.as_str()], |row| row.get(0))?;
    // The first of each in the index: a minimum over both would read every message.
    let first = |state: i64| {
        connection
            .prepare_cached("SELECT min(available_at) FROM message WHERE stage = ?1 AND state = ?2")?
            .query_row(params![stage.as_str(), state], |row| row.get::<_, Option<i64>>(0))
    };
    let due_first = first(DELAYED)?.filter(|at| *at <= now);
    let oldest = first(READY)?.into_iter().chain(due_first).min();
    let (published_per_sec, acknowledged_per_sec) = rate::per_sec(connection, stage)?;
    Ok(QueueDepth {
        stage,
        ready: count(READY, i64::MAX)? + due,
        delayed: count(DELAYED, i64::MAX)? - due,
        in_hand: count(IN_HAND, i64::MAX)?,
        dead: dead.unsigned_abs(),
        oldest_secs: oldest.map(|at| now.saturating_sub(at).max(0).unsigned_abs() / 1000),
        consumers: Some(roster::count(connection, stage)?),
        published_per_sec: Some(published_per_sec),
        acknowledged_per_sec: Some(acknowledged_per_sec),
        paused,
    })
}
