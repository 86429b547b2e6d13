//! The file itself: opened, read, hashed, and watched for being replaced.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use messages::Failure;
use sha2::{Digest, Sha256};

/// What the file was when it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Its path below the raw folder: the name that errors give it.
    pub uri: String,
    /// Its size in bytes; not compared if absent.
    pub size_bytes: Option<u64>,
    /// Its modification time, compared to the microsecond; not compared if absent.
    pub modified_at: Option<DateTime<Utc>>,
    /// `sha256:` and the hash of its content in hexadecimal; not compared if absent.
    pub file_id: Option<String>,
}

/// The open file. Every byte read is hashed, as it lies there: packed, if it is packed.
pub(super) struct Hashed {
    file: File,
    path: PathBuf,
    expected: Expected,
    opened: (u64, Option<i64>),
    hash: Sha256,
    bytes: u64,
    /// What went wrong below whoever unpacks: it only passes on that something did.
    broken: Option<Failure>,
}

impl Hashed {
    /// Opens the file if it is still the one that was found.
    pub(super) fn open(path: &Path, expected: Expected) -> Result<Self, Failure> {
        let uri = &expected.uri;
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::permanent(format!(
                "{uri} was deleted before it was loaded; put it back, and it is announced again"
            )),
            ErrorKind::PermissionDenied => Failure::permanent(format!(
                "{uri} can't be opened: permission denied; let the worker's user read it, then load it again"
            )),
            _ => Failure::transient(format!("{uri} can't be opened: {error}")),
        })?;
        let found = file.metadata().map_err(|error| unreadable(uri, &error))?;
        if !found.is_file() {
            return Err(Failure::permanent(format!("{uri} is no file")));
        }
        let opened = stamp(&found);
        if expected.size_bytes.is_some_and(|size| size != opened.0)
            || expected.modified_at.is_some_and(|at| Some(at.timestamp_micros()) != opened.1)
        {
            return Err(replaced(uri, "before"));
        }
        Ok(Self { file, path: path.into(), opened, expected, hash: Sha256::new(), bytes: 0, broken: None })
    }

    /// The file's name for people.
    pub(super) fn uri(&self) -> &str {
        &self.expected.uri
    }

    /// Its size when it was opened, in bytes.
    pub(super) fn size_bytes(&self) -> u64 {
        self.opened.0
    }

    /// The file, for a reader that goes to and fro in it. What that reads is not hashed.
    pub(super) fn another_handle(&self) -> Result<File, Failure> {
        self.file.try_clone().map_err(|error| unreadable(self.uri(), &error))
    }

    /// What went wrong when it was read through [`Read`].
    pub(super) fn broken(&self) -> Option<&Failure> {
        self.broken.as_ref()
    }

    /// Reads into `buffer`; 0 at the end of the file.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        loop {
            match self.file.read(buffer) {
                Ok(count) => {
                    self.hash.update(&buffer[..count]);
                    self.bytes += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(self.uri(), &error)),
            }
        }
    }

    /// Bytes read and `sha256:…`, if the file is still the one that was opened.
    pub(super) fn finish(self) -> Result<(u64, String), Failure> {
        let uri = &self.expected.uri;
        let now = stamp(&self.file.metadata().map_err(|error| unreadable(uri, &error))?);
        // A file that was deleted meanwhile was read whole all the same; one that another took the place of was too,
        // but its successor is what should be loaded.
        let there = std::fs::metadata(&self.path).map_or(self.opened, |found| stamp(&found));
        if now != self.opened || there != self.opened || self.bytes != self.opened.0 {
            return Err(replaced(uri, "while"));
        }
        let hash: String = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let file_id = format!("sha256:{hash}");
        if self.expected.file_id.as_ref().is_some_and(|expected| *expected != file_id) {
            return Err(replaced(uri, "before"));
        }
        Ok((self.bytes, file_id))
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Hashed::read(self, buffer).map_err(|failure| {
            let message = failure.message.clone();
            self.broken = Some(failure);
            std::io::Error::other(message)
        })
    }
}

/// Size, and modification time in microseconds.
fn stamp(found: &Metadata) -> (u64, Option<i64>) {
    (found.len(), found.modified().ok().map(|at| DateTime::<Utc>::from(at).timestamp_micros()))
}

fn replaced(uri: &str, when: &str) -> Failure {
    Failure::permanent(format!(
        "{uri} was replaced {when} it was loaded; the watcher announces the new content as a load of its own"
    ))
}

fn unreadable(uri: &str, error: &std::io::Error) -> Failure {
    Failure::transient(format!("{uri} can't be read: {error}"))
}
