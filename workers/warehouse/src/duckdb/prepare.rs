//! Making what is missing.

use super::session::Session;
use crate::layout::present::{Present, check};
use crate::sql::{ident, literal};
use crate::{TableSpec, WarehouseError};

/// Spares DuckDB the trial of other compressions on values that a load repeats in every row.
const REPEATED: &str = " USING COMPRESSION DICTIONARY";

/// Makes schemas, tables and views where they are missing or not as described. Writes nothing if nothing is missing,
/// so that every worker can ask at its start.
pub(super) fn prepare(session: &Session, tables: &[TableSpec]) -> Result<(), WarehouseError> {
    tables.iter().try_for_each(check)?;
    session.transaction(|session| {
        let statements = missing(&present(session)?, tables);
        statements.iter().try_for_each(|sql| session.execute(sql).map(drop))
    })
}

fn present(session: &Session) -> Result<Present, WarehouseError> {
    let mut present = Present::default();
    let columns = session.rows(
        "SELECT upper(schema_name) || '.' || upper(table_name), upper(column_name) FROM duckdb_columns() \
        WHERE upper(schema_name) IN ('RAW', 'RAW_RUN') AND database_name = current_database() \
        ORDER BY table_oid, column_index",
        usize::MAX,
    )?;
    for row in columns.rows {
        if let [Some(table), Some(column)] = row.as_slice() {
            present.column(table, column.clone());
        }
    }
    let views = session.rows(
        "SELECT upper(view_name), coalesce(comment, '') FROM duckdb_views() \
        WHERE upper(schema_name) = 'RAW' AND database_name = current_database()",
        usize::MAX,
    )?;
    for row in views.rows {
        if let [Some(view), Some(comment)] = row.as_slice() {
            present.view(view.clone(), comment.clone());
        }
    }
    Ok(present)
}

fn missing(present: &Present, tables: &[TableSpec]) -> Vec<String> {
    let mut statements = present.missing_tables(tables, REPEATED);
    for view in present.missing_views(tables) {
        statements.push(view.create());
        statements.push(format!("COMMENT ON VIEW RAW.{} IS {}", ident(&view.name), literal(&view.mark())));
    }
    if !statements.is_empty() {
        statements.insert(0, "CREATE SCHEMA IF NOT EXISTS RAW_RUN".into());
        statements.insert(0, "CREATE SCHEMA IF NOT EXISTS RAW".into());
    }
    statements
}
