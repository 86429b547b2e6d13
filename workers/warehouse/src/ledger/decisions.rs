//! What is held back, and what somebody decided about it.

use std::collections::BTreeSet;

use messages::{LoadId, MessageId};

use super::Ledger;
use super::write::insert_if;
use crate::layout::run_table_named;
use crate::sql::literal;
use crate::{LoadLine, LoadStatus, RejectedLine, ShapeLine, WarehouseError};

/// The generations of a LOAD_ID that count: of each table the newest command that planned or loaded files of it.
fn newest(load_id: &LoadId) -> String {
    let load_id = literal(load_id.as_str());
    format!(
        "LOAD_ID = {load_id} AND (TABLE_NAME, COMMAND_ID) IN (SELECT TABLE_NAME, MAX(COMMAND_ID) FROM RAW.RAW_LOAD_AUDIT \
        WHERE LOAD_ID = {load_id} AND STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED') GROUP BY TABLE_NAME)"
    )
}

impl Ledger {
    /// Records what somebody decided about files of one command that are held back: `lines` say SUCCESS (released) or
    /// DISCARDED of each. A file that somebody has decided about, and one whose table a newer command has taken over for good
    /// ([`taken_over`]), is left as it is; ask [`Ledger::load_lines`] what stands. In the same transaction the rows go that nobody needs any more: those of
    /// discarded files, and those that a generation replaces that is complete by it. Of two who decide about one LOAD_ID, and
    /// of one who plans for it meanwhile, one waits for the other.
    pub async fn decide(&self, lines: &[LoadLine]) -> Result<(), WarehouseError> {
        let Some(first) = lines.first() else { return Ok(()) };
        let (load_id, command) = (literal(first.load_id.as_str()), literal(&first.command_id.to_string()));
        let open = format!(
            " WHERE NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT A WHERE A.LOAD_ID = {load_id} \
            AND A.COMMAND_ID = {command} AND A.STATUS IN ('SUCCESS', 'DISCARDED') AND A.SOURCE_FILE = V.SOURCE_FILE) \
            AND V.TABLE_NAME NOT IN (SELECT TABLE_NAME FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = {load_id} \
            AND COMMAND_ID > {command} AND STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED') \
            AND (TABLE_NAME, COMMAND_ID) NOT IN (SELECT TABLE_NAME, COMMAND_ID FROM RAW.RAW_LOAD_AUDIT \
            WHERE LOAD_ID = {load_id} AND STATUS = 'CANCELLED'))"
        );
        let mut statements = insert_if(lines, |_| open.clone());
        for table in lines.iter().map(|line| line.table.as_str()).collect::<BTreeSet<_>>() {
            let run = run_table_named(table);
            statements.push(match first.status {
                LoadStatus::Discarded => format!(
                    "DELETE FROM {run} WHERE LOAD_ID = {load_id} AND COMMAND_ID = {command} AND SOURCE_FILE IN \
                    (SELECT SOURCE_FILE FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = {load_id} AND COMMAND_ID = {command} \
                    AND STATUS = 'DISCARDED')"
                ),
                _ => format!(
                    "DELETE FROM {run} WHERE LOAD_ID = {load_id} AND COMMAND_ID < {command} AND EXISTS \
                    (SELECT 1 FROM RAW.COMPLETE_LOADS WHERE TABLE_NAME = {} AND LOAD_ID = {load_id} \
                    AND COMMAND_ID = {command})",
                    literal(table)
                ),
            });
        }
        self.warehouse().transact(&statements, Some(first.load_id.as_str())).await.map(drop)
    }

    /// The rows of a load that were set aside, in the order of files and lines, at most `limit` of them. Those of generations
    /// that a newer one has replaced are left out.
    pub async fn rejected(&self, load_id: &LoadId, limit: usize) -> Result<Vec<RejectedLine>, WarehouseError> {
        self.select(&format!("WHERE {} ORDER BY TABLE_NAME, SOURCE_FILE, SOURCE_LINE LIMIT {limit}", newest(load_id)))
            .await
    }

    /// Where the shape of a load's files was not their contract's. As [`Ledger::rejected`], all of them.
    pub async fn shape_changes(&self, load_id: &LoadId) -> Result<Vec<ShapeLine>, WarehouseError> {
        self.select(&format!("WHERE {} ORDER BY TABLE_NAME, SOURCE_FILE, CHANGE, COLUMN_NAME", newest(load_id))).await
    }
}

/// The tables of a load that a command newer than `command_id` has taken over for good, from all lines of the load: it has planned or
/// loaded files of them, and none was cancelled. With a file that was cancelled it can't become whole any more, and removes
/// nothing: what an older command holds back stands, and somebody may decide about it.
pub fn taken_over(lines: &[LoadLine], command_id: MessageId) -> BTreeSet<String> {
    let newer = || lines.iter().filter(|line| line.command_id > command_id);
    let is_cancelled = |of: &LoadLine| {
        let same = |line: &LoadLine| line.command_id == of.command_id && line.table == of.table;
        newer().any(|line| line.status == LoadStatus::Cancelled && same(line))
    };
    newer().filter(|line| fences(line) && !is_cancelled(line)).map(|line| line.table.clone()).collect()
}

/// Whether an older command loads nothing of the table any more.
fn fences(line: &LoadLine) -> bool {
    matches!(line.status, LoadStatus::Success | LoadStatus::Planned | LoadStatus::Quarantined)
}

/// Files of one command that are held back, and how far the others of it are.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The command.
    pub command_id: MessageId,
    /// The files that somebody must decide about.
    pub files: Vec<LoadLine>,
    /// Files of the command that have not ended.
    pub open: usize,
}

impl Held {
    /// What of a load is held back, from all of its lines in any order: that of its newest command that has such files. What a
    /// newer command has taken over for good ([`taken_over`]) needs no decision any more.
    pub fn of(lines: &[LoadLine]) -> Option<Self> {
        let is_fenced = |of: &LoadLine| {
            lines.iter().any(|line| fences(line) && line.table == of.table && line.command_id > of.command_id)
        };
        let is_overtaken = |of: &LoadLine| is_fenced(of) && taken_over(lines, of.command_id).contains(&of.table);
        let same = |one: &LoadLine, other: &LoadLine| one.command_id == other.command_id && one.uri == other.uri;
        let is_decided = |of: &LoadLine| {
            let is_end = |line: &&LoadLine| matches!(line.status, LoadStatus::Success | LoadStatus::Discarded);
            lines.iter().filter(is_end).any(|line| same(line, of))
        };
        let held =
            |line: &&LoadLine| line.status == LoadStatus::Quarantined && !is_decided(line) && !is_overtaken(line);
        let held: Vec<&LoadLine> = lines.iter().filter(held).collect();
        let command_id = held.iter().map(|line| line.command_id).max()?;
        let of_command = || lines.iter().filter(move |line| line.command_id == command_id);
        let has_ended = |of: &LoadLine| of_command().any(|line| line.status != LoadStatus::Planned && same(line, of));
        // One that comes after a newer command was planned is loaded no more, whatever became of that command.
        let is_open = |line: &&LoadLine| line.status == LoadStatus::Planned && !has_ended(line) && !is_fenced(line);
        let open = of_command().filter(is_open).count();
        let files = held.into_iter().filter(|line| line.command_id == command_id).cloned().collect();
        Some(Self { command_id, files, open })
    }
}
