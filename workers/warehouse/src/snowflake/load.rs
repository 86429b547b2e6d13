//! One load: the parts first, then one transaction.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use tracing::Instrument;
use uuid::Uuid;

use super::errors::{Fault, Trouble};
use super::pool::Taken;
use super::query::readable;
use super::session::{Again, Session};
use super::stage::{Options, StageLocation, Staged, stage_rows};
use super::{Failed, Snowflake, statements};
use crate::gate::{self, Asking};
use crate::ledger::insert_where;
use crate::standing::{Standing, delete_older, turn};
use crate::{Gate, GateVerdict, LoadLine, LoadOutcome, LoadStatus, RowSource, Slice, WarehouseError};

/// Transactions that are tried over the same parts, before the load is put off.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Loads `slice`.
pub(super) async fn load(
    flake: &Snowflake,
    slice: &Slice,
    rows: Box<dyn RowSource>,
    gate: Option<&dyn Gate>,
) -> Result<LoadOutcome, WarehouseError> {
    // A file that is loaded already may have gone: it is not opened. What decides is asked again in the transaction.
    if let Some(outcome) = standing(flake, slice).await?.outcome() {
        return Ok(outcome);
    }
    let folder = Folder::new(&slice.table.table);
    let outcome = through(flake, slice, &folder, rows, gate).await;
    folder.remove(flake).await;
    outcome
}

/// The folder of the stage that one attempt uses.
pub(super) struct Folder {
    path: String,
    used: AtomicBool,
}

impl Folder {
    /// A folder that nobody else has, below that of the table. Its id is written without dashes: a path stands outside of
    /// quotes, and there the documentation promises nothing of them.
    pub(super) fn new(table: &str) -> Self {
        let path = format!("{}/{}", table.to_uppercase(), Uuid::now_v7().simple());
        Self { path, used: AtomicBool::new(false) }
    }

    /// Removes what is in it, also what a failure left. Whatever stays is swept by a later start.
    pub(super) async fn remove(&self, flake: &Snowflake) {
        if !self.used.load(Ordering::SeqCst) {
            return;
        }
        if let Err(error) = flake.ask(&statements::remove(&self.path), Again::Harmless, usize::MAX).await {
            tracing::warn!(%error, folder = self.path, "the folder of the stage could not be removed");
        }
    }
}

async fn standing(flake: &Snowflake, slice: &Slice) -> Result<Standing, WarehouseError> {
    let found = flake.ask(&Standing::query(slice), Again::Harmless, 1).await?;
    Standing::read(found.rows.rows.first().map_or(&[], Vec::as_slice))
}

/// Sends the rows to `folder` of the stage, and sees that they arrived.
pub(super) async fn send(
    flake: &Snowflake,
    slice: &Slice,
    folder: &Folder,
    rows: Box<dyn RowSource>,
) -> Result<Staged, WarehouseError> {
    let locate = async || {
        folder.used.store(true, Ordering::SeqCst);
        let answer = flake.ask(&statements::put(&folder.path), Again::Harmless, usize::MAX).await?;
        let place = answer.place;
        let place =
            place.ok_or_else(|| WarehouseError::Statement("Snowflake did not say where its stage lies".into()))?;
        StageLocation::read(&place.0, flake.pool.settings().protocol)
    };
    let staged = stage_rows(rows, &slice.table.columns, locate, Options::default()).await?;
    verify(flake, folder, &staged).await?;
    Ok(staged)
}

async fn through(
    flake: &Snowflake,
    slice: &Slice,
    folder: &Folder,
    rows: Box<dyn RowSource>,
    gate: Option<&dyn Gate>,
) -> Result<LoadOutcome, WarehouseError> {
    let staged = send(flake, slice, folder, rows).await?;
    let mut asking = gate.map(|gate| Asking::new(gate, slice));
    let mut tries = 1;
    loop {
        match attempt(flake, slice, folder, &staged, asking.as_mut()).await {
            Ok(outcome) => return Ok(outcome),
            Err(Ended::Undone(error)) => return Err(error),
            // Each question is refused once.
            Err(Ended::Refused) => continue,
            Err(Ended::Unknown(fault)) => {
                tracing::debug!(%fault, tries, "the transaction broke off");
                // It may have been committed all the same: the audit knows.
                let standing = standing(flake, slice).await?;
                if standing.loaded {
                    return Ok(gate::outcome(staged.facts, standing.held.into_iter().collect()));
                }
                if tries == TRIES {
                    return Err(fault.into());
                }
            }
        }
        tokio::time::sleep(PAUSE * tries).await;
        tries += 1;
    }
}

