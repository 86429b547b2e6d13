//! The audit of loads.

use chrono::{SubsecRound, Utc};
use messages::{Failure, LoadId, MessageId, Stage};

use super::stages::is_cancelled;
use super::write::{LINES_PER_STATEMENT, insert, insert_if, insert_where};
use super::{Ledger, RunState, of_load};
use crate::sql::{literal, timestamp};
use crate::standing::{is_taken_back, turn};
use crate::{LoadLine, LoadStatus, Slice, StageLine, WarehouseError};

/// Of two lines of one moment, the one that says more stands behind the other.
const RANK: &str = "CASE STATUS WHEN 'SUCCESS' THEN 5 WHEN 'DISCARDED' THEN 4 WHEN 'QUARANTINED' THEN 3 \
    WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN 1 ELSE 0 END";

impl Ledger {
    /// Records which files a run has, once: if the command has a plan already, that one is the answer. A command that was taken
    /// back before it had one gets none. All lines
    /// must be of one LOAD_ID and command, with the status `Planned`; their `finished_at` is set here.
    pub async fn plan(&self, lines: &[LoadLine]) -> Result<Vec<LoadLine>, WarehouseError> {
        let Some(first) = lines.first() else { return Ok(Vec::new()) };
        let now = Utc::now().trunc_subsecs(6);
        let planned = |line: &LoadLine| LoadLine { status: LoadStatus::Planned, finished_at: now, ..line.clone() };
        let lines: Vec<_> = lines.iter().map(planned).collect();
        let plan = plan_of(&first.load_id, first.command_id);
        let (worker, moment) = (literal(&first.worker), timestamp(now));
        let taken_back = is_taken_back(Stage::Ingest, &first.load_id, first.command_id);
        let ended = is_cancelled(&first.load_id, first.command_id);
        // A long plan needs several statements: each goes on only if those before it were this very plan's.
        let ours = |before: usize| match before {
            0 => format!(
                " WHERE NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT {plan}) AND NOT EXISTS \
                (SELECT 1 FROM RAW.STAGE_AUDIT WHERE ({taken_back}) OR ({ended}))"
            ),
            before => format!(
                " WHERE (SELECT COUNT(*) FROM RAW.RAW_LOAD_AUDIT {plan}) = {before} AND NOT EXISTS \
                (SELECT 1 FROM RAW.RAW_LOAD_AUDIT {plan} AND (FINISHED_AT <> {moment} OR WORKER <> {worker}))"
            ),
        };
        self.warehouse().transact(&insert_if(&lines, ours), Some(first.load_id.as_str())).await?;
        self.planned(&first.load_id, first.command_id).await
    }

    /// The files that a run has; none if it has no plan.
    pub async fn planned(&self, load_id: &LoadId, command_id: MessageId) -> Result<Vec<LoadLine>, WarehouseError> {
        let plan = plan_of(load_id, command_id);
        self.select(&format!("{plan} ORDER BY TABLE_NAME, SOURCE_FILE")).await
    }

    /// Records that a command of ingest ended as cancelled before its files were planned, once, unless it has a plan: then its
    /// files end one by one. Whoever plans and whoever does this take turns.
    pub async fn cancel_plan(&self, line: &StageLine) -> Result<(), WarehouseError> {
        let condition = format!(
            "NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT {}) AND NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT WHERE {})",
            plan_of(&line.load_id, line.message_id),
            is_cancelled(&line.load_id, line.message_id)
        );
        let alone = Some(line.load_id.as_str());
        self.warehouse().transact(&[insert_where(line, &condition)], alone).await.map(drop)
    }

    /// Records that a file was cancelled, once, unless it was loaded meanwhile, be it held back: that stands. Whoever loads it and whoever does
    /// this take turns.
    pub async fn record_cancelled(&self, line: &LoadLine) -> Result<(), WarehouseError> {
        let condition = format!(
            "NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT {} AND COMMAND_ID = {} AND SOURCE_FILE = {} \
            AND STATUS IN ('SUCCESS', 'QUARANTINED', 'CANCELLED'))",
            of_load(&line.load_id),
            literal(&line.command_id.to_string()),
            literal(&line.uri)
        );
        let alone = turn(&line.load_id, &line.table);
        self.warehouse().transact(&[insert_where(line, &condition)], Some(&alone)).await.map(drop)
    }

    /// How far this file came under this command: the line that counts, if there is one.
    pub async fn file_line(
        &self,
        load_id: &LoadId,
        command_id: MessageId,
        uri: &str,
    ) -> Result<Option<LoadLine>, WarehouseError> {
        let sql = format!(
            "{} AND COMMAND_ID = {} AND SOURCE_FILE = {} ORDER BY {RANK} DESC, FINISHED_AT DESC LIMIT 1",
            of_load(load_id),
            literal(&command_id.to_string()),
            literal(uri)
        );
        Ok(self.select(&sql).await?.into_iter().next())
    }

    /// Records that a slice could not be loaded.
    pub async fn record_failure(&self, slice: &Slice, bytes: u64, failure: &Failure) -> Result<(), WarehouseError> {
        self.record_load(&LoadLine::failure(slice, bytes, &failure.message, Utc::now())).await
    }

