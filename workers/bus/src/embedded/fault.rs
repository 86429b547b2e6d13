//! What SQLite's errors mean for people.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::BusError;

/// Says what `error` means for the bus at `path`, and what to do about it.
pub(super) fn explain(error: &rusqlite::Error, path: &Path) -> BusError {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => BusError::Unavailable(format!(
            "{path} is locked by another program: close what holds it open, such as a database browser or a backup"
        )),
        Some(ErrorCode::DiskFull) => {
            BusError::Unavailable(format!("the disk of {path} is full: free some space on it"))
        }
        Some(ErrorCode::NotADatabase) => BusError::Configuration(format!(
            "{path} is no SQLite database: set bus.url to another path, or move that file away"
        )),
        Some(ErrorCode::DatabaseCorrupt) => BusError::Configuration(format!(
            "{path} is damaged ({error}): stop all workers, then restore it, or move it and the files beside it away"
        )),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            BusError::Configuration(format!(
                "can't write {path} ({error}): give this user the right to write the file and its folder, or change bus.url"
            ))
        }
        _ => BusError::Unavailable(format!("{path}: {error}")),
    }
}
