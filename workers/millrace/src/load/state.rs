//! The state of a load, from its lines in the audits.

use std::collections::HashMap;

use messages::{MessageId, Stage, Verdict};
use serde::Serialize;
use warehouse::{Held, LoadLine, LoadStatus, StageLine, StageStatus};

/// Where a load is on its way. Drawn in ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Not all of its files are loaded yet.
    Ingesting,
    /// A file of it could not be loaded.
    IngestFailed,
    /// Its slices stand; its models are not built yet.
    Loaded,
    /// Its models could not be built.
    TransformFailed,
    /// Its models are built; it is not judged yet.
    Transformed,
    /// Every check passed.
    Passed,
    /// Only checks of severity warn did not pass.
    Warned,
    /// A check of severity error did not pass, or the checks could not run.
    Failed,
    /// Its command was taken back. What it had done by then stands.
    Cancelled,
    /// Its slices stand and are held back until somebody decides.
    Quarantined,
    /// It was held back, and somebody gave it up.
    Discarded,
}

impl State {
    /// The stages that have something to do yet for the newest command of a load, as far as the audit knows.
    pub fn open_stages(files: &[LoadLine], stages: &[StageLine]) -> &'static [Stage] {
        if by_file(files).values().any(|status| *status == LoadStatus::Planned) {
            return &[Stage::Ingest, Stage::Transform, Stage::Dq];
        }
        match Self::of(files, stages) {
            Self::Loaded => &[Stage::Transform, Stage::Dq],
            Self::Transformed => &[Stage::Dq],
            _ => &[],
        }
    }

    /// The state that the lines tell of. `files` holds lines of one load in any order; only the newest command counts, unless it
    /// was cancelled and an older one holds files back.
    pub fn of(files: &[LoadLine], stages: &[StageLine]) -> Self {
        let by_file = by_file(files);
        let has_ended = !by_file.values().any(|status| *status == LoadStatus::Planned);
        if has_ended && by_file.values().any(|status| *status == LoadStatus::Cancelled) {
            return Self::Cancelled;
        }
        if by_file.values().any(|status| *status == LoadStatus::Failed) {
            return Self::IngestFailed;
        }
        if by_file.values().any(|status| *status == LoadStatus::Planned) {
            return Self::Ingesting;
        }
        if by_file.values().any(|status| *status == LoadStatus::Quarantined) {
            return Self::Quarantined;
        }
        if by_file.values().any(|status| *status == LoadStatus::Discarded) {
            return Self::Discarded;
        }
        let loaded_at = files.iter().map(|line| line.finished_at).max();
        // That somebody took a command back is no end of it.
        let ends = stages.iter().filter(|line| line.status != StageStatus::CancelRequested);
        let later = ends.filter(|line| loaded_at.is_none_or(|at| line.finished_at >= at));
        match later.max_by_key(|line| line.finished_at) {
            // Nothing was loaded: of a command that was taken back before it had a file, and of a dry run, the audit knows that
            // alone.
            None if files.is_empty() && !stages.is_empty() => Self::Cancelled,
            None => Self::Loaded,
            Some(line) => Self::after(line),
        }
    }

    fn after(line: &StageLine) -> Self {
        let verdict = line.announced.get("verdict").and_then(|verdict| verdict.as_str());
        match (line.stage, line.status, verdict) {
            (_, StageStatus::Cancelled | StageStatus::CancelRequested, _) => Self::Cancelled,
            (Stage::Dq, StageStatus::Success, Some("warned")) => Self::Warned,
            (Stage::Dq, StageStatus::Success, _) => Self::Passed,
            (Stage::Dq, StageStatus::Failed, _) => Self::Failed,
            (_, StageStatus::Success, _) => Self::Transformed,
            (_, StageStatus::Failed, _) => Self::TransformFailed,
        }
    }

    /// As printed: `WARNED`, `INGEST FAILED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingesting => "INGESTING",
            Self::IngestFailed => "INGEST FAILED",
            Self::Loaded => "LOADED",
            Self::TransformFailed => "TRANSFORM FAILED",
            Self::Transformed => "TRANSFORMED",
            Self::Passed => Verdict::Passed.as_str(),
            Self::Warned => Verdict::Warned.as_str(),
            Self::Failed => Verdict::Failed.as_str(),
            Self::Cancelled => "CANCELLED",
            Self::Quarantined => "QUARANTINED",
            Self::Discarded => "DISCARDED",
        }
    }

    /// Whether something went wrong that somebody must see to.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::IngestFailed | Self::TransformFailed | Self::Failed | Self::Quarantined)
    }
}

