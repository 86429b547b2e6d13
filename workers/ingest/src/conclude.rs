//! Is the run complete? Then say so, once as far as anybody downstream can tell.

use messages::{Envelope, Failure, IngestCompleted, IngestFailed, SourceFileDiscovered, TableLoad};
use runtime::Handled;
use warehouse::{LoadLine, LoadStatus, RunState};

use crate::handler::SENDER;
use crate::{IngestHandler, report};

/// Announces the end of the run if every file of it is loaded, given up or overtaken by a newer command. Two workers that
/// both see the end announce it under one id.
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

/// The line of this file, if its table is whole: the newest data of its table may have changed.
fn whole_table<'a>(state: &'a RunState, file: &SourceFileDiscovered) -> Option<&'a LoadLine> {
    let line = state.files.iter().find(|line| line.uri == file.uri && line.status == LoadStatus::Success)?;
    is_whole(&state.files, &line.table).then_some(line)
}

/// The run without the tables that a newer command has taken over before they were whole: that one announces them. The
/// others are this run's to announce, or nobody would; and that files were cancelled too, or whoever asked would wait in vain.
fn without_overtaken(mut state: RunState) -> RunState {
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
    let ended = state.files.iter().filter(|line| line.status != LoadStatus::Planned).count();
    if ended < state.run_files as usize {
        return None;
    }
    let tables = tables(&state.files);
    let with =
        |status: LoadStatus| -> Vec<&LoadLine> { state.files.iter().filter(|line| line.status == status).collect() };
    let (cancelled, failed) = (with(LoadStatus::Cancelled), with(LoadStatus::Failed));
    let message: messages::Message = match (cancelled.as_slice(), failed.as_slice()) {
        ([], []) => IngestCompleted { load_id: file.load_id.clone(), as_of: file.as_of, tables }.into(),
        // Whoever took it back is answered; what failed of it is a dead letter besides.
        ([first, ..], failed) => {
            let why = first.error.clone().unwrap_or_else(|| "cancelled".into());
            let but = match failed.len() {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            let message = match state.run_files {
                1 => why,
                all => format!("{why} ({} of {all} files were not loaded any more{but})", cancelled.len()),
            };
            IngestFailed {
                load_id: file.load_id.clone(),
                tables,
                uri: (cancelled.len() == 1).then(|| first.uri.clone()),
                failure: Failure::cancelled(message),
            }
            .into()
        }
        ([], [first, ..]) => {
            let error = first.error.clone().unwrap_or_else(|| "no cause was recorded".into());
            let message = match state.run_files {
                1 => error,
                all => format!("{} of {all} files failed, {} first: {error}", failed.len(), first.uri),
            };
            IngestFailed {
                load_id: file.load_id.clone(),
                tables,
                uri: (failed.len() == 1).then(|| first.uri.clone()),
                failure: Failure::permanent(message),
            }
            .into()
        }
    };
    let id = file.command_id.leading_to(message.type_name());
    Some(envelope.leads_to(SENDER, message).with_id(id))
}

/// What was loaded, by table, in the order of their names.
fn tables(lines: &[LoadLine]) -> Vec<TableLoad> {
    let mut tables = std::collections::BTreeMap::<&str, TableLoad>::new();
    for line in lines.iter().filter(|line| line.status == LoadStatus::Success) {
        let table = tables.entry(&line.table).or_insert_with(|| TableLoad::of(&line.source, &line.table));
        table.add(line.rows_loaded, line.rows_rejected, line.bytes);
    }
    tables.into_values().collect()
}
