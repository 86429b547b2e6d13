//! What workers that died have left in the stage.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::session::Again;
use super::{Snowflake, statements};

/// Older than any load that may still run.
const KEPT: Duration = Duration::from_secs(2 * 24 * 3600);

/// Removes old folders. Nobody depends on it: what fails now is done at the next start.
pub(super) async fn sweep(flake: &Snowflake) {
    let Ok(listed) = flake.ask(&statements::list_all(), Again::Harmless, usize::MAX).await else { return };
    let names = listed.column("name").into_iter().flatten().flatten();
    let old: BTreeSet<_> = names.filter_map(folder).filter(|folder| is_old(folder, Utc::now())).collect();
    for folder in old {
        if let Err(error) = flake.ask(&statements::remove(folder), Again::Harmless, usize::MAX).await {
            tracing::warn!(%error, folder, "an old folder of the stage could not be removed");
        }
    }
}

/// `<table>/<id>` of `load_stage/<table>/<id>/part_00001.csv.gz`.
fn folder(name: &str) -> Option<&str> {
    let (_, path) = name.split_once('/')?;
    Some(path.rsplit_once('/')?.0)
}

/// The id begins with its time.
fn is_old(folder: &str, now: DateTime<Utc>) -> bool {
    let id = folder.rsplit('/').next().and_then(|id| Uuid::parse_str(id).ok());
    let seconds = id.and_then(|id| id.get_timestamp()).map(|at| at.to_unix().0);
    let made = seconds.and_then(|seconds| DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0));
    made.is_some_and(|made| (now - made).to_std().is_ok_and(|age| age > KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_folders_of_ours_are_removed() {
        let name = "load_stage/BATCHES/01935a00000070008000000000000001/part_00001.csv.gz";
        let old = folder(name).unwrap();
        assert_eq!(old, "BATCHES/01935a00000070008000000000000001");
        assert!(is_old(old, Utc::now()));
        assert!(!is_old(&format!("BATCHES/{}", Uuid::now_v7().simple()), Utc::now()));
        assert!(!is_old("somebody/elses", Utc::now()));
    }
}