/// How far each file came under the command that counts: the newest. One that was cancelled leaves an older one in its place that
/// holds files back, or that somebody has decided about since.
fn by_file(files: &[LoadLine]) -> HashMap<&str, LoadStatus> {
    let Some(newest) = files.iter().map(|line| line.command_id).max() else { return HashMap::new() };
    let of_newest = by_file_of(files, newest);
    let is_any = |status: LoadStatus| of_newest.values().any(|of_file| *of_file == status);
    if !is_any(LoadStatus::Cancelled) || is_any(LoadStatus::Planned) {
        return of_newest;
    }
    let ended_at = files.iter().filter(|line| line.command_id == newest).map(|line| line.finished_at).max();
    let decided = files.iter().filter(|line| line.decided_by.is_some() && Some(line.finished_at) >= ended_at);
    let decided = decided.max_by_key(|line| line.finished_at).map(|line| line.command_id);
    match Held::of(files).map(|held| held.command_id).or(decided) {
        Some(older) => by_file_of(files, older),
        None => of_newest,
    }
}

fn by_file_of(files: &[LoadLine], command_id: MessageId) -> HashMap<&str, LoadStatus> {
    let mut by_file: HashMap<&str, LoadStatus> = HashMap::new();
    for line in files.iter().filter(|line| line.command_id == command_id) {
        let status = by_file.entry(&line.uri).or_insert(line.status);
        if settled(line.status) >= settled(*status) {
            *status = line.status;
        }
    }
    by_file
}

