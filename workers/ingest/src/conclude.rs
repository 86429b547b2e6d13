//! Is the run complete? Then say so, once as far as anybody downstream can tell.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use messages::{
    Envelope, Failure, FailureClass, IngestCompleted, IngestFailed, LoadId, Message, MessageId, SourceFileDiscovered,
    TableLoad,
};
use runtime::Handled;
use warehouse::{LoadLine, LoadStatus, RunState};

use crate::handler::SENDER;
use crate::{IngestHandler, report};

/// Announces the end of the run if every file of it is loaded, held back, given up or overtaken by a newer command. Two workers
/// that both see the end announce it under one id.
pub(crate) async fn conclude(
    handler: &IngestHandler,
    envelope: &Envelope,
    file: &SourceFileDiscovered,
) -> Result<Handled, Failure> {
    let state = handler.ledger.run_state(&file.load_id, file.command_id).await?.map(without_overtaken);
    if state.as_ref().is_some_and(|state| state.files.is_empty()) {
        return Ok(vec![overtaken(envelope, file)].into());
    }
    if let Some(of) = state.as_ref().and_then(|state| whole_table(state, file)) {
        report::completed(&of.source, of.as_of);
    }
    Ok(state.and_then(|state| announcement(envelope, file, &state)).into_iter().collect::<Vec<_>>().into())
}

/// Tells how new the data of each table is that is whole.
pub(crate) fn tell_whole_tables(state: &RunState) {
    let whole = state.files.iter().filter(|line| is_whole(&state.files, &line.table));
    let by_table: BTreeMap<&str, &LoadLine> = whole.map(|line| (line.table.as_str(), line)).collect();
    by_table.values().for_each(|of| report::completed(&of.source, of.as_of));
}

/// The line of this file, if its table is whole: the newest data of its table may have changed.
fn whole_table<'a>(state: &'a RunState, file: &SourceFileDiscovered) -> Option<&'a LoadLine> {
    let line = state.files.iter().find(|line| line.uri == file.uri && line.status == LoadStatus::Success)?;
    is_whole(&state.files, &line.table).then_some(line)
}

/// The run without the tables that a newer command has taken over before they were whole: that one announces them. The
/// others are this run's to announce, or nobody would; and that files were cancelled too, or whoever asked would wait in vain.
pub(crate) fn without_overtaken(mut state: RunState) -> RunState {
    let before = state.files.len();
    let RunState { files, overtaken, .. } = &mut state;
    overtaken.retain(|table| !is_whole(files, table));
    files.retain(|line| line.status == LoadStatus::Cancelled || !overtaken.contains(&line.table));
    let left_out = u32::try_from(before - state.files.len()).unwrap_or(u32::MAX);
    RunState { run_files: state.run_files.saturating_sub(left_out), ..state }
}

/// What is announced of a run of which a newer command has taken over every table: whoever asked would wait in vain.
fn overtaken(envelope: &Envelope, file: &SourceFileDiscovered) -> Envelope {
    let why = format!("a newer command for {} has taken over all of its files, and is answered for them", file.load_id);
    let message =
        IngestFailed { load_id: file.load_id.clone(), tables: Vec::new(), uri: None, failure: Failure::cancelled(why) };
    envelope.leads_to(SENDER, message).with_id(file.command_id.leading_to("ingest.failed"))
}

/// Whether all of a table's files are loaded.
fn is_whole(files: &[LoadLine], table: &str) -> bool {
    let of_table = || files.iter().filter(|line| line.table == table);
    let loaded = of_table().filter(|line| line.status == LoadStatus::Success).count();
    of_table().all(|line| loaded >= line.table_files as usize)
}

fn announcement(envelope: &Envelope, file: &SourceFileDiscovered, state: &RunState) -> Option<Envelope> {
    let message = end_of(&file.load_id, file.as_of, state)?;
    let id = id_of(file.command_id, &message);
    Some(envelope.leads_to(SENDER, message).with_id(id))
}

/// The id under which the end of a command is announced. A run that is held back may have failed before, for another file of it:
/// whoever has heard that must hear this too.
fn id_of(command_id: MessageId, message: &Message) -> MessageId {
    match message {
        Message::IngestFailed(event) if event.failure.class == FailureClass::Quarantined => {
            command_id.leading_to("ingest.failed quarantined")
        }
        other => command_id.leading_to(other.type_name()),
    }
}

/// How a run over data of `as_of` ended, if each of its files has.
pub(crate) fn end_of(load_id: &LoadId, as_of: DateTime<Utc>, state: &RunState) -> Option<Message> {
    let ended = state.files.iter().filter(|line| line.status != LoadStatus::Planned).count();
    if ended < state.run_files as usize {
        return None;
    }
    let ends = Ends::of(state);
    let Some((at_fault, failure)) = ends.failure(load_id) else {
        return Some(IngestCompleted { load_id: load_id.clone(), as_of, tables: tables(&state.files) }.into());
    };
    let uri = match at_fault {
        [one] => Some(one.uri.clone()),
        _ => None,
    };
    Some(IngestFailed { load_id: load_id.clone(), tables: tables(&state.files), uri, failure }.into())
}

/// The files of a run that were not loaded, by how they ended.
struct Ends<'a> {
    cancelled: Vec<&'a LoadLine>,
    failed: Vec<&'a LoadLine>,
    held: Vec<&'a LoadLine>,
    discarded: Vec<&'a LoadLine>,
    all: u32,
}

impl<'a> Ends<'a> {
    fn of(state: &'a RunState) -> Self {
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
    fn failure(&self, load_id: &LoadId) -> Option<(&[&'a LoadLine], Failure)> {
        let why = |line: &LoadLine| line.error.clone().unwrap_or_else(|| "no cause was recorded".into());
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
            ([], [], [], discarded @ [first, ..]) => {
                let message = match all {
                    1 => why(first),
                    all => format!("{} ({} of {all} files)", why(first), discarded.len()),
                };
                (discarded, Failure::cancelled(message))
            }
        };
        if failure.class != FailureClass::Quarantined && !self.held.is_empty() {
            let _ = write!(failure.message, "; besides, {} of {all} files are held back", self.held.len());
        }
        if !self.held.is_empty() {
            failure.message.push_str(&how_to_decide(load_id, &self.held));
        }
        Some((files, failure))
    }
}

/// What somebody can do about files that are held back.
fn how_to_decide(load_id: &LoadId, held: &[&LoadLine]) -> String {
    let rows: u64 = held.iter().map(|line| line.rows_loaded).sum();
    let load_id = load_id.as_str().replace('\'', r"'\''");
    format!(
        "; {rows} rows are kept and nobody sees them: `millrace release '{load_id}'` lets them become current, \
        `millrace discard '{load_id}'` gives them up"
    )
}

/// What was loaded, by table, in the order of their names.
fn tables(lines: &[LoadLine]) -> Vec<TableLoad> {
    let mut tables = BTreeMap::<&str, TableLoad>::new();
    for line in lines.iter().filter(|line| line.status == LoadStatus::Success) {
        let table = tables.entry(&line.table).or_insert_with(|| TableLoad::of(&line.source, &line.table));
        table.add(line.rows_loaded, line.rows_rejected, line.bytes);
    }
    tables.into_values().collect()
}
