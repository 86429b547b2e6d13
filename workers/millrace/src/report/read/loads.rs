//! The loads: their files, and what the later stages did.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use messages::{LoadId, MessageId, Stage};
use serde_json::json;
use warehouse::{LoadLine, LoadStatus, StageLine, StageStatus, sql};

use super::{Range, Reader};
use crate::load::State;
use crate::report::bounds::{ERROR_CHARS, LINES};
use crate::report::facts::{Held, Load};
use crate::report::read::row::Row;

/// Of two lines of one file under one command that counts which says more, as [`State`] has it.
const RANK: &str = "CASE STATUS WHEN 'SUCCESS' THEN 5 WHEN 'DISCARDED' THEN 4 WHEN 'QUARANTINED' THEN 3 \
    WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN 1 ELSE 0 END";

/// What is shown of a load's files at most; all of them count.
const FILES: usize = 5;

impl Reader<'_> {
    /// The loads, newest first, and whether there are more.
    pub(super) async fn loads(&mut self, range: Range) -> (Vec<Load>, bool) {
        let since = sql::timestamp(range.0);
        // The text of an error and the event that a stage announced can be long, and thousands of them are read.
        let lines = format!(
            "SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, STATUS, ROWS_LOADED, ROWS_REJECTED, \
            STARTED_AT, FINISHED_AT, SUBSTR(ERROR, 1, {}), TRACE_ID, RUN_FILES FROM RAW.RAW_LOAD_AUDIT \
            WHERE FINISHED_AT >= {since} QUALIFY ROW_NUMBER() OVER (PARTITION BY LOAD_ID, COMMAND_ID, SOURCE_FILE \
            ORDER BY {RANK} DESC, FINISHED_AT DESC) = 1 ORDER BY FINISHED_AT DESC LIMIT {}",
            ERROR_CHARS + 1,
            LINES + 1
        );
        let stages = format!(
            "SELECT LOAD_ID, STAGE, STATUS, STARTED_AT, FINISHED_AT, SUBSTR(ERROR, 1, {}), TRACE_ID, \
            CASE WHEN ANNOUNCED LIKE '%\"verdict\":\"warned\"%' THEN 'warned' END FROM RAW.STAGE_AUDIT \
            WHERE FINISHED_AT >= {since} ORDER BY FINISHED_AT DESC LIMIT {}",
            ERROR_CHARS + 1,
            2 * LINES
        );
        let (lines, _) = self.rows("loads", &lines, LINES + 1).await;
        let is_cut = lines.len() > LINES;
        let (stages, _) = self.rows("stages", &stages, 2 * LINES).await;
        let mut by_load: HashMap<LoadId, (Vec<LoadLine>, Vec<StageLine>)> = HashMap::new();
        for line in lines.into_iter().filter_map(load_line) {
            by_load.entry(line.load_id.clone()).or_default().0.push(line);
        }
        for line in stages.into_iter().filter_map(stage_line) {
            by_load.entry(line.load_id.clone()).or_default().1.push(line);
        }
        let mut loads: Vec<Load> =
            by_load.into_iter().filter_map(|(id, (files, stages))| load(id, &files, &stages)).collect();
        loads.sort_by(|one, other| (other.ended_at, &other.load_id).cmp(&(one.ended_at, &one.load_id)));
        (loads, is_cut)
    }

    /// Files that are held back since whenever, and those that were in the range, with what became of them.
    pub(super) async fn held(&mut self, range: Range) -> Vec<Held> {
        let chars = ERROR_CHARS + 1;
        let sql = format!(
            "SELECT LOAD_ID, TABLE_NAME, SOURCE_FILE, \
            CASE WHEN STATUS = 'QUARANTINED' AND COMMAND_ID < NEWEST THEN 'overtaken' ELSE STATUS END, \
            ROWS_LOADED, WHY, DECIDED_BY, DECIDED_WHY, FINISHED_AT FROM (SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, \
            SOURCE_FILE, STATUS, ROWS_LOADED, DECIDED_BY, DECIDED_WHY, FINISHED_AT, \
            COALESCE(MAX(CASE WHEN STATUS = 'QUARANTINED' THEN SUBSTR(ERROR, 1, {chars}) END) \
            OVER (PARTITION BY LOAD_ID, COMMAND_ID, SOURCE_FILE), SUBSTR(ERROR, 1, {chars})) AS WHY \
            FROM RAW.RAW_LOAD_AUDIT WHERE STATUS IN ('QUARANTINED', 'DISCARDED') OR DECIDED_BY IS NOT NULL \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY LOAD_ID, COMMAND_ID, SOURCE_FILE ORDER BY \
            CASE STATUS WHEN 'QUARANTINED' THEN 0 ELSE 1 END DESC, FINISHED_AT DESC) = 1) H \
            LEFT JOIN (SELECT LOAD_ID AS L, TABLE_NAME AS T, MAX(COMMAND_ID) AS NEWEST FROM RAW.RAW_LOAD_AUDIT \
            WHERE STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED') AND (LOAD_ID, TABLE_NAME, COMMAND_ID) NOT IN \
            (SELECT LOAD_ID, TABLE_NAME, COMMAND_ID FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'CANCELLED') \
            GROUP BY LOAD_ID, TABLE_NAME) N \
            ON N.L = H.LOAD_ID AND N.T = H.TABLE_NAME \
            WHERE STATUS = 'QUARANTINED' OR FINISHED_AT >= {} ORDER BY FINISHED_AT DESC",
            sql::timestamp(range.0)
        );
        let (rows, _) = self.rows("held loads", &sql, LINES).await;
        let held = rows.into_iter().map(|mut row| Held {
            load_id: row.text(),
            table: row.text(),
            file: row.text(),
            status: row.text(),
            rows: row.number(),
            why: row.text(),
            decided_by: row.text(),
            decided_why: row.text(),
            at: row.time().unwrap_or_default(),
        });
        held.collect()
    }
}

