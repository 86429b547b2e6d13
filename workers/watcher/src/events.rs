//! What the file system tells.

use std::path::{Path, PathBuf};

use messages::Failure;
use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RenameMode};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// What there is to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// A file is finished: it was closed after writing, or moved here.
    Finished(PathBuf),
    /// A file is being written.
    Growing(PathBuf),
    /// Something happened that only a look at the whole folder can tell.
    Rescan,
}

/// Begins to watch `root` and all below it. Hints come until what is returned is dropped.
///
/// # Errors
/// The folder can't be watched; the text says what to change.
pub(crate) fn watch(root: &Path) -> Result<(RecommendedWatcher, mpsc::UnboundedReceiver<Hint>), Failure> {
    let (sender, hints) = mpsc::unbounded_channel();
    let heard = move |event: notify::Result<Event>| {
        for hint in interpret(event) {
            // The receiver is gone when the watcher stops.
            let _ = sender.send(hint);
        }
    };
    let mut watcher = notify::recommended_watcher(heard).map_err(|error| refused(root, error))?;
    watcher.watch(root, RecursiveMode::Recursive).map_err(|error| refused(root, error))?;
    Ok((watcher, hints))
}

fn interpret(event: notify::Result<Event>) -> Vec<Hint> {
    let event = match event {
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(%error, "file events may have been missed; the folder is looked through");
            return vec![Hint::Rescan];
        }
    };
    if event.need_rescan() {
        return vec![Hint::Rescan];
    }
    let paths = event.paths;
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
            // A folder that was moved here brings its files without events of their own.
            let folder = paths.iter().any(|path| path.is_dir());
            if folder { vec![Hint::Rescan] } else { paths.into_iter().map(Hint::Finished).collect() }
        }
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => {
            paths.into_iter().skip(1).map(Hint::Finished).collect()
        }
        // Files in a folder that was just made can be missed.
        EventKind::Create(CreateKind::Folder) => vec![Hint::Rescan],
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => {
            paths.into_iter().map(Hint::Growing).collect()
        }
        _ => Vec::new(),
    }
}

fn refused(root: &Path, error: notify::Error) -> Failure {
    let cure = match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the system's limit of watched folders is reached: raise fs.inotify.max_user_watches"
        }
        ErrorKind::PathNotFound => "the folder is not there: make it, or set paths.raw",
        _ => "see to it that the folder can be read, or set paths.raw",
    };
    Failure::fatal(format!("{} can't be watched: {error}; {cure}", root.display()))
}
