//! Which files need no announcement.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use runtime::{Contracts, raw_folder::FoundFile};
use warehouse::{LoadLine, LoadStatus};

/// What is known of the files by their paths: the content that was announced or loaded last.
#[derive(Default)]
pub(crate) struct Known {
    files: HashMap<String, Seen>,
}

struct Seen {
    size_bytes: u64,
    modified_at: DateTime<Utc>,
    /// When it was announced, until the audit has it.
    announced: Option<Instant>,
}

impl Seen {
    fn same_content(&self, other: &Self) -> bool {
        self.size_bytes == other.size_bytes && self.modified_at == other.modified_at
    }
}

impl Known {
    /// Takes over what the audit says. A file that failed because no contract matched it is unknown again once one does.
    pub(crate) fn learn(&mut self, lines: &[LoadLine], contracts: &Contracts) {
        for line in lines {
            let orphan = line.status == LoadStatus::Failed && line.source.is_empty();
            if orphan && contracts.for_file(&line.uri).is_ok() {
                continue;
            }
            let seen = Seen { size_bytes: line.bytes, modified_at: line.modified_at, announced: None };
            match self.files.get(&line.uri) {
                // What was announced last is still on its way: an older content's line says nothing of it.
                Some(last) if last.announced.is_some() && !last.same_content(&seen) => {}
                _ => {
                    self.files.insert(line.uri.clone(), seen);
                }
            }
        }
    }

    /// Whether this very content was announced or loaded.
    pub(crate) fn has(&self, file: &FoundFile) -> bool {
        self.files
            .get(&file.uri)
            .is_some_and(|seen| seen.size_bytes == file.size_bytes && seen.modified_at == file.modified_at)
    }

    /// Notes that a file was announced.
    pub(crate) fn announced(&mut self, file: &FoundFile) {
        let seen = Seen { size_bytes: file.size_bytes, modified_at: file.modified_at, announced: Some(Instant::now()) };
        self.files.insert(file.uri.clone(), seen);
    }

    /// What was announced and was not seen in the audit yet.
    pub(crate) fn waiting(&self) -> Vec<&str> {
        let waiting = self.files.iter().filter(|(_, seen)| seen.announced.is_some());
        waiting.map(|(uri, _)| uri.as_str()).collect()
    }

    /// Forgets what was announced longer than `age` ago and never came into the audit: it is announced again, under the
    /// same id, so that even a lost queue loses no file.
    pub(crate) fn forget_unanswered(&mut self, age: Duration) {
        self.files.retain(|_, seen| seen.announced.is_none_or(|at| at.elapsed() < age));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file(size_bytes: u64) -> FoundFile {
        FoundFile {
            uri: "a.csv".into(),
            path: "a.csv".into(),
            size_bytes,
            modified_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            leads_outside: false,
        }
    }

    #[test]
    fn knows_a_content_and_not_another() {
        let mut known = Known::default();
        known.announced(&file(1));
        assert!(known.has(&file(1)) && !known.has(&file(2)) && known.waiting() == ["a.csv"]);
    }

    #[test]
    fn forgets_what_nobody_answered() {
        let mut known = Known::default();
        known.announced(&file(1));
        known.forget_unanswered(Duration::from_secs(60));
        assert!(known.has(&file(1)));
        known.forget_unanswered(Duration::ZERO);
        assert!(!known.has(&file(1)));
    }
}
