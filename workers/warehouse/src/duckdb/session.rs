//! The open file.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use duckdb::{AccessMode, Config, Connection};

use super::errors::{Trouble, trouble};
use super::lease::Lease;
use super::{feed, query};
use crate::{Rows, WarehouseError, WarehouseSettings};

/// How often a file that another process holds is tried again.
pub(super) const LOCK_POLL: Duration = Duration::from_millis(10);

/// Begins a transaction that writes.
const WRITING: &str = "BEGIN TRANSACTION";

/// How to open the file.
#[derive(Clone)]
pub(super) struct Opening {
    path: PathBuf,
    read_only: bool,
    memory_limit_bytes: u64,
    threads: usize,
    lock_wait: Duration,
    idle_close: Duration,
}

impl Opening {
    pub(super) fn new(path: PathBuf, settings: &WarehouseSettings, read_only: bool) -> Self {
        Self {
            path,
            read_only,
            memory_limit_bytes: settings.memory_limit_bytes,
            threads: settings.threads.max(1),
            lock_wait: Duration::from_secs(settings.lock_wait_secs),
            idle_close: Duration::from_millis(settings.idle_close_millis),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn idle_close(&self) -> Duration {
        self.idle_close
    }

    /// The right to open the file, once no other process of ours has it.
    pub(super) fn lease(&self) -> Result<Lease, WarehouseError> {
        Lease::take(&self.path, self.read_only, self.lock_wait)
    }

    /// Opens the file, and waits for one that another process holds.
    pub(super) fn open(&self) -> Result<Session, WarehouseError> {
        // Where another process has it, this is the time that a load waits for.
        let _opening = is_told().then(|| tracing::info_span!("open duckdb file").entered());
        let lease = self.lease()?;
        let began = Instant::now();
        loop {
            let opened = if self.read_only || self.path.exists() { self.connect(&self.path) } else { self.make() };
            match opened {
                Err(error) => match trouble(&error) {
                    Trouble::Locked if began.elapsed() < self.lock_wait => std::thread::sleep(LOCK_POLL),
                    trouble => return Err(trouble.opening(&error, &self.path, self.lock_wait)),
                },
                Ok(connection) => {
                    let took_ms = began.elapsed().as_millis();
                    tracing::debug!(path = %self.path.display(), took_ms, "warehouse opened");
                    return Ok(Session {
                        connection,
                        lease,
                        path: self.path.clone(),
                        read_only: self.read_only,
                        broken: Cell::new(false),
                    });
                }
            }
        }
    }

    /// Makes the file beside its place and puts it there whole: one who is killed in the middle leaves nothing that looks
    /// like a warehouse and is none. The lease keeps our other processes away meanwhile.
    fn make(&self) -> duckdb::Result<Connection> {
        let mut new = self.path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let _ = std::fs::remove_file(&new);
        drop(self.connect(&new)?);
        // Unlike renaming, a link never takes the place of a file that another program has put there meanwhile. Some file
        // systems know no links; what still goes wrong is told by the opening that follows.
        match std::fs::hard_link(&new, &self.path) {
            Ok(()) => drop(std::fs::remove_file(&new)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => drop(std::fs::remove_file(&new)),
            Err(_) => drop(std::fs::rename(&new, &self.path)),
        }
        self.connect(&self.path)
    }

    fn connect(&self, path: &Path) -> duckdb::Result<Connection> {
        let mode = if self.read_only { AccessMode::ReadOnly } else { AccessMode::ReadWrite };
        let config = Config::default()
            .access_mode(mode)?
            .max_memory(&format!("{}B", self.memory_limit_bytes))?
            .with("threads", self.threads.to_string())?
            // Rows carry their number; keeping their order as well halves the speed of a load.
            .with("preserve_insertion_order", "false")?
            .with("temp_directory", format!("{}.tmp", self.path.display()))?
            // A query must not read or write other files; that includes loading extensions.
            .enable_autoload_extension(false)?
            .enable_external_access(false)?;
        let connection = Connection::open_with_flags(path, config)?;
        feed::register(&connection)?;
        Ok(connection)
    }
}

/// Whether this belongs to something that is told of: making the tables, say, would be a trace of its own.
pub(super) fn is_told() -> bool {
    !tracing::Span::current().is_none()
}

/// The open file, used by one thread.
pub(super) struct Session {
    connection: Connection,
    lease: Lease,
    path: PathBuf,
    read_only: bool,
    broken: Cell<bool>,
}

impl Session {
    /// Runs one statement; the answer is how many rows it changed.
    pub(super) fn execute(&self, sql: &str) -> Result<usize, WarehouseError> {
        self.connection.execute(sql, []).map_err(|error| self.error(&error))
    }

    /// Runs one query and takes at most `max_rows` rows as text.
    pub(super) fn rows(&self, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
        query::collect(&self.connection, sql, max_rows).map_err(|error| self.error(&error))
    }

    /// Does `work` in a transaction: committed if it gives `Ok`, rolled back otherwise.
    pub(super) fn transaction<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        self.bracket(WRITING, work)
    }

    /// Does `work`, which writes lines of the audit, in a transaction. Its commit is what others go by.
    pub(super) fn audited<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        let done = self.transaction(|session| {
            let done = work(session)?;
            failpoint::point!("commit:before");
            Ok(done)
        })?;
        failpoint::point!("commit:after");
        Ok(done)
    }

    /// Does `work` in a transaction in which DuckDB refuses to write.
    pub(super) fn reading<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        self.bracket("BEGIN TRANSACTION READ ONLY", work)
    }

