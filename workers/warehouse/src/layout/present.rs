//! What is there already, and what of the tables is missing.

use std::collections::{HashMap, HashSet};

use super::{AUDIT_TABLES, META_COLUMNS, View, audit_views, create_run_table, run_name, run_table, table_view};
use crate::sql::ident;
use crate::{TableSpec, WarehouseError};

/// What is there: columns by table in their order, and the views' comments.
#[derive(Default)]
pub(crate) struct Present {
    columns: HashMap<String, Vec<String>>,
    views: HashMap<String, String>,
}

impl Present {
    /// The table (with its schema) has this column, behind those that were told of before. Both in capitals.
    pub(crate) fn column(&mut self, table: &str, column: String) {
        self.columns.entry(table.to_owned()).or_default().push(column);
    }

    /// There is a view in `RAW`, with this comment.
    pub(crate) fn view(&mut self, name: String, comment: String) {
        self.views.insert(name, comment);
    }

    /// Whether the table (with its schema) is there.
    pub(crate) fn has(&self, table: &str) -> bool {
        self.columns.contains_key(table)
    }

    /// Whether the view is there as described.
    pub(crate) fn shows(&self, view: &View) -> bool {
        self.views.get(&view.name) == Some(&view.mark())
    }

    /// The statements that make what is missing of the tables. `repeated` as for [`create_run_table`].
    pub(crate) fn missing_tables(&self, tables: &[TableSpec], repeated: &str) -> Vec<String> {
        let mut statements = Vec::new();
        for audit in &AUDIT_TABLES {
            let name = format!("RAW.{}", audit.name);
            if self.has(&name) {
                let columns = audit.columns.iter().filter(|(column, _)| !self.knows(&name, column));
                statements.extend(columns.map(|(column, kind)| add_column(&name, column, kind)));
            } else {
                statements.push(audit.create());
            }
        }
        for table in tables {
            let name = format!("RAW_RUN.{}", run_name(table));
            if self.has(&name) {
                // A column that the contract has lost stays, for the rows that have it.
                let columns = table.columns.iter().filter(|column| !self.knows(&name, &column.to_uppercase()));
                statements.extend(columns.map(|column| add_column(&run_table(table), &ident(column), "VARCHAR")));
            } else {
                statements.push(create_run_table(table, repeated));
            }
        }
        statements
    }

    /// The views that are missing or not as described, once the tables are as [`Present::missing_tables`] makes them.
    pub(crate) fn missing_views(&self, tables: &[TableSpec]) -> Vec<View> {
        let of_tables = tables.iter().map(|table| table_view(table, &self.columns_with(table)));
        audit_views().into_iter().chain(of_tables).filter(|view| !self.shows(view)).collect()
    }

    /// The columns that the table will have, without those that millrace adds: what is there in its order, then what is new.
    fn columns_with(&self, table: &TableSpec) -> Vec<String> {
        let is_meta = |column: &str| META_COLUMNS.iter().any(|(meta, _)| *meta == column);
        let there = self.columns.get(&format!("RAW_RUN.{}", run_name(table))).into_iter().flatten();
        let mut columns: Vec<String> = there.filter(|column| !is_meta(column)).cloned().collect();
        for column in table.columns.iter().map(|column| column.to_uppercase()) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    fn knows(&self, table: &str, column: &str) -> bool {
        self.columns.get(table).is_some_and(|columns| columns.iter().any(|known| known == column))
    }
}

fn add_column(table: &str, column: &str, kind: &str) -> String {
    format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} {kind}")
}

/// Refuses what could not be a table: a warehouse's error about it would come later and name no contract.
pub(crate) fn check(table: &TableSpec) -> Result<(), WarehouseError> {
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
