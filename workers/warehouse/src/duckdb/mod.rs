//! DuckDB: one file, one writing process at a time.
//!
//! One thread owns the connection and does all work in turn ([`handle`]); the file is opened on demand and given up
//! when idle, so that others can have it.

mod errors;
mod feed;
mod handle;
mod lease;
mod load;
mod prepare;
mod query;
mod session;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use async_trait::async_trait;

use crate::{Gate, Lent, LoadOutcome, RowSource, Rows, Slice, TableSpec, Warehouse, WarehouseError, WarehouseSettings};
use handle::Handle;
use session::Opening;

/// A warehouse in a DuckDB file.
pub struct DuckDb {
    handle: Handle,
    opening: Opening,
}

/// A handle that somebody may still hold, and the thread that has the file open until it ends.
struct Known {
    handle: Weak<DuckDb>,
    thread: JoinHandle<()>,
}

/// The handles of this process, by file and whether they only read. DuckDB's file lock is the process's, so a second
/// handle on the same file would not be kept out: both would write, and the file would be lost.
static OPEN: LazyLock<Mutex<HashMap<(PathBuf, bool), Known>>> = LazyLock::new(Mutex::default);

impl DuckDb {
    /// The warehouse in the file at `path`. Nothing is opened yet; with `read_only` nothing is ever written. Blocks while
    /// an earlier handle that was dropped still does what it was asked to and closes the file.
    pub fn open(
        path: impl AsRef<Path>,
        settings: &WarehouseSettings,
        read_only: bool,
    ) -> Result<Arc<Self>, WarehouseError> {
        let path = full_path(path.as_ref(), read_only)?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (path.clone(), read_only);
        if let Some(known) = open.remove(&key) {
            if let Some(handle) = known.handle.upgrade() {
                open.insert(key, known);
                return Ok(handle);
            }
            // A thread that panicked has closed the file too.
            let _ = known.thread.join();
        }
        let opening = Opening::new(path, settings, read_only);
        let (handle, thread) = Handle::start(opening.clone())?;
        let made = Arc::new(Self { handle, opening });
        open.retain(|_, known| !known.thread.is_finished());
        open.insert(key, Known { handle: Arc::downgrade(&made), thread });
        Ok(made)
    }
}

/// One name for one file, however it was spelled. Makes the folder unless the file is only to be looked at.
fn full_path(path: &Path, read_only: bool) -> Result<PathBuf, WarehouseError> {
    let fault = |why: &dyn std::fmt::Display| {
        WarehouseError::Configuration(format!("the warehouse file {} can't be used: {why}", path.display()))
    };
    if let Ok(full) = path.canonicalize() {
        return Ok(full);
    }
    let name = path.file_name().ok_or_else(|| fault(&"its path names no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !read_only {
        std::fs::create_dir_all(folder).map_err(|why| fault(&why))?;
    }
    Ok(folder.canonicalize().map_err(|why| fault(&why))?.join(name))
}

#[async_trait]
impl Warehouse for DuckDb {
    fn system(&self) -> &'static str {
        "duckdb"
    }

    async fn prepare(&self, tables: &[TableSpec]) -> Result<(), WarehouseError> {
        let tables = tables.to_vec();
        self.handle.run(move |session| prepare::prepare(session, &tables)).await
    }

    async fn load(
        &self,
        slice: &Slice,
        rows: Box<dyn RowSource>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<LoadOutcome, WarehouseError> {
        let slice = slice.clone();
        // Outside of the transaction: a worker that sleeps here keeps nobody from the file, and is overtaken.
        failpoint::point!("write:before");
        self.handle.run(move |session| load::load(session, &slice, rows, gate.as_deref())).await
    }

    /// All writers are alone: there is one connection.
    async fn transact(&self, statements: &[String], _alone: Option<&str>) -> Result<u64, WarehouseError> {
        let statements = statements.to_vec();
        self.handle
            .run(move |session| {
                session.audited(|session| {
                    statements.iter().try_fold(0, |written, sql| Ok(written + session.execute(sql)? as u64))
                })
            })
            .await
    }

    async fn query(&self, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
        let sql = sql.to_owned();
        self.handle.run(move |session| query::query(session, &sql, max_rows)).await
    }

    async fn lend(&self) -> Result<Lent, WarehouseError> {
        self.handle.lend().await
    }

    async fn check(&self) -> Result<String, WarehouseError> {
        let path = self.opening.path().to_owned();
        self.handle
            .run(move |session| {
                if !session.read_only() {
                    session.prove_writable()?;
                }
                let version = session.rows("SELECT version()", usize::MAX)?;
                let version = version.rows.into_iter().flatten().flatten().next().unwrap_or_default();
                let bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
                let mode = if session.read_only() { ", only to read" } else { "" };
                let mb = bytes.div_ceil(1_000_000);
                Ok(format!("DuckDB {version} in {} ({mb} MB{mode})", path.display()))
            })
            .await
    }

    async fn reach(&self) -> Result<(), WarehouseError> {
        self.check().await.map(drop)
    }

    async fn close(&self) {
        self.handle.close().await;
    }
}
