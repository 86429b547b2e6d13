//! One load, one transaction.

use std::sync::Arc;

use chrono::Utc;

use super::feed::{Feed, Feeding};
use super::session::Session;
use crate::layout::run_table;
use crate::ledger::insert;
use crate::sql::{ident, literal, timestamp};
use crate::standing::{Standing, delete_leftovers, delete_older};
use crate::{FileFacts, LoadLine, LoadOutcome, RowSource, Slice, WarehouseError};

/// Loads `slice`: fence, rows, counts, older generations, SUCCESS line.
pub(super) fn load(session: &Session, slice: &Slice, rows: Box<dyn RowSource>) -> Result<LoadOutcome, WarehouseError> {
    session.audited(|session| {
        let found = session.rows(&Standing::query(slice), 1)?;
        let standing = Standing::read(found.rows.first().map_or(&[], Vec::as_slice))?;
        if let Some(outcome) = standing.outcome() {
            return Ok(outcome);
        }
        session.execute(&delete_leftovers(slice))?;
        let facts = insert_rows(session, slice, rows)?;
        failpoint::point!("write:after");
        if standing.older && standing.completes(slice) {
            session.execute(&delete_older(slice))?;
        }
        for line in insert(&[LoadLine::success(slice, &facts, Utc::now())]) {
            session.execute(&line)?;
        }
        Ok(LoadOutcome::Loaded(facts))
    })
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
