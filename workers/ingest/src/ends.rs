//! Why a run is not complete, in words.

use std::fmt::Write as _;

use messages::{Failure, FailureClass, LoadId};
use warehouse::{LoadLine, LoadStatus, RunState};

/// The files of a run that were not loaded, by how they ended.
pub(crate) struct Ends<'a> {
    cancelled: Vec<&'a LoadLine>,
    failed: Vec<&'a LoadLine>,
    held: Vec<&'a LoadLine>,
    discarded: Vec<&'a LoadLine>,
    all: u32,
}

impl<'a> Ends<'a> {
    /// Those of `state`.
    pub(crate) fn of(state: &'a RunState) -> Self {
        let with = |status: LoadStatus| state.files.iter().filter(|line| line.status == status).collect();
        Self {
            cancelled: with(LoadStatus::Cancelled),
            failed: with(LoadStatus::Failed),
            held: with(LoadStatus::Quarantined),
            discarded: with(LoadStatus::Discarded),
            all: state.run_files,
        }
    }

    /// Why the run is not complete, and the files that keep it from being so. Of several causes that counts which is answered
    /// first: whoever took it back is answered, then somebody has to mend something, then somebody has to decide. The others
    /// are told besides.
    pub(crate) fn failure(&self, load_id: &LoadId) -> Option<(Vec<&'a LoadLine>, Failure)> {
        let all = self.all;
        let (files, mut failure) = match (&self.cancelled[..], &self.failed[..], &self.held[..], &self.discarded[..]) {
            ([], [], [], []) => return None,
            (cancelled @ [first, ..], failed, ..) => {
                // What failed of it is a dead letter besides.
                let but = if failed.is_empty() { String::new() } else { format!(", {} failed", failed.len()) };
                let message = match all {
                    1 => why(first),
                    all => format!("{} ({} of {all} files were not loaded any more{but})", why(first), cancelled.len()),
                };
                (cancelled, Failure::cancelled(message))
            }
            ([], failed @ [first, ..], ..) => {
                let message = match all {
                    1 => why(first),
                    all => format!("{} of {all} files failed, {} first: {}", failed.len(), first.uri, why(first)),
                };
                (failed, Failure::permanent(message))
            }
            ([], [], held @ [first, ..], _) => {
                let message = match all {
                    1 => format!("{} is held back: {}", first.uri, why(first)),
                    all => format!("{} of {all} files are held back, {} first: {}", held.len(), first.uri, why(first)),
                };
                (held, Failure::quarantined(message))
            }
            ([], [], [], _) => return Some(self.discarded()),
        };
        if failure.class != FailureClass::Quarantined && !self.held.is_empty() {
            let _ = write!(failure.message, "; besides, {} of {all} files are held back", self.held.len());
        }
        if !self.held.is_empty() {
            failure.message.push_str(&how_to_decide(load_id, &self.held));
        }
        Some((files.to_vec(), failure))
    }

    /// The files that somebody has given up, and how that is told.
    pub(crate) fn discarded(&self) -> (Vec<&'a LoadLine>, Failure) {
        let message = match (&self.discarded[..], self.all) {
            ([], _) => "nothing of it was given up".into(),
            ([first, ..], 1) => why(first),
            ([first, ..], all) => format!("{} ({} of {all} files)", why(first), self.discarded.len()),
        };
        (self.discarded.clone(), Failure::cancelled(message))
    }
}

fn why(line: &LoadLine) -> String {
    line.error.clone().unwrap_or_else(|| "no cause was recorded".into())
}

/// What somebody can do about files that are held back.
fn how_to_decide(load_id: &LoadId, held: &[&LoadLine]) -> String {
    let rows: u64 = held.iter().map(|line| line.rows_loaded).sum();
    let load_id = load_id.as_str().replace('\'', r"'\''");
    format!(
        "; {rows} rows are kept and nobody sees them: `millrace release '{load_id}' --reason …` lets them become current, \
        `millrace discard '{load_id}' --reason …` gives them up"
    )
}
