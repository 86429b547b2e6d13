//! Making what is missing.

use std::collections::{HashMap, HashSet};

use super::session::Session;
use crate::layout::{AUDIT_TABLES, META_COLUMNS, View, audit_views, create_run_table, run_name, run_table, table_view};
use crate::sql::{ident, literal};
use crate::{TableSpec, WarehouseError};

/// Spares DuckDB the trial of other compressions on values that a load repeats in every row.
const REPEATED: &str = " USING COMPRESSION DICTIONARY";

/// What is there: columns by table, and the views' comments.
#[derive(Default)]
struct Present {
    columns: HashMap<String, HashSet<String>>,
    views: HashMap<String, String>,
}

/// Makes schemas, tables and views where they are missing or not as described. Writes nothing if nothing is missing,
/// so that every worker can ask at its start.
pub(super) fn prepare(session: &Session, tables: &[TableSpec]) -> Result<(), WarehouseError> {
    tables.iter().try_for_each(check)?;
    session.transaction(|session| {
        let statements = missing(&present(session)?, tables);
        statements.iter().try_for_each(|sql| session.execute(sql).map(drop))
    })
}

/// Refuses what could not be a table: a warehouse's error about it would come later and name no contract.
fn check(table: &TableSpec) -> Result<(), WarehouseError> {
    let fault = |why: String| {
        Err(WarehouseError::Configuration(format!("the contract of table {} can't be used: {why}", table.table)))
    };
    let name = table.table.to_uppercase();
    let taken = AUDIT_TABLES.iter().map(|audit| audit.name.to_owned());
    if taken.chain(audit_views().into_iter().map(|view| view.name)).any(|taken| taken == name) {
        return fault("the name is one of the audit's; choose another".into());
    }
    if table.columns.is_empty() {
        return fault("it names no columns".into());
    }
    let mut seen = HashSet::new();
    for column in table.columns.iter().map(|column| column.to_uppercase()) {
        if META_COLUMNS.iter().any(|(meta, _)| *meta == column) {
            return fault(format!("the column {column} is one that millrace adds; give it another name"));
        }
        if !seen.insert(column.clone()) {
            return fault(format!("it names the column {column} twice"));
        }
    }
    Ok(())
}

fn present(session: &Session) -> Result<Present, WarehouseError> {
    let mut present = Present::default();
    let columns = session.rows(
        "SELECT upper(schema_name) || '.' || upper(table_name), upper(column_name) FROM duckdb_columns() \
        WHERE upper(schema_name) IN ('RAW', 'RAW_RUN') AND database_name = current_database()",
        usize::MAX,
    )?;
    for row in columns.rows {
        if let [Some(table), Some(column)] = row.as_slice() {
            present.columns.entry(table.clone()).or_default().insert(column.clone());
        }
    }
    let views = session.rows(
        "SELECT upper(view_name), coalesce(comment, '') FROM duckdb_views() \
        WHERE upper(schema_name) = 'RAW' AND database_name = current_database()",
        usize::MAX,
    )?;
    for row in views.rows {
        if let [Some(view), Some(comment)] = row.as_slice() {
            present.views.insert(view.clone(), comment.clone());
        }
    }
    Ok(present)
}

fn missing(present: &Present, tables: &[TableSpec]) -> Vec<String> {
    let mut statements = Vec::new();
    for audit in &AUDIT_TABLES {
        match present.columns.get(&format!("RAW.{}", audit.name)) {
            None => statements.push(audit.create()),
            Some(columns) => {
                statements.extend(audit.columns.iter().filter(|(name, _)| !columns.contains(*name)).map(
                    |(name, kind)| format!("ALTER TABLE RAW.{} ADD COLUMN IF NOT EXISTS {name} {kind}", audit.name),
                ))
            }
        }
    }
    for table in tables {
        match present.columns.get(&format!("RAW_RUN.{}", run_name(table))) {
            None => statements.push(create_run_table(table, REPEATED)),
            // A column that the contract has lost stays, for the rows that have it.
            Some(columns) => {
                statements.extend(table.columns.iter().filter(|name| !columns.contains(&name.to_uppercase())).map(
                    |name| format!("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} VARCHAR", run_table(table), ident(name)),
                ))
            }
        }
    }
    for view in audit_views().into_iter().chain(tables.iter().map(table_view)) {
        let mark = mark(&view);
        if present.views.get(&view.name) != Some(&mark) {
            statements.push(view.create());
            statements.push(format!("COMMENT ON VIEW RAW.{} IS {}", ident(&view.name), literal(&mark)));
        }
    }
    if !statements.is_empty() {
        statements.insert(0, "CREATE SCHEMA IF NOT EXISTS RAW_RUN".into());
        statements.insert(0, "CREATE SCHEMA IF NOT EXISTS RAW".into());
    }
    statements
}

/// Kept as the view's comment: tells whether the view is the one described, without comparing SQL that DuckDB has
/// rewritten.
fn mark(view: &View) -> String {
    // FNV-1a: the same in every build, which std's hasher does not promise.
    let hash = view
        .query
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("kept by millrace ({hash:016x})")
}
