//! The newest loads, a line each.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use messages::{Failure, LoadId, Stage};
use serde::Serialize;
use warehouse::{Held, Ledger, LoadLine, LoadStatus, StageLine, StageStatus};

use super::state::State;
use crate::output::{self, Output, thousands};

/// Lines of the audit to look at for each load to be listed: a load of more files shows those.
const LINES_PER_LOAD: usize = 50;

#[derive(Serialize)]
struct Listed {
    load_id: LoadId,
    state: State,
    tables: Vec<String>,
    files: u32,
    rows_loaded: u64,
    rows_rejected: u64,
    as_of: DateTime<Utc>,
    finished_at: DateTime<Utc>,
    error: Option<String>,
}

pub async fn list(ledger: &Ledger, limit: usize, output: &Output) -> Result<(), Failure> {
    let lines = ledger.recent(limit.saturating_mul(LINES_PER_LOAD)).await?;
    let oldest = lines.iter().map(|line| line.finished_at).min().unwrap_or_default();
    let mut stages: HashMap<LoadId, Vec<StageLine>> = HashMap::new();
    for line in ledger.stage_lines_since(oldest).await? {
        stages.entry(line.load_id.clone()).or_default().push(line);
    }
    let mut loads: Vec<(LoadId, Vec<LoadLine>)> = Vec::new();
    for line in lines {
        match loads.iter_mut().find(|(load_id, _)| *load_id == line.load_id) {
            Some((_, of_load)) => of_load.push(line),
            None => loads.push((line.load_id.clone(), vec![line])),
        }
    }
    show_what_is_held(ledger, &mut loads, &stages).await?;
    // Taken back before it had files.
    let cancelled = |line: &StageLine| line.stage == Stage::Ingest && line.status == StageStatus::Cancelled;
    let without_files = stages.iter().filter(|(_, lines)| lines.iter().any(cancelled)).map(|(load_id, _)| load_id);
    let without_files: Vec<LoadId> =
        without_files.filter(|load_id| loads.iter().all(|(known, _)| known != *load_id)).cloned().collect();
    loads.extend(without_files.into_iter().map(|load_id| (load_id, Vec::new())));
    let mut listed: Vec<Listed> = loads
        .into_iter()
        .map(|(load_id, lines)| {
            let stages = stages.remove(&load_id).unwrap_or_default();
            summarise(load_id, &lines, &stages)
        })
        .collect();
    listed.sort_by_key(|load| std::cmp::Reverse(load.finished_at));
    listed.truncate(limit);
    output.value(&listed, |listed| show(listed, output))
}

/// A reload that was cancelled is newer than what is held back, which somebody has to decide about all the same.
async fn show_what_is_held(
    ledger: &Ledger,
    loads: &mut [(LoadId, Vec<LoadLine>)],
    stages: &HashMap<LoadId, Vec<StageLine>>,
) -> Result<(), Failure> {
    let state =
        |load_id: &LoadId, lines: &[LoadLine]| State::of(lines, stages.get(load_id).map_or(&[][..], Vec::as_slice));
    let cancelled: Vec<&LoadId> = loads
        .iter()
        .filter(|(load_id, lines)| state(load_id, lines) == State::Cancelled)
        .map(|(load_id, _)| load_id)
        .collect();
    let mut all: HashMap<LoadId, Vec<LoadLine>> = HashMap::new();
    for line in ledger.lines_of_all(&cancelled).await? {
        all.entry(line.load_id.clone()).or_default().push(line);
    }
    for (load_id, lines) in loads {
        let of_load = all.get(load_id).map_or(&[][..], Vec::as_slice);
        match Held::of(of_load) {
            Some(held) if state(load_id, of_load) == State::Quarantined => *lines = held.files,
            _ => {}
        }
    }
    Ok(())
}

fn summarise(load_id: LoadId, lines: &[LoadLine], stages: &[StageLine]) -> Listed {
    let mut tables: Vec<String> = lines.iter().map(|line| line.table.clone()).collect();
    tables.sort();
    tables.dedup();
    let loaded = || lines.iter().filter(|line| matches!(line.status, LoadStatus::Success | LoadStatus::Quarantined));
    let error = lines.iter().find_map(|line| line.error.clone());
    let ends: Vec<&StageLine> = stages.iter().filter(|line| line.status != StageStatus::CancelRequested).collect();
    let ended_at = ends.iter().map(|line| line.finished_at).max().unwrap_or_default();
    Listed {
        load_id,
        state: State::of(lines, stages),
        tables,
        files: lines.iter().map(|line| line.run_files).max().unwrap_or_default(),
        rows_loaded: loaded().map(|line| line.rows_loaded).sum(),
        rows_rejected: loaded().map(|line| line.rows_rejected).sum(),
        as_of: lines.iter().map(|line| line.as_of).max().unwrap_or(ended_at),
        finished_at: lines.iter().map(|line| line.finished_at).max().unwrap_or(ended_at),
        error: error.or_else(|| ends.last().and_then(|line| line.error.clone())),
    }
}

fn show(listed: &[Listed], output: &Output) {
    if listed.is_empty() {
        return output.note("no loads yet: drop a file into the raw folder while `millrace up` runs");
    }
    let rows = listed.iter().map(|load| {
        vec![
            output::status(load.state.as_str()),
            load.tables.join(", "),
            thousands(load.rows_loaded),
            thousands(load.rows_rejected),
            load.finished_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            load.load_id.to_string(),
        ]
    });
    output.table(&["state", "tables", "rows", "rejected", "loaded (UTC)", "LOAD_ID"], rows.collect());
}
