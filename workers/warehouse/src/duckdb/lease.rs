//! Whose turn it is among millrace's processes.
//!
//! DuckDB's own lock keeps two writers apart, but whoever finds it taken can only try again, and dbt does not even do
//! that. So each of our processes holds a lease while it has the file open, and keeps it while the file is lent to dbt.
//! The system takes it back when the process ends, however it ends. Other programs know nothing of it: they are kept
//! out, and keep us out, by DuckDB's lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::session::LOCK_POLL;
use crate::WarehouseError;

/// The right to open the file; given back when it is dropped.
pub(super) struct Lease {
    _file: Option<File>,
}

impl Lease {
    /// Waits up to `wait` for the lease of the file at `path`. Those who only read share it.
    pub(super) fn take(path: &Path, read_only: bool, wait: Duration) -> Result<Self, WarehouseError> {
        let lease = lease_path(path);
        let mut file = match open(&lease, read_only) {
            Ok(file) => file,
            // Only to look, in a folder where no writer has been yet or where this user may not: DuckDB's lock decides.
            Err(_) if read_only => return Ok(Self { _file: None }),
            Err(error) => {
                return Err(WarehouseError::Configuration(format!(
                    "{} can't be written ({error}); give this user the right to write the warehouse's folder, or change warehouse.url",
                    lease.display()
                )));
            }
        };
        let began = Instant::now();
        loop {
            let tried = if read_only { file.try_lock_shared() } else { file.try_lock() };
            match tried {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < wait => std::thread::sleep(LOCK_POLL),
                Err(TryLockError::WouldBlock) => return Err(taken(path, &lease, wait)),
                // A file system without locks: DuckDB's lock decides, if that works there.
                Err(TryLockError::Error(error)) => {
                    tracing::debug!(%error, lease = %lease.display(), "can't lock the lease; going on without");
                    break;
                }
            }
        }
        if !read_only {
            // Only so that one who waits in vain can say for whom.
            let name = format!("{:<10}\n", std::process::id());
            let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(name.as_bytes()));
        }
        Ok(Self { _file: Some(file) })
    }
}

fn open(lease: &Path, read_only: bool) -> std::io::Result<File> {
    match read_only {
        true => File::open(lease),
        false => OpenOptions::new().read(true).write(true).create(true).truncate(false).open(lease),
    }
}

fn lease_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lease");
    name.into()
}

fn taken(path: &Path, lease: &Path, wait: Duration) -> WarehouseError {
    let holder = std::fs::read_to_string(lease).unwrap_or_default();
    WarehouseError::Held(format!(
        "the warehouse file {} is held by process {} (millrace), after waiting {} s; let it finish, or raise warehouse.lock_wait_secs",
        path.display(),
        holder.trim(),
        wait.as_secs()
    ))
}
