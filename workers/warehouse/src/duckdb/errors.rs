//! What DuckDB's errors mean. The one place that reads their text.

use std::path::Path;
use std::time::Duration;

use crate::WarehouseError;

/// The kinds that need different answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another process has the file.
    Locked,
    /// The file is from another DuckDB, or is none.
    Foreign,
    /// The path can't be opened: permission, a folder, not there.
    Path,
    /// The disk is full, or reading or writing failed.
    Disk,
    /// The memory limit was reached and the disk could not help.
    Memory,
    /// The handle is dead; a new one may do.
    Dead,
    /// The statement.
    Statement,
}

/// What kind of trouble `error` is.
pub(super) fn trouble(error: &duckdb::Error) -> Trouble {
    let text = text(error);
    // It shows a value of the data, in which any of the words below may stand.
    if text.starts_with("Conversion Error") {
        return Trouble::Statement;
    }
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if has(&["Could not set lock on file", "Conflicting lock is held", "being used by another process"]) {
        Trouble::Locked
    } else if has(&[
        "not a valid DuckDB database file",
        "with version number",
        "storage version",
        "newer version of DuckDB",
    ]) {
        Trouble::Foreign
    } else if has(&["No space left", "Disk quota", "Could not write", "Failed to write", "max_temp_directory_size"]) {
        Trouble::Disk
    } else if has(&[
        "Permission denied",
        "Is a directory",
        "Read-only file system",
        "Cannot open file",
        "database does not exist",
    ]) {
        Trouble::Path
    } else if has(&["Out of Memory Error", "failed to allocate", "could not allocate"]) {
        Trouble::Memory
    } else if has(&["FATAL Error", "database has been invalidated", "INTERNAL Error"]) {
        Trouble::Dead
    } else if has(&["IO Error"]) {
        Trouble::Disk
    } else {
        Trouble::Statement
    }
}

/// DuckDB's own words, without its advice on settings that are not the reader's to change.
pub(super) fn text(error: &duckdb::Error) -> String {
    match error {
        duckdb::Error::DuckDBFailure(_, Some(message)) => {
            message.split("\n\nPossible solutions").next().unwrap_or(message).trim().to_owned()
        }
        other => other.to_string(),
    }
}

impl Trouble {
    /// The error of opening the file at `path`, after `waited` if it was locked.
    pub(super) fn opening(self, error: &duckdb::Error, path: &Path, waited: Duration) -> WarehouseError {
        let (path, text) = (path.display(), text(error));
        match self {
            Self::Locked => WarehouseError::Held(format!(
                "the warehouse file {path} is held by {}, after waiting {} s; close that program, or let it finish",
                holder(&text),
                waited.as_secs()
            )),
            Self::Foreign => WarehouseError::Configuration(format!(
                "the warehouse file {path} was not made by DuckDB 1.5, which millrace is built with; \
                name another file, or move this one away ({text})"
            )),
            Self::Path => WarehouseError::Configuration(format!(
                "the warehouse file {path} can't be opened; check the path and who may write there ({text})"
            )),
            Self::Statement => WarehouseError::Configuration(format!(
                "the warehouse file {path} can't be opened with these settings ({text})"
            )),
            other => other.working_text(&text, path),
        }
    }

    /// The error of a statement on the open file at `path`.
    pub(super) fn working(self, error: &duckdb::Error, path: &Path) -> WarehouseError {
        self.working_text(&text(error), path.display())
    }

    fn working_text(self, text: &str, path: std::path::Display<'_>) -> WarehouseError {
        match self {
            Self::Disk => WarehouseError::Unavailable(format!(
                "the warehouse file {path} can't be written or read; free space on its disk, or repair it ({text})"
            )),
            Self::Memory => WarehouseError::Unavailable(format!(
                "the memory limit of DuckDB is too small for this; raise it, or free space for {path}.tmp ({text})"
            )),
            Self::Dead | Self::Locked => WarehouseError::Unavailable(format!(
                "DuckDB gave up its handle on {path}; it is opened again at the next try ({text})"
            )),
            _ => WarehouseError::Statement(text.to_owned()),
        }
    }
}

/// The program and PID that DuckDB names in `… held in /usr/bin/python3 (PID 12) …`.
fn holder(text: &str) -> String {
    let named = text.split_once("lock is held in ").and_then(|(_, rest)| {
        let end = rest.find(')')?;
        let (program, pid) = rest[..end].split_once(" (PID ")?;
        Some(format!("process {pid} ({program})"))
    });
    named.unwrap_or_else(|| "another process".into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_shown_decides_nothing() {
        let file = duckdb::Connection::open_in_memory().unwrap();
        let text = "IO Error: Could not write block 7";
        let error = file.execute(&format!("SELECT CAST('{text}' AS INTEGER)"), []).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(matches!(trouble(&error), Trouble::Statement));
    }

    #[test]
    fn the_holder_is_named() {
        let text = "IO Error: Could not set lock on file \"/x.duckdb\": Conflicting lock is held in \
            /usr/bin/python3.11 (PID 4711) by user root. See also https://duckdb.org/docs";
        assert_eq!(holder(text), "process 4711 (/usr/bin/python3.11)");
        assert_eq!(holder("IO Error: no idea"), "another process");
    }
}