    /// Appends a line as it is (a file without a contract, say).
    pub async fn record_load(&self, line: &LoadLine) -> Result<(), WarehouseError> {
        self.warehouse().transact(&insert(std::slice::from_ref(line)), None).await.map(drop)
    }

    /// Where the run of this command stands; `None` if nothing of it is known. A file that was loaded stays loaded,
    /// whatever a second delivery ran into later, and whatever became of it before it had a contract and so a table; so does
    /// one that is held back until somebody decides, and one that was cancelled.
    pub async fn run_state(&self, load_id: &LoadId, command_id: MessageId) -> Result<Option<RunState>, WarehouseError> {
        let command = literal(&command_id.to_string());
        let lines: Vec<LoadLine> = self
            .select(&format!(
                "{} AND (COMMAND_ID = {command} OR (COMMAND_ID > {command} AND STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED'))) \
                QUALIFY ROW_NUMBER() OVER (PARTITION BY COMMAND_ID, SOURCE_FILE \
                ORDER BY {RANK} DESC, FINISHED_AT DESC) = 1 \
                ORDER BY TABLE_NAME, SOURCE_FILE",
                of_load(load_id)
            ))
            .await?;
        let (files, newer): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.command_id == command_id);
        let overtaken = newer.into_iter().map(|line| line.table).collect();
        let run_files = files.iter().map(|line| line.run_files).max();
        Ok(run_files.map(|run_files| RunState { files, run_files, overtaken }))
    }

    /// All lines of one load, oldest first.
    pub async fn load_lines(&self, load_id: &LoadId) -> Result<Vec<LoadLine>, WarehouseError> {
        self.select(&format!("{} ORDER BY FINISHED_AT, {RANK}, TABLE_NAME, SOURCE_FILE", of_load(load_id))).await
    }

    /// All lines of these loads, of each oldest first.
    pub async fn lines_of_all(&self, loads: &[&LoadId]) -> Result<Vec<LoadLine>, WarehouseError> {
        let mut found = Vec::new();
        for loads in loads.chunks(LINES_PER_STATEMENT) {
            let loads: Vec<_> = loads.iter().map(|load_id| literal(load_id.as_str())).collect();
            let sql = format!("WHERE LOAD_ID IN ({}) ORDER BY LOAD_ID, FINISHED_AT, {RANK}", loads.join(", "));
            found.extend(self.select(&sql).await?);
        }
        Ok(found)
    }

    /// The newest line of each file of the newest loads, newest first, at most `limit` lines.
    pub async fn recent(&self, limit: usize) -> Result<Vec<LoadLine>, WarehouseError> {
        self.select(&format!(
            "QUALIFY ROW_NUMBER() OVER (PARTITION BY LOAD_ID, SOURCE_FILE \
            ORDER BY FINISHED_AT DESC, {RANK} DESC) = 1 \
            ORDER BY FINISHED_AT DESC, LOAD_ID, TABLE_NAME, SOURCE_FILE LIMIT {limit}"
        ))
        .await
    }

    /// For reconciliation: of every file ever seen (path below the raw folder), its newest line.
    pub async fn newest_by_file(&self) -> Result<Vec<LoadLine>, WarehouseError> {
        self.select(&format!(
            "WHERE DECIDED_BY IS NULL \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY SOURCE_FILE ORDER BY FINISHED_AT DESC, {RANK} DESC) = 1 \
            ORDER BY SOURCE_FILE"
        ))
        .await
    }

    /// The same of these files alone: an audit of years is not sent for the few that somebody waits for.
    pub async fn newest_of_files(&self, files: &[&str]) -> Result<Vec<LoadLine>, WarehouseError> {
        let mut found = Vec::new();
        for files in files.chunks(LINES_PER_STATEMENT) {
            let files: Vec<_> = files.iter().map(|file| literal(file)).collect();
            let sql = format!(
                "WHERE SOURCE_FILE IN ({}) AND DECIDED_BY IS NULL \
                QUALIFY ROW_NUMBER() OVER (PARTITION BY SOURCE_FILE ORDER BY FINISHED_AT DESC, {RANK} DESC) = 1 \
                ORDER BY SOURCE_FILE",
                files.join(", ")
            );
            found.extend(self.select(&sql).await?);
        }
        Ok(found)
    }

    /// The tables of which `load_id` is the current load: what `RAW.<table>` shows of a snapshot, and the newest
    /// complete load of a table of increments.
    pub async fn current_tables(&self, load_id: &LoadId) -> Result<Vec<String>, WarehouseError> {
        let sql = format!("SELECT TABLE_NAME FROM RAW.CURRENT_LOADS {} ORDER BY 1", of_load(load_id));
        let rows = self.warehouse().query(&sql, usize::MAX).await?;
        Ok(rows.rows.into_iter().filter_map(|mut row| row.pop().flatten()).collect())
    }
}

fn plan_of(load_id: &LoadId, command_id: MessageId) -> String {
    let command = literal(&command_id.to_string());
    format!("{} AND COMMAND_ID = {command} AND STATUS = 'PLANNED'", of_load(load_id))
}
