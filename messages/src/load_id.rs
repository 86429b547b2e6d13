//! The LOAD_ID: one name for a load from the file or the Airflow run to the verdict.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The longest LOAD_ID, in characters: an Airflow `dag_id` and `run_id` of 250 each and `::`.
pub const MAX_LOAD_ID_CHARS: usize = 502;

/// Names a load from end to end. It is data, never trusted: quotes, `:`, `+` and `.` are legal, so
/// it is never pasted into SQL, a path or a queue name; [`LoadId::short_hash`] stands in for it there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("minLength" = 1, "maxLength" = MAX_LOAD_ID_CHARS))]
pub struct LoadId(String);

/// Why a text is no LOAD_ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadIdError {
    /// It has no visible character.
    #[error("a LOAD_ID must not be empty")]
    Empty,
    /// It is longer than [`MAX_LOAD_ID_CHARS`].
    #[error("a LOAD_ID has at most {MAX_LOAD_ID_CHARS} characters, this one has {0}")]
    TooLong(usize),
    /// It holds a control character, which no log line or terminal should have to carry.
    #[error("a LOAD_ID must not hold control characters, this one has {0:?}")]
    Control(char),
}

impl LoadId {
    /// Takes `text` as a LOAD_ID if it is one.
    pub fn new(text: impl Into<String>) -> Result<Self, LoadIdError> {
        let text = text.into();
        if text.trim().is_empty() {
            return Err(LoadIdError::Empty);
        }
        let chars = text.chars().count();
        if chars > MAX_LOAD_ID_CHARS {
            return Err(LoadIdError::TooLong(chars));
        }
        match text.chars().find(|c| c.is_control()) {
            Some(c) => Err(LoadIdError::Control(c)),
            None => Ok(Self(text)),
        }
    }

    /// The LOAD_ID of a file that a watcher found: the same file (path, size, modification time and
    /// content) always gives the same LOAD_ID, so that a rescan or a second watcher loads nothing twice.
    ///
    /// `path` is below the raw folder with `/` between its parts, `content_hash` is the file's
    /// sha256 in hexadecimal.
    pub fn for_file(
        path: &str,
        size_bytes: u64,
        modified_at: DateTime<Utc>,
        content_hash: &str,
    ) -> Self {
        let time = modified_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let identity = format!(
            "{path}\n{size_bytes}\n{}\n{content_hash}",
            modified_at.timestamp_micros()
        );
        let hash = short_hash(&identity);
        let name = readable(path, MAX_LOAD_ID_CHARS - "watch::::::".len() - time.len() - hash.len());
        Self(format!("watch::{name}::{time}::{hash}"))
    }

    /// The LOAD_ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Sixteen hexadecimal digits that stand in where a name is limited to 255 bytes.
    pub fn short_hash(&self) -> String {
        short_hash(&self.0)
    }
}

/// The end of `path` that fits, with control characters replaced: the name is for reading, the hash
/// beside it is what tells files apart.
fn readable(path: &str, max_chars: usize) -> String {
    let skip = path.chars().count().saturating_sub(max_chars);
    path.chars()
        .skip(skip)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl TryFrom<String> for LoadId {
    type Error = LoadIdError;
    fn try_from(text: String) -> Result<Self, LoadIdError> {
        Self::new(text)
    }
}

impl std::str::FromStr for LoadId {
    type Err = LoadIdError;
    fn from_str(text: &str) -> Result<Self, LoadIdError> {
        Self::new(text)
    }
}

impl From<LoadId> for String {
    fn from(id: LoadId) -> Self {
        id.0
    }
}

impl fmt::Display for LoadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
