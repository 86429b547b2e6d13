//! One load, one transaction.

use std::sync::Arc;

use chrono::Utc;

use super::feed::{Feed, Feeding};
use super::session::Session;
use crate::gate::{self, Asking};
use crate::layout::run_table;
use crate::ledger::insert;
use crate::sql::{Reading, ident, literal, reading, timestamp};
use crate::standing::{Standing, delete_leftovers, delete_older};
use crate::{FileFacts, Gate, GateVerdict, LoadLine, LoadOutcome, RowSource, Slice, WarehouseError};

/// Loads `slice`. A question of the gate that breaks the transaction off (a value that can't be cast, say) costs another
/// reading of the file.
pub(super) fn load(
    session: &Session,
    slice: &Slice,
    rows: Box<dyn RowSource>,
    gate: Option<&dyn Gate>,
) -> Result<LoadOutcome, WarehouseError> {
    let mut asking = gate.map(|gate| Asking::new(gate, slice));
    let mut rows = rows;
    loop {
        let again = asking.as_ref().and_then(|_| rows.again());
        let mut broke_off = false;
        let done = session.audited(|session| attempt(session, slice, rows, asking.as_mut(), &mut broke_off));
        rows = match again {
            Some(again) if broke_off => again,
            _ => return done,
        };
    }
}

/// Fence, rows, counts, gate, older generations, line.
fn attempt(
    session: &Session,
    slice: &Slice,
    rows: Box<dyn RowSource>,
    asking: Option<&mut Asking<'_>>,
    broke_off: &mut bool,
) -> Result<LoadOutcome, WarehouseError> {
    let found = session.rows(&Standing::query(slice), 1)?;
    let standing = Standing::read(found.rows.first().map_or(&[], Vec::as_slice))?;
    if let Some(outcome) = standing.outcome() {
        return Ok(outcome);
    }
    session.execute(&delete_leftovers(slice))?;
    let facts = insert_rows(session, slice, rows)?;
    failpoint::point!("write:after");
    let verdict = match asking {
        Some(asking) if standing.is_last(slice) => ask(session, slice, asking, broke_off)?,
        _ => GateVerdict::default(),
    };
    let held = gate::held(&facts, &verdict);
    if held.is_empty() && standing.older && standing.completes(slice) {
        session.execute(&delete_older(slice))?;
    }
    let now = Utc::now();
    let line = LoadLine::standing(slice, &facts, &held, now);
    for sql in insert(&[line]).iter().chain(&gate::remarks(slice, &facts, &verdict, now)) {
        session.execute(sql)?;
    }
    Ok(gate::outcome(facts, held))
}

/// Asks the gate's questions, one after the other: each that DuckDB refuses is found on its own. A name that is not there leaves
/// the transaction as it is; an error over the rows aborts it, and whatever is asked then fails.
fn ask(
    session: &Session,
    slice: &Slice,
    asking: &mut Asking<'_>,
    broke_off: &mut bool,
) -> Result<GateVerdict, WarehouseError> {
    let _asking = tracing::info_span!("ask gate").entered();
    let mut answers = Vec::new();
    let mut refused = Vec::new();
    for (at, sql) in asking.open() {
        let asked = match reading(sql) {
            // In brackets nothing can write, and what is behind them does not come to be done.
            Ok(Reading::Query(sql)) => session.rows(&format!("SELECT * FROM ({sql}\n) LIMIT 1"), 1),
            Ok(Reading::Other(_)) => Err(WarehouseError::Statement("a gate asks by a query".into())),
            Err(why) => Err(WarehouseError::Statement(why)),
        };
        match asked {
            Ok(found) => answers.push(gate::one_row(found.rows)),
            Err(WarehouseError::Statement(why)) => {
                answers.push(Err(why.clone()));
                let is_aborted = session.rows("SELECT 1", 1).is_err();
                refused.push((at, why));
                if is_aborted {
                    *broke_off = true;
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    if !*broke_off {
        return Ok(asking.judge(answers));
    }
    let why = refused.last().map(|(_, why)| why.clone()).unwrap_or_default();
    refused.into_iter().for_each(|(at, why)| asking.refuse(at, why));
    Err(WarehouseError::Statement(format!("{}: a question of its gate could not be asked: {why}", slice.uri)))
}

/// Inserts the rows and compares counts.
fn insert_rows(session: &Session, slice: &Slice, rows: Box<dyn RowSource>) -> Result<FileFacts, WarehouseError> {
    let _writing = tracing::info_span!("write rows").entered();
    let feed = Arc::new(Feed::new(&slice.table));
    let feeding = Feeding::start(Arc::clone(&feed), rows)?;
    let written = session.execute(&insert_sql(slice, feeding.number()));
    // What the source said comes first: DuckDB's error is only its echo.
    let facts = feeding.finish()?;
    let written = written?;
    match facts {
        Some(facts) if facts.rows == written as u64 => Ok(facts),
        Some(facts) => Err(WarehouseError::Statement(format!(
            "{}: the file has {} rows but the warehouse wrote {written}; nothing of it was kept",
            slice.uri, facts.rows
        ))),
        None => Err(WarehouseError::Statement(format!("{}: its rows were not read to the end", slice.uri))),
    }
}

fn insert_sql(slice: &Slice, feed: i64) -> String {
    let columns: Vec<_> = slice.table.columns.iter().map(|name| ident(name)).collect();
    let columns = columns.join(", ");
    format!(
        "INSERT INTO {} ({columns}, SOURCE_ROW, LOAD_ID, SOURCE_FILE, LOADED_AT, COMMAND_ID) \
        SELECT {columns}, SOURCE_ROW, {}, {}, {}, {} FROM {}({feed})",
        run_table(&slice.table),
        literal(slice.load_id.as_str()),
        literal(&slice.uri),
        timestamp(Utc::now()),
        literal(&slice.command_id.to_string()),
        super::feed::FUNCTION,
    )
}