    fn bracket<T>(
        &self,
        begin: &str,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        self.batch(begin)?;
        match work(self).and_then(|done| self.commit(begin).map(|()| done)) {
            Ok(done) => Ok(done),
            Err(error) => {
                // A COMMIT that failed has rolled back already, which makes this fail: either way nothing may be
                // left open, and closing the handle is the sure way.
                if self.batch("ROLLBACK").is_err() {
                    self.broken();
                }
                Err(error)
            }
        }
    }

    fn commit(&self, begin: &str) -> Result<(), WarehouseError> {
        let _committing = (begin == WRITING && is_told()).then(|| tracing::info_span!("commit").entered());
        self.batch("COMMIT")
    }

    /// Proves that the file can be written, and leaves nothing in it.
    pub(super) fn prove_writable(&self) -> Result<(), WarehouseError> {
        self.batch(WRITING)?;
        let made = self.batch("CREATE SCHEMA MILLRACE_CHECK; CREATE TABLE MILLRACE_CHECK.T (A INTEGER)");
        let undone = self.batch("ROLLBACK");
        made.and(undone)
    }

    fn batch(&self, sql: &str) -> Result<(), WarehouseError> {
        self.connection.execute_batch(sql).map_err(|error| self.error(&error))
    }

    fn error(&self, error: &duckdb::Error) -> WarehouseError {
        trouble(error).working(error, &self.path)
    }

    pub(super) fn read_only(&self) -> bool {
        self.read_only
    }

    /// Says that the handle must not be used again.
    pub(super) fn broken(&self) {
        self.broken.set(true);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Writes the log into the file and closes it. A full disk shows here at the latest; what was committed stays in
    /// the log and is read from there the next time.
    /// The lease is what stays.
    pub(super) fn close(self) -> Lease {
        let began = Instant::now();
        if !self.read_only
            && !self.is_broken()
            && let Err(error) = self.batch("CHECKPOINT")
        {
            tracing::warn!(%error, "the warehouse's log could not be written into its file; it is kept");
        }
        drop(self.connection);
        tracing::debug!(took_ms = began.elapsed().as_millis(), "warehouse closed");
        self.lease
    }
}
