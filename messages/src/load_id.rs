//! The LOAD_ID: one name for a load from the file or the Airflow run to the verdict.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The longest LOAD_ID, in characters: an Airflow `dag_id` and `run_id` of 250 each and `::`.
pub const MAX_LOAD_ID_CHARS: usize = 502;

/// Names a load from end to end. It is data, never trusted: quotes, `:`, `+` and `.` are legal, so
/// it is never pasted into SQL, a path or a queue name; a short hash of it stands in for it there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend(
    "minLength" = 1,
    "maxLength" = MAX_LOAD_ID_CHARS,
    "pattern" = r"^[^\u0000-\u001f\u007f-\u009f]*\S[^\u0000-\u001f\u007f-\u009f]*$"
))]
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
    pub fn for_file(path: &str, size_bytes: u64, modified_at: DateTime<Utc>, content_hash: &str) -> Self {
        let time = modified_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let identity = format!("{path}\n{size_bytes}\n{}\n{content_hash}", modified_at.timestamp_micros());
        let hash = short_hash(&identity);
        let name = readable(path, MAX_LOAD_ID_CHARS - "watch::::::".len() - time.len() - hash.len());
        Self(format!("watch::{name}::{time}::{hash}"))
    }

    /// What an expectation is told under that no load has met: always the same for the same source and time, so that two
    /// who see it say the same.
    pub fn overdue(source: &str, expected_at: DateTime<Utc>) -> Self {
        let time = expected_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self(format!("overdue::{}::{time}", readable(source, MAX_LOAD_ID_CHARS - "overdue::::".len() - time.len())))
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
    path.chars().skip(skip).map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..8].iter().map(|byte| format!("{byte:02x}")).collect()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn airflows_ids_are_taken_as_they_are() {
        for text in [
            "ingest::manual__2026-11-23T12:00:00.123456+00:00",
            "it's \"quoted\"; DROP TABLE x --",
            "Größe::läuft::🏭",
            "\u{a0}x",
            "a",
        ] {
            let id = LoadId::new(text).unwrap();
            assert_eq!(id.as_str(), text);
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<LoadId>(&json).unwrap(), id);
        }
    }

    #[test]
    fn what_is_no_load_id_is_refused() {
        assert_eq!(LoadId::new(""), Err(LoadIdError::Empty));
        assert_eq!(LoadId::new(" \u{a0}"), Err(LoadIdError::Empty));
        assert_eq!(LoadId::new("a\nb"), Err(LoadIdError::Control('\n')));
        assert_eq!(LoadId::new("a\u{7f}"), Err(LoadIdError::Control('\u{7f}')));
        assert_eq!(LoadId::new("x".repeat(503)), Err(LoadIdError::TooLong(503)));
        let error = serde_json::from_str::<LoadId>("\"\"").unwrap_err();
        assert!(error.to_string().contains("must not be empty"), "{error}");
    }

    /// Characters count, not bytes: two ids of 250 characters and `::`, in any script.
    #[test]
    fn the_longest_id_of_airflow_fits() {
        let longest = format!("{}::{}", "ж".repeat(250), "🏭".repeat(250));
        assert_eq!(longest.chars().count(), MAX_LOAD_ID_CHARS);
        assert_eq!(LoadId::new(&longest).unwrap().short_hash().len(), 16);
    }

    /// Other programs compute it too, so it must never change.
    #[test]
    fn the_short_hash_is_the_start_of_the_sha256() {
        let id = LoadId::new("a").unwrap();
        assert_eq!(id.short_hash(), "ca978112ca1bbdca");
    }

    #[test]
    fn a_file_s_id_can_be_read() {
        let at = DateTime::from_timestamp(1_795_435_200, 0).unwrap();
        let id = LoadId::for_file("batches.csv", 10, at, "abc");
        let text = id.as_str();
        assert!(text.starts_with("watch::batches.csv::2026-11-23T12:00:00Z::"), "{text}");
    }

    #[test]
    fn whatever_differs_in_a_file_differs_in_its_id() {
        let at = DateTime::from_timestamp(1_795_435_200, 0).unwrap();
        let later = at + chrono::Duration::microseconds(1);
        let ids = [
            LoadId::for_file("a.csv", 10, at, "abc"),
            LoadId::for_file("b.csv", 10, at, "abc"),
            LoadId::for_file("a.csv", 11, at, "abc"),
            LoadId::for_file("a.csv", 10, later, "abc"),
            LoadId::for_file("a.csv", 10, at, "abd"),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }

    proptest! {
        #[test]
        fn every_text_is_refused_or_kept(text in any::<String>()) {
            if let Ok(id) = LoadId::new(text.clone()) {
                prop_assert_eq!(id.as_str(), text.as_str());
                let json = serde_json::to_vec(&id).unwrap();
                prop_assert_eq!(serde_json::from_slice::<LoadId>(&json).unwrap(), id);
            }
        }

        #[test]
        fn every_file_has_one_valid_id(
            path in prop_oneof![any::<String>(), "[a-zäж🏭\\n/.]{3900,4100}"],
            size in any::<u64>(),
            secs in -62_135_596_800_i64..253_402_300_800,
            nanos in 0_u32..1_000_000_000,
            hash in "[0-9a-f]{64}",
        ) {
            let at = DateTime::from_timestamp(secs, nanos).unwrap();
            let id = LoadId::for_file(&path, size, at, &hash);
            prop_assert_eq!(LoadId::new(id.as_str()), Ok(id.clone()));
            prop_assert_eq!(LoadId::for_file(&path, size, at, &hash), id);
        }
    }
}