/// Compares what lies in the stage with what was sent there.
async fn verify(flake: &Snowflake, folder: &Folder, staged: &Staged) -> Result<(), WarehouseError> {
    if staged.parts.is_empty() {
        return Ok(());
    }
    let listed = flake.ask(&statements::list(&folder.path), Again::Harmless, usize::MAX).await?;
    let sizes: Vec<_> = listed.column("size").into_iter().flatten().collect();
    let names = listed.column("name").into_iter().flatten().flatten();
    let mut found: Vec<(&str, Option<u64>)> = names
        .zip(sizes)
        .map(|(name, size)| (name.rsplit('/').next().unwrap_or(name), size.and_then(|size| size.parse().ok())))
        .collect();
    found.sort_unstable();
    let mut sent: Vec<(&str, Option<u64>)> =
        staged.parts.iter().map(|part| (part.name.as_str(), Some(part.bytes))).collect();
    sent.sort_unstable();
    if found == sent {
        return Ok(());
    }
    Err(WarehouseError::Unavailable(format!(
        "the stage holds other files than were sent there: {} of {} arrived whole",
        sent.iter().filter(|part| found.contains(part)).count(),
        sent.len()
    )))
}

/// How a transaction ended that did not end well.
pub(super) enum Ended {
    /// Nothing of it was kept.
    Undone(WarehouseError),
    /// It is not known what was kept, and it may be tried again.
    Unknown(Fault),
    /// A question of the gate was refused, and the complaint is kept as its answer. Some accounts abort the transaction over it
    /// (`TRANSACTION_ABORT_ON_ERROR`), so that it is begun anew on all.
    Refused,
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        if fault.is_passing() { Self::Unknown(fault) } else { Self::Undone(fault.into()) }
    }
}

impl From<Failed> for Ended {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Fault(fault) => fault.into(),
            Failed::Warehouse(error) => error.into(),
        }
    }
}

impl From<WarehouseError> for Ended {
    fn from(error: WarehouseError) -> Self {
        Self::Undone(error)
    }
}

async fn attempt(
    flake: &Snowflake,
    slice: &Slice,
    folder: &Folder,
    staged: &Staged,
    asking: Option<&mut Asking<'_>>,
) -> Result<LoadOutcome, Ended> {
    let session = flake.begin().await?;
    let outcome = transaction(&session, slice, folder, staged, asking).await;
    match &outcome {
        Ok(_) => session.give_back().await,
        Err(_) => session.discard().await,
    }
    outcome
}

/// Rows, gate, fence, line. The rows come first: copying locks nothing, and the lock is held for three short statements. The gate
/// of a file alone is asked before it too. Of a run's files one must be the last, so that there it is asked behind the lock.
async fn transaction(
    session: &Taken<'_>,
    slice: &Slice,
    folder: &Folder,
    staged: &Staged,
    mut asking: Option<&mut Asking<'_>>,
) -> Result<LoadOutcome, Ended> {
    copy(session, slice, folder, staged).instrument(tracing::info_span!("copy rows")).await?;
    failpoint::point!("write:after");
    let mut verdict = GateVerdict::default();
    if slice.table_files <= 1
        && let Some(asking) = asking.take()
    {
        verdict = ask(session, asking).await?;
    }
    let alone = turn(&slice.load_id, &slice.table.table);
    session.execute(&statements::claim(&alone, &folder.path)).await?;
    if let Some(asking) = asking {
        let standing = found(session, slice).await?;
        if let Some(outcome) = standing.outcome() {
            session.roll_back().await?;
            return Ok(outcome);
        }
        if standing.is_last(slice) {
            verdict = ask(session, asking).await?;
        }
    }
    let now = Utc::now();
    let held = gate::held(&staged.facts, &verdict);
    let wanted = LoadLine::standing(slice, &staged.facts, &held, now);
    if let Some(outcome) = line(session, slice, &wanted, &statements::claimed(&alone, &folder.path)).await? {
        session.roll_back().await?;
        return Ok(outcome);
    }
    for sql in gate::remarks(slice, &staged.facts, &verdict, now) {
        session.execute(&sql).await?;
    }
    failpoint::point!("commit:before");
    session.commit().instrument(tracing::info_span!("commit")).await?;
    failpoint::point!("commit:after");
    Ok(gate::outcome(staged.facts.clone(), held))
}