/// Of two lines of one file that counts which says more: loaded once is loaded, whatever a second delivery ran into; what is held
/// back is so until somebody decides; cancelled is cancelled.
fn settled(status: LoadStatus) -> u8 {
    match status {
        LoadStatus::Success => 5,
        LoadStatus::Discarded => 4,
        LoadStatus::Quarantined => 3,
        LoadStatus::Cancelled => 2,
        LoadStatus::Failed => 1,
        LoadStatus::Planned => 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::{DateTime, Utc};
    use messages::{LoadId, MessageId};
    use serde_json::json;

    use super::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    fn file(uri: &str, status: LoadStatus, command: i64) -> LoadLine {
        LoadLine {
            load_id: LoadId::new("a").unwrap(),
            command_id: MessageId::derived(at(command), "command"),
            table: "T".into(),
            source: "t".into(),
            uri: uri.into(),
            file_id: None,
            status,
            attempt: 1,
            rows_loaded: 0,
            rows_rejected: 0,
            bytes: 0,
            modified_at: at(0),
            as_of: at(0),
            started_at: at(command),
            finished_at: at(command),
            error: None,
            trace_id: String::new(),
            run_files: 2,
            table_files: 2,
            worker: String::new(),
            decided_by: None,
            decided_why: None,
        }
    }

    fn stage(stage: Stage, status: StageStatus, secs: i64, verdict: &str) -> StageLine {
        StageLine {
            load_id: LoadId::new("a").unwrap(),
            stage,
            message_id: MessageId::fresh(),
            status,
            attempt: 1,
            started_at: at(secs),
            finished_at: at(secs),
            error: None,
            announced: json!({ "verdict": verdict }),
            trace_id: String::new(),
            worker: String::new(),
        }
    }

    #[test]
    fn a_run_is_under_way_until_each_of_its_files_is_loaded() {
        use LoadStatus::{Failed, Planned, Success};
        let planned = [file("a", Planned, 1), file("b", Planned, 1)];
        assert_eq!(State::of(&planned, &[]), State::Ingesting);
        let half = [file("a", Planned, 1), file("a", Success, 1), file("b", Planned, 1)];
        assert_eq!(State::of(&half, &[]), State::Ingesting);
        let failed = [file("a", Planned, 1), file("a", Failed, 1), file("b", Success, 1)];
        assert_eq!(State::of(&failed, &[]), State::IngestFailed);
        let twice = [file("a", Success, 1), file("a", Failed, 1), file("b", Success, 1)];
        assert_eq!(State::of(&twice, &[]), State::Loaded);
    }

    #[test]
    fn a_run_that_was_taken_back_ends_as_cancelled_once_each_of_its_files_has_ended() {
        use LoadStatus::{Cancelled, Failed, Planned, Success};
        let lines = |statuses: &[(&str, LoadStatus)]| -> Vec<LoadLine> {
            statuses.iter().map(|(uri, status)| file(uri, *status, 1)).collect()
        };
        for (statuses, state) in [
            (&[("a", Success), ("b", Cancelled)][..], State::Cancelled),
            (&[("a", Planned), ("b", Cancelled)], State::Ingesting),
            (&[("a", Failed), ("b", Cancelled)], State::Cancelled),
            (&[("a", Success), ("a", Cancelled)], State::Loaded),
            (&[("a", Cancelled), ("a", Success)], State::Loaded),
            (&[("a", Cancelled), ("a", Failed)], State::Cancelled),
        ] {
            assert_eq!(State::of(&lines(statuses), &[]), state, "{statuses:?}");
        }
        let again = [file("a", Cancelled, 1), file("a", Success, 4)];
        assert_eq!(State::of(&again, &[]), State::Loaded);
        assert!(!State::Cancelled.is_failure());
    }

    #[test]
    fn what_is_held_back_waits_for_a_decision() {
        use LoadStatus::{Cancelled, Discarded, Failed, Planned, Quarantined, Success};
        let lines = |statuses: &[(&str, LoadStatus)]| -> Vec<LoadLine> {
            statuses.iter().map(|(uri, status)| file(uri, *status, 1)).collect()
        };
        for (statuses, state) in [
            (&[("a", Quarantined)][..], State::Quarantined),
            (&[("a", Planned), ("a", Quarantined), ("b", Planned)], State::Ingesting),
            (&[("a", Quarantined), ("b", Success)], State::Quarantined),
            (&[("a", Quarantined), ("b", Failed)], State::IngestFailed),
            (&[("a", Quarantined), ("a", Failed)], State::Quarantined),
            (&[("a", Quarantined), ("b", Cancelled)], State::Cancelled),
            (&[("a", Quarantined), ("a", Success)], State::Loaded),
            (&[("a", Success), ("a", Quarantined)], State::Loaded),
            (&[("a", Quarantined), ("a", Discarded), ("b", Success)], State::Discarded),
            (&[("a", Discarded), ("b", Quarantined)], State::Quarantined),
        ] {
            assert_eq!(State::of(&lines(statuses), &[]), state, "{statuses:?}");
            let is_open = !State::open_stages(&lines(statuses), &[]).is_empty();
            assert_eq!(is_open, matches!(state, State::Ingesting | State::Loaded), "{statuses:?}");
        }
        let again = [file("a", Quarantined, 1), file("a", Success, 4)];
        assert_eq!(State::of(&again, &[]), State::Loaded);
        assert!(State::Quarantined.is_failure() && !State::Discarded.is_failure());
    }

    #[test]
    fn a_reload_that_was_cancelled_leaves_what_is_held_back() {
        use LoadStatus::{Cancelled, Discarded, Planned, Quarantined, Success};
        let held = file("a", Quarantined, 1);
        let decided = |status, at: i64| LoadLine {
            decided_by: Some("jane".into()),
            finished_at: DateTime::from_timestamp(at, 0).unwrap(),
            ..file("a", status, 1)
        };
        let planned = file("a", Planned, 2);
        let cancelled = LoadLine { finished_at: at(3), ..file("a", Cancelled, 2) };
        let state = |lines: &[&LoadLine]| {
            let lines: Vec<LoadLine> = lines.iter().map(|line| (*line).clone()).collect();
            State::of(&lines, &[])
        };
        assert_eq!(state(&[&held, &planned]), State::Ingesting);
        assert_eq!(state(&[&held, &planned, &cancelled]), State::Quarantined);
        assert_eq!(state(&[&held, &planned, &cancelled, &decided(Success, 4)]), State::Loaded);
        assert_eq!(state(&[&held, &planned, &cancelled, &decided(Discarded, 4)]), State::Discarded);
        // As before: what was loaded and decided about by then stands, and the state tells of the newest command.
        assert_eq!(state(&[&held, &decided(Discarded, 1), &planned, &cancelled]), State::Cancelled);
        assert_eq!(state(&[&file("a", Success, 1), &planned, &cancelled]), State::Cancelled);
        let elsewhere = LoadLine { table: "U".into(), ..file("b", Planned, 3) };
        assert_eq!(state(&[&held, &planned, &cancelled, &elsewhere]), State::Ingesting);
    }

    #[test]
    fn that_a_cancel_was_asked_for_is_no_end() {
        let done = [
            stage(Stage::Transform, StageStatus::Success, 2, ""),
            stage(Stage::Transform, StageStatus::CancelRequested, 3, ""),
        ];
        let loaded = [file("a", LoadStatus::Success, 1)];
        assert_eq!(State::of(&loaded, &done), State::Transformed);
        assert_eq!(State::of(&loaded, &done[1..]), State::Loaded);
        assert_eq!(State::of(&loaded, &[stage(Stage::Dq, StageStatus::Cancelled, 3, "failed")]), State::Cancelled);
        assert_eq!(State::of(&[], &[stage(Stage::Ingest, StageStatus::Cancelled, 3, "")]), State::Cancelled);
        assert_eq!(State::of(&[], &done[1..]), State::Cancelled, "nothing was loaded");
        assert_eq!(State::of(&[], &done), State::Transformed);
    }

    #[test]
    fn the_last_stage_tells_and_a_reload_begins_anew() {
        let done =
            [stage(Stage::Transform, StageStatus::Success, 2, ""), stage(Stage::Dq, StageStatus::Success, 3, "warned")];
        assert_eq!(State::of(&[file("a", LoadStatus::Success, 1)], &done), State::Warned);
        assert_eq!(State::of(&[file("a", LoadStatus::Success, 1)], &done[..1]), State::Transformed);
        let again = [file("a", LoadStatus::Success, 1), file("a", LoadStatus::Success, 4)];
        assert_eq!(State::of(&again, &done), State::Loaded);
    }
}
