//! From a path to a connection with the schema that this version knows.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::fault::explain;
use super::schema::{self, APPLICATION_ID};
use crate::BusError;

/// How long anybody waits for another process's transaction. They take milliseconds, so longer than this means that
/// something else holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause between two tries to get the write lock. SQLite's own pauses grow to 100 ms, which is many times a transaction
/// here; with pauses as short as a transaction two processes share the file fairly.
const BUSY_PAUSE: Duration = Duration::from_millis(1);

/// Opens the file at `path`, and makes it and its folders if they are not there.
///
/// # Errors
/// `Configuration` if the file is not ours, newer than this version, damaged or can't be written.
pub(super) fn connect(path: &Path) -> Result<Connection, BusError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| {
            BusError::Configuration(format!(
                "can't make the folder {} for the embedded bus: {error}; set bus.url to a place that this user may write",
                folder.display()
            ))
        })?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| explain(&error, path))?;
    prepare(&mut connection, path)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<(), BusError> {
    let explain = |error: rusqlite::Error| explain(&error, path);
    connection.busy_handler(Some(wait_for_others)).map_err(explain)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Before anything is written: somebody else's file must stay as it is.
    // In one snapshot, because another process may be making the file at this moment.
    let snapshot = connection.transaction().map_err(explain)?;
    refuse_foreign(&snapshot, path)?;
    drop(snapshot);
    use_wal(connection).map_err(explain)?;
    // fullfsync: macOS calls data written that its disk still holds in a cache; it changes nothing elsewhere.
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA journal_size_limit = 67108864;")
        .map_err(explain)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(explain)?;
    schema::complete(&transaction).map_err(explain)?;
    transaction.commit().map_err(explain)
}

fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), BusError> {
    let explain = |error: rusqlite::Error| explain(&error, path);
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(explain)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(explain)?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(BusError::Configuration(format!(
            "{} is a database of another program, not an embedded bus: set bus.url to another path",
            path.display()
        )));
    }
    let found = schema::version(connection).map_err(explain)?;
    if found > schema::VERSION {
        return Err(BusError::Configuration(format!(
            "{} was made by a newer millrace (schema {found}, this one knows {}): update this binary, or set bus.url to another path",
            path.display(),
            schema::VERSION
        )));
    }
    Ok(())
}

/// SQLite does not call the busy handler while the journal's mode changes, so two processes that make the file
/// together need this loop.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let tried = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match tried {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                std::thread::sleep(BUSY_PAUSE);
            }
            other => return other.map(drop),
        }
    }
}

fn wait_for_others(tries: i32) -> bool {
    let tries = u32::try_from(tries).unwrap_or(u32::MAX);
    std::thread::sleep(BUSY_PAUSE);
    BUSY_PAUSE.saturating_mul(tries) < BUSY_TIMEOUT
}
