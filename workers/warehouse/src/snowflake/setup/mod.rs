//! What a new Snowflake account needs before the first load, as data: printed for an administrator, or run.
//!
//! The statements may be run again: they make what is missing, give rights anew, and leave the rest as it is. What
//! workers change later (tables, views, the stage) the loader's role makes, so that it owns it.

mod access;
mod names;
mod print;
mod run;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::{objects, prepare};
use crate::layout::{AUDIT_TABLES, audit_views};

pub use names::{Names, SIZES};
pub use print::print;
pub use run::run;

/// The schemas, and what each holds.
pub const SCHEMAS: [(&str, &str); 5] = [
    ("RAW_RUN", "rows of every load, the stage and the locks"),
    ("RAW", "audits, and views of the current rows"),
    ("STAGING", "dbt: cleaned rows"),
    ("CORE", "dbt: entities and facts"),
    ("MARTS", "dbt: what people and reports read"),
];

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is for, in a line or two.
    pub why: &'static str,
    /// The role that runs it.
    pub role: String,
    /// The statement, without a semicolon at its end.
    pub sql: String,
    /// The page below <https://docs.snowflake.com/en> that it rests on.
    pub page: &'static str,
    /// Whether it is only a suggestion: printed as a comment, never run.
    pub optional: bool,
}

/// Everything, in the order in which it must be run.
pub fn steps(names: &Names) -> Vec<Step> {
    let mut list = Steps::default();
    access::roles(&mut list, names);
    containers(&mut list, names);
    access::loader(&mut list, names);
    access::reader(&mut list, names);
    loading(&mut list, names);
    access::user(&mut list, names);
    access::limits(&mut list, names);
    list.0
}

/// The list while it grows.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn add(&mut self, role: &str, page: &'static str, why: &'static str, sql: impl Into<String>) {
        self.0.push(Step { why, role: role.to_owned(), sql: sql.into(), page, optional: false });
    }

    fn suggest(&mut self, role: &str, page: &'static str, why: &'static str, sql: impl Into<String>) {
        self.0.push(Step { why, role: role.to_owned(), sql: sql.into(), page, optional: true });
    }
}

/// What computes, and what holds the rest. SYSADMIN owns them, as the manual recommends: a worker can't drop or resize what
/// it uses.
fn containers(list: &mut Steps, names: &Names) {
    let Names { database, warehouse, warehouse_size, .. } = names;
    list.add(
        "SYSADMIN",
        "sql-reference/sql/create-warehouse",
        "What loads and models compute on. It is billed while it runs, so it starts with the first statement and ends a \
        minute after the last; a statement that hangs is ended after an hour, like a build of dbt (transform.timeout_secs).",
        format!(
            "CREATE WAREHOUSE IF NOT EXISTS {warehouse} WAREHOUSE_SIZE = {warehouse_size} AUTO_SUSPEND = 60 \
            AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE STATEMENT_TIMEOUT_IN_SECONDS = 3600"
        ),
    );
    list.add(
        "SYSADMIN",
        "sql-reference/sql/create-database",
        "What holds the schemas. Rows that were deleted can be had back for a day.",
        format!("CREATE DATABASE IF NOT EXISTS {database} DATA_RETENTION_TIME_IN_DAYS = 1"),
    );
    for (schema, holds) in SCHEMAS {
        list.add(
            "SYSADMIN",
            "sql-reference/sql/create-schema",
            "Made here, so that the loader needs no right to make schemas: dbt makes only those that it does not see.",
            format!("CREATE SCHEMA IF NOT EXISTS {database}.{schema} COMMENT = '{holds}'"),
        );
    }
}

/// What workers would make at their start. The loader's role makes it, and can change it when an upgrade asks for that.
fn loading(list: &mut Steps, names: &Names) {
    let Names { database, warehouse, loader, .. } = names;
    let mut session = |page, why, sql: String| list.add(loader, page, why, sql);
    let alter_session = "sql-reference/sql/alter-session";
    session(
        "sql-reference/sql/use-database",
        "The names that follow are without it.",
        format!("USE DATABASE {database}"),
    );
    session("sql-reference/sql/use-warehouse", "Filling the locks computes.", format!("USE WAREHOUSE {warehouse}"));
    session(
        alter_session,
        "TIMESTAMP means one without a time zone, whatever the account's default is: all moments are in UTC.",
        "ALTER SESSION SET TIMESTAMP_TYPE_MAPPING = 'TIMESTAMP_NTZ'".into(),
    );
    let create_table = "sql-reference/sql/create-table";
    for table in &AUDIT_TABLES {
        session(create_table, "The audit: lines are appended and never changed.", table.create());
    }
    for view in audit_views() {
        session(
            "sql-reference/sql/create-view",
            "Which loads are complete and which are current, read from the audit.",
            prepare::create(&view),
        );
    }
    session(
        "sql-reference/sql/create-stage",
        "Where parts of files wait for their COPY. Encrypted by the service, because workers upload by themselves.",
        objects::stage(),
    );
    for (_, sql) in objects::locks() {
        session(create_table, "What two workers with the same load wait for: a lock is a table with one row.", sql);
    }
}
