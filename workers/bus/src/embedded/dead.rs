//! The SQL of dead letters.

use chrono::DateTime;
use messages::{Failure, FailureClass, Stage};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::clock::now_millis;
use super::queue::{self, Lease};
use super::turn::Turn;
use crate::DeadLetter;

/// Moves a message in hand to the dead letters. `false`: the lease is not held any more.
pub(super) fn bury(
    connection: &Connection,
    owner: &str,
    worker: &str,
    lease: Lease,
    cause: &Failure,
) -> rusqlite::Result<bool> {
    let Some((stage, attempts, body)) = queue::remove(connection, owner, lease)? else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "INSERT INTO dead (stage, class, cause, attempts, worker, died_at, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![stage, cause.class.as_str(), cause.message, attempts, worker, now_millis(), body])?;
    Ok(true)
}

/// The newest dead letters of one stage or of all.
pub(super) fn list(connection: &Connection, stage: Option<Stage>, limit: usize) -> rusqlite::Result<Vec<DeadLetter>> {
    connection
        .prepare_cached(
            "SELECT dead_id, stage, class, cause, attempts, worker, died_at, body FROM dead
             WHERE ?1 IS NULL OR stage = ?1 ORDER BY dead_id DESC LIMIT ?2",
        )?
        .query_map(params![stage.map(Stage::as_str), i64::try_from(limit).unwrap_or(i64::MAX)], letter)?
        .collect()
}

fn letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let stage: String = row.get("stage")?;
    let class: String = row.get("class")?;
    let body: Vec<u8> = row.get("body")?;
    let cause = Failure { class: class_of(&class), message: row.get("cause")? };
    Ok(DeadLetter {
        attempts: row.get("attempts")?,
        worker: row.get("worker")?,
        died_at: DateTime::from_timestamp_millis(row.get("died_at")?).unwrap_or_default(),
        ..DeadLetter::of(row.get::<_, i64>("dead_id")?.to_string(), stage_of(&stage), cause, &body)
    })
}

/// Puts a dead letter back into its stage's queue, as if it were new.
pub(super) fn replay(turn: &Turn<'_>, dead_id: i64) -> rusqlite::Result<bool> {
    let found = turn
        .prepare_cached("DELETE FROM dead WHERE dead_id = ?1 RETURNING stage, body")?
        .query_row([dead_id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    let Some((stage, body)) = found else {
        return Ok(false);
    };
    queue::put(turn, stage_of(&stage), &body)?;
    Ok(true)
}

pub(super) fn purge(turn: &Turn<'_>, dead_id: i64) -> rusqlite::Result<bool> {
    turn.prepare_cached("DELETE FROM dead WHERE dead_id = ?1")?.execute([dead_id]).map(|rows| rows == 1)
}

/// Only stages are ever written there.
fn stage_of(name: &str) -> Stage {
    name.parse().unwrap_or(Stage::Ingest)
}

/// A class that only a person's hand can have written there is no reason to hide the letter.
fn class_of(name: &str) -> FailureClass {
    FailureClass::parse(name).unwrap_or(FailureClass::Permanent)
}
