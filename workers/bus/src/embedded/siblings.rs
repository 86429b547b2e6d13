//! Which buses of this process have the same file open, so that they wake each other at once.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::writer::Ask;

static SIBLINGS: Mutex<Vec<Sibling>> = Mutex::new(Vec::new());

struct Sibling {
    path: PathBuf,
    owner: String,
    asks: Sender<Ask>,
}

/// A push onto the list can't leave it half done, so a panic elsewhere is no reason to stop.
fn siblings() -> MutexGuard<'static, Vec<Sibling>> {
    SIBLINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on `asks` hears of what others of this process do to the file at `path`.
pub(super) fn join(path: &Path, owner: &str, asks: Sender<Ask>) {
    siblings().push(Sibling { path: path.to_owned(), owner: owner.to_owned(), asks });
}

/// Ends what [`join`] began.
pub(super) fn leave(owner: &str) {
    siblings().retain(|sibling| sibling.owner != owner);
}

/// Wakes the others that have the file at `path` open.
pub(super) fn wake(path: &Path, owner: &str) {
    for sibling in siblings().iter() {
        if sibling.path == path && sibling.owner != owner {
            // A sibling that has just ended needs no waking.
            let _ = sibling.asks.send(Ask::Look);
        }
    }
}