/// Asks the gate's questions.
async fn ask(session: &Session, asking: &mut Asking<'_>) -> Result<GateVerdict, Ended> {
    let (mut answers, mut refused) = (Vec::new(), None);
    for (at, sql) in asking.open() {
        let sql = match readable(sql) {
            Ok(sql) => sql,
            Err(why) => {
                answers.push(Err(why));
                continue;
            }
        };
        match session.ask(sql).instrument(tracing::info_span!("ask gate")).await {
            Ok(answer) => answers.push(gate::one_row(answer.rows.rows)),
            Err(fault) if fault.is_passing() => return Err(fault.into()),
            Err(fault) => {
                refused = Some((at, WarehouseError::from(fault).to_string()));
                break;
            }
        }
    }
    match refused {
        None => Ok(asking.judge(answers)),
        Some((at, why)) => {
            asking.refuse(at, why);
            Err(Ended::Refused)
        }
    }
}

async fn found(session: &Session, slice: &Slice) -> Result<Standing, Ended> {
    let found = session.ask(&Standing::query(slice)).await?;
    Ok(Standing::read(found.rows.rows.first().map_or(&[], Vec::as_slice))?)
}

/// Writes the line, unless the audit says that nothing is left to do. Only while the lock is `held`: a transaction that
/// the service has ended, because it was silent for too long, has lost its rows, and the line would be kept without them.
async fn line(session: &Session, slice: &Slice, line: &LoadLine, held: &str) -> Result<Option<LoadOutcome>, Ended> {
    let unheard_of = format!("{} AND {held}", Standing::nothing(slice));
    if session.execute(&insert_where(line, &unheard_of)).await?.affected() != Some(1) {
        // The audit knows something of this load: another worker was quicker, or an older generation is to be replaced.
        let standing = found(session, slice).await?;
        if let Some(outcome) = standing.outcome() {
            return Ok(Some(outcome));
        }
        if session.execute(&insert_where(line, held)).await?.affected() != Some(1) {
            return Err(Fault::new(Trouble::Session, "the service ended the transaction").into());
        }
        if line.status == LoadStatus::Success && standing.older && standing.completes(slice) {
            session.execute(&delete_older(slice)).await?;
        }
    }
    Ok(None)
}

/// Copies the parts and compares what was copied with what the source has. A status that is not known is not taken for
/// success, and neither is silence.
pub(super) async fn copy(session: &Taken<'_>, slice: &Slice, folder: &Folder, staged: &Staged) -> Result<(), Ended> {
    if staged.parts.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = staged.parts.iter().map(|part| part.name.clone()).collect();
    let copied = session.execute(&statements::copy(slice, &folder.path, &names, Utc::now())).await?;
    let statuses: Vec<_> = copied.column("status").into_iter().flatten().collect();
    let rows = copied.column("rows_loaded").into_iter().flatten();
    let written: u64 = rows.filter_map(|rows| rows?.parse::<u64>().ok()).sum();
    let whole = statuses.len() == names.len() && statuses.iter().all(|status| *status == Some("LOADED"));
    if whole && written == staged.facts.rows {
        return Ok(());
    }
    Err(Ended::Undone(WarehouseError::Statement(format!(
        "{}: the file has {} rows but the warehouse wrote {written} ({} of {} parts loaded); nothing of it was kept",
        slice.uri,
        staged.facts.rows,
        statuses.iter().filter(|status| **status == Some("LOADED")).count(),
        names.len(),
    ))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::conformance::kit::{batches, hour, slice};
    use crate::{FileFacts, Warehouse};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_transaction_that_the_service_has_ended_leaves_no_line() {
        let variables: std::collections::HashMap<_, _> =
            testkit::Emulator::shared().variables("ENDED").into_iter().collect();
        let settings = crate::snowflake::SnowflakeSettings::read(|name| variables.get(name).cloned()).unwrap();
        let flake: Arc<Snowflake> = Snowflake::open(settings).unwrap();
        flake.prepare(&[batches()]).await.unwrap();
        let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
        let facts = FileFacts::plain(3, 9, "");
        let wanted = LoadLine::success(&slice, &facts, Utc::now());
        let session = flake.begin().await.map_err(WarehouseError::from).unwrap();
        session.execute(&statements::claim("l|BATCHES", "mine")).await.unwrap();
        session.execute("ROLLBACK").await.unwrap();
        let ended = line(&session, &slice, &wanted, &statements::claimed("l|BATCHES", "mine")).await;
        assert!(matches!(ended, Err(Ended::Unknown(_))));
        session.discard().await;
        assert!(flake.query("SELECT * FROM RAW.RAW_LOAD_AUDIT", 9).await.unwrap().rows.is_empty());
    }
}