fn load_line(mut row: Row) -> Option<LoadLine> {
    Some(LoadLine {
        load_id: LoadId::new(row.text()).ok()?,
        command_id: MessageId::parse(&row.text())?,
        table: row.text(),
        source: row.text(),
        uri: row.text(),
        status: LoadStatus::parse(&row.text())?,
        rows_loaded: row.number(),
        rows_rejected: row.number(),
        started_at: row.time()?,
        finished_at: row.time()?,
        error: row.optional(),
        trace_id: row.text(),
        run_files: u32::try_from(row.number()).unwrap_or(u32::MAX),
        // Not read: nothing here asks for them.
        file_id: None,
        attempt: 0,
        bytes: 0,
        modified_at: DateTime::default(),
        as_of: DateTime::default(),
        table_files: 0,
        worker: String::new(),
        decided_by: None,
        decided_why: None,
    })
}

fn stage_line(mut row: Row) -> Option<StageLine> {
    Some(StageLine {
        load_id: LoadId::new(row.text()).ok()?,
        stage: row.text().parse::<Stage>().ok()?,
        status: StageStatus::parse(&row.text())?,
        started_at: row.time()?,
        finished_at: row.time()?,
        error: row.optional(),
        trace_id: row.text(),
        announced: json!({ "verdict": row.optional() }),
        // Not read.
        message_id: MessageId::derived(DateTime::default(), ""),
        attempt: 0,
        worker: String::new(),
    })
}

fn load(load_id: LoadId, files: &[LoadLine], stages: &[StageLine]) -> Option<Load> {
    let newest = files.iter().map(|line| line.command_id).max();
    let current: Vec<&LoadLine> = files.iter().filter(|line| Some(line.command_id) == newest).collect();
    let ends: Vec<&StageLine> = stages.iter().filter(|line| line.status != StageStatus::CancelRequested).collect();
    let times = |of: fn(&LoadLine) -> DateTime<Utc>, at: fn(&StageLine) -> DateTime<Utc>| {
        current.iter().map(|line| of(line)).chain(ends.iter().map(|line| at(line))).collect::<Vec<_>>()
    };
    let begun_at = times(|line| line.started_at, |line| line.started_at).into_iter().min()?;
    let ended_at = times(|line| line.finished_at, |line| line.finished_at).into_iter().max()?;
    let state = State::of(files, stages);
    let counted = || current.iter().filter(|line| matches!(line.status, LoadStatus::Success | LoadStatus::Quarantined));
    let error = || ends.iter().max_by_key(|line| line.finished_at).and_then(|line| line.error.clone());
    let trace = || ends.first().map(|line| line.trace_id.clone()).unwrap_or_default();
    Some(Load {
        load_id: load_id.to_string(),
        state: state.as_str().into(),
        is_failure: state.is_failure(),
        sources: distinct(current.iter().map(|line| &line.source)),
        tables: distinct(current.iter().map(|line| &line.table)),
        files: current.iter().take(FILES).map(|line| line.uri.clone()).collect(),
        file_count: current.iter().map(|line| line.run_files as usize).max().unwrap_or_default().max(current.len()),
        rows: counted().map(|line| line.rows_loaded).sum(),
        rejected: counted().map(|line| line.rows_rejected).sum(),
        begun_at,
        ended_at,
        error: current.iter().find_map(|line| line.error.clone()).or_else(error),
        trace_id: current.first().map_or_else(trace, |line| line.trace_id.clone()),
    })
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names.dedup();
    names
}
