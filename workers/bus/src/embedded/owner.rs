//! Who has the file open, and what becomes of what a dead process had in hand.
//!
//! Each opened bus holds the lock of a file of its own, `<bus>.owners/<uuid>`, for as long as it lives. The system
//! gives the lock up when the process ends, however it ends, so a free lock proves that the owner is gone, at once
//! and without a time-out that a slow load could outlast.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

use super::clock::now_millis;
use super::fault::explain;
use crate::BusError;

/// This opened bus among all that have the file open.
pub(super) struct Owner {
    /// Its name in leases.
    pub(super) id: String,
    folder: PathBuf,
    /// Locked. Closing it is what tells the others that its leases are free.
    _lock: File,
}

impl Owner {
    /// Registers a new owner and takes over from the dead ones. `path` is the bus's file.
    ///
    /// The file is made and locked inside a write transaction, and files without a row are swept away inside one,
    /// so that nobody can take a file for stale whose lock is about to be taken.
    pub(super) fn register(connection: &mut Connection, path: &Path, worker: &str) -> Result<Self, BusError> {
        let failed = |error: rusqlite::Error| explain(&error, path);
        let folder = folder(path);
        let id = Uuid::new_v4().to_string();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        sweep(&transaction, &folder).map_err(failed)?;
        let lock = lock_new(&folder, &id).map_err(|error| {
            BusError::Configuration(format!(
                "can't lock a file in {}: {error}; put the embedded bus on a local disk that this user may write",
                folder.display()
            ))
        })?;
        transaction
            .execute("INSERT INTO owner (owner, worker, seen_at) VALUES (?1, ?2, ?3)", (&id, worker, now_millis()))
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        let owner = Self { id, folder, _lock: lock };
        owner.reap(connection).map_err(failed)?;
        Ok(owner)
    }

    /// Takes back what dead owners had in hand, with the attempt and the death counted, and forgets their
    /// listeners and consumers. Tells whether
    /// there was any dead owner.
    pub(super) fn reap(&self, connection: &mut Connection) -> rusqlite::Result<bool> {
        let others: Vec<(String, String)> = connection
            .prepare_cached("SELECT owner, worker FROM owner WHERE owner <> ?1")?
            .query_map([&self.id], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        // The locks are held until the end: of two that find the same dead owner one goes on.
        let dead: Vec<_> = others
            .into_iter()
            .filter_map(|(id, worker)| Some((lock_of_dead(&self.folder.join(&id))?, id, worker)))
            .collect();
        if dead.is_empty() {
            return Ok(false);
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (_, id, worker) in &dead {
            let messages = transaction.execute(
                "UPDATE message SET state = 0, owner = NULL, attempts = attempts + 1, deaths = deaths + 1
                 WHERE stage IN ('ingest', 'transform', 'dq') AND state = 2 AND owner = ?1",
                [id],
            )?;
            forget(&transaction, id)?;
            tracing::warn!(worker, messages, "a worker ended without a goodbye: took back what it had in hand");
        }
        transaction.commit()?;
        for (_, id, _) in &dead {
            remove(&self.folder.join(id));
        }
        Ok(true)
    }

    /// Says goodbye: nothing of this owner stays.
    pub(super) fn leave(self, connection: &mut Connection) -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "UPDATE message SET state = 0, owner = NULL
             WHERE stage IN ('ingest', 'transform', 'dq') AND state = 2 AND owner = ?1",
            [&self.id],
        )?;
        forget(&transaction, &self.id)?;
        transaction.commit()?;
        remove(&self.folder.join(&self.id));
        Ok(())
    }
}

fn folder(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".owners");
    name.into()
}

fn lock_new(folder: &Path, id: &str) -> std::io::Result<File> {
    std::fs::create_dir_all(folder)?;
    let file = OpenOptions::new().write(true).create_new(true).open(folder.join(id))?;
    file.lock()?;
    Ok(file)
}

/// The lock of an owner that is gone; `None` while it lives. An owner without a file counts as gone: nobody can prove
/// that it lives, and a message that comes twice is better than one that never comes again.
fn lock_of_dead(path: &Path) -> Option<Option<File>> {
    match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(None),
        Err(_) => None,
        Ok(file) => match file.try_lock() {
            Ok(()) => Some(Some(file)),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        },
    }
}

fn forget(connection: &Connection, owner: &str) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM announcement WHERE listener IN (SELECT listener FROM listener WHERE owner = ?1)",
        [owner],
    )?;
    connection.execute("DELETE FROM listener WHERE owner = ?1", [owner])?;
    connection.execute("DELETE FROM consumer WHERE owner = ?1", [owner])?;
    connection.execute("DELETE FROM owner WHERE owner = ?1", [owner])?;
    Ok(())
}

/// Removes the files of owners that died between making the file and saying so, or before their file was removed.
fn sweep(connection: &Connection, folder: &Path) -> rusqlite::Result<()> {
    let mut known = connection.prepare_cached("SELECT 1 FROM owner WHERE owner = ?1")?;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !known.exists([name.to_string_lossy()])? && lock_of_dead(&entry.path()).is_some() {
            remove(&entry.path());
        }
    }
    Ok(())
}

/// A file that can't be removed now is removed by the next one who opens the bus.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(path = %path.display(), %error, "can't remove an owner's file yet");
    }
}
