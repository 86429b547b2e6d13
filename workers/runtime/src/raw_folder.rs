//! What lies in the raw folder.

use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use messages::Failure;
use walkdir::{DirEntry, WalkDir};

/// A file as it was when somebody looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Its path below the raw folder, `/` between the parts. Bytes that are no UTF-8 are replaced, and such a file is
    /// refused later, by name.
    pub uri: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Its modification time, to the microsecond, as the audit keeps it.
    pub modified_at: DateTime<Utc>,
    /// Whether it is a symbolic link that leads out of the raw folder. It is never read.
    pub leads_outside: bool,
}

/// Every file below `root` (canonical), in the order of their paths, but for temporary names. Folders that can't be
/// read are reported and passed over.
pub fn list(root: &Path) -> Vec<FoundFile> {
    let entries = WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_temporary(&entry.file_name().to_string_lossy()));
    entries.filter_map(|entry| entry_to_file(root, entry)).collect()
}

fn entry_to_file(root: &Path, entry: walkdir::Result<DirEntry>) -> Option<FoundFile> {
    match entry {
        Ok(entry) if entry.file_type().is_dir() => None,
        Ok(entry) => read_one(root, entry.path()),
        Err(error) => {
            tracing::warn!(%error, "a part of the raw folder can't be read");
            None
        }
    }
}

/// The file at `path` below `root` (canonical); `None` if it is not there, is a folder, a device or a temporary name.
pub fn read_one(root: &Path, path: &Path) -> Option<FoundFile> {
    let below = path.strip_prefix(root).ok()?;
    let parts: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.is_empty() || parts.iter().any(|part| is_temporary(part)) {
        return None;
    }
    let target = path.canonicalize();
    let leads_outside = target.as_ref().is_ok_and(|target| !target.starts_with(root));
    let metadata = if leads_outside || target.is_err() { path.symlink_metadata() } else { path.metadata() }.ok()?;
    let plausible = metadata.is_file() || leads_outside || metadata.is_symlink();
    plausible.then(|| FoundFile {
        uri: parts.join("/"),
        path: path.into(),
        size_bytes: metadata.len(),
        modified_at: modified_at(&metadata),
        leads_outside,
    })
}

fn modified_at(metadata: &Metadata) -> DateTime<Utc> {
    let time: DateTime<Utc> = metadata.modified().unwrap_or(std::time::UNIX_EPOCH).into();
    time.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(time)
}

/// Whether a name says that the file (or folder) is not a delivery yet, or never will be.
fn is_temporary(name: &str) -> bool {
    let lower = name.to_lowercase();
    name.starts_with('.') || [".part", ".tmp", ".crdownload", "~"].iter().any(|end| lower.ends_with(end))
}

/// Where the file `uri` lies below `root` (canonical): never outside of it, whatever `uri` says.
///
/// # Errors
/// The path leads out of the folder, by itself or through a link, or the file is not there.
pub fn resolve(root: &Path, uri: &str) -> Result<PathBuf, Failure> {
    let relative = Path::new(uri);
    let inside = !uri.is_empty() && relative.components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Err(Failure::permanent(format!(
            "{uri:?} is no path below the raw folder: it must be relative and without . or .. parts"
        )));
    }
    match root.join(relative).canonicalize() {
        Ok(path) if path.starts_with(root) => Ok(path),
        Ok(_) => Err(Failure::permanent(format!(
            "{uri} leads out of the raw folder through a symbolic link and is not read: put the file itself there"
        ))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = if uri.contains(char::REPLACEMENT_CHARACTER) {
                "its name is not UTF-8: rename it"
            } else {
                "it was deleted or moved before it was loaded: put it back to have it loaded"
            };
            Err(Failure::permanent(format!("{uri} is not in the raw folder: {hint}")))
        }
        Err(error) => Err(Failure::transient(format!("{uri} can't be opened: {error}"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        (dir, root)
    }

    #[test]
    fn finds_files_in_sub_folders_and_passes_over_temporary_names() {
        let (_dir, root) = folder();
        std::fs::create_dir_all(root.join("plant/.hidden")).unwrap();
        for name in ["b.csv", "plant/a.csv", ".x.csv", "a.csv.part", "a.csv.TMP", "c.csv~", "plant/.hidden/d.csv"] {
            std::fs::write(root.join(name), "x").unwrap();
        }
        let found: Vec<String> = list(&root).into_iter().map(|file| file.uri).collect();
        assert_eq!(found, ["b.csv", "plant/a.csv"]);
    }

    #[test]
    fn never_resolves_to_a_place_outside() {
        let (_dir, root) = folder();
        let outside = tempfile::NamedTempFile::new().unwrap();
        std::os::unix::fs::symlink(outside.path(), root.join("link.csv")).unwrap();
        for uri in ["../x.csv", "/etc/passwd", "a/../../x", "", ".", "link.csv", "./a.csv"] {
            let failure = resolve(&root, uri).unwrap_err();
            assert_eq!(failure.class, messages::FailureClass::Permanent, "{uri}");
        }
        assert!(list(&root)[0].leads_outside);
    }

    #[test]
    fn says_that_a_file_is_gone() {
        let (_dir, root) = folder();
        assert!(resolve(&root, "gone.csv").unwrap_err().message.contains("deleted or moved"));
    }
}
