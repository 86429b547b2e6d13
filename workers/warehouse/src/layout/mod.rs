//! The objects of the schemas `RAW_RUN` and `RAW`, in SQL that DuckDB and Snowflake both take.
//!
//! Every name is written in full: creating a schema changes the current one on Snowflake.

pub(crate) mod present;

use crate::sql::{ident, literal};
use crate::{Mode, TableSpec};

/// What every `RAW_RUN` table carries beside the contract's columns, with the type. In this order.
pub const META_COLUMNS: [(&str, &str); 5] = [
    ("LOAD_ID", "VARCHAR"),
    ("SOURCE_FILE", "VARCHAR"),
    ("SOURCE_ROW", "BIGINT"),
    ("LOADED_AT", "TIMESTAMP"),
    ("COMMAND_ID", "VARCHAR"),
];

/// A table of the audit: its name below `RAW`, and its columns with their types.
pub struct AuditTable {
    /// Its name below `RAW`.
    pub name: &'static str,
    /// Its columns with their types.
    pub columns: &'static [(&'static str, &'static str)],
}

/// The tables of the audit. Lines are appended and never changed; there are no keys and no indexes.
pub const AUDIT_TABLES: [AuditTable; 6] = [
    AuditTable {
        name: "RAW_LOAD_AUDIT",
        columns: &[
            ("LOAD_ID", "VARCHAR"),
            ("COMMAND_ID", "VARCHAR"),
            ("TABLE_NAME", "VARCHAR"),
            ("SOURCE_NAME", "VARCHAR"),
            ("SOURCE_FILE", "VARCHAR"),
            ("FILE_ID", "VARCHAR"),
            ("STATUS", "VARCHAR"),
            ("ATTEMPT", "BIGINT"),
            ("ROWS_LOADED", "BIGINT"),
            ("ROWS_REJECTED", "BIGINT"),
            ("BYTES", "BIGINT"),
            ("MODIFIED_AT", "TIMESTAMP"),
            ("AS_OF", "TIMESTAMP"),
            ("STARTED_AT", "TIMESTAMP"),
            ("FINISHED_AT", "TIMESTAMP"),
            ("ERROR", "VARCHAR"),
            ("TRACE_ID", "VARCHAR"),
            ("RUN_FILES", "BIGINT"),
            ("TABLE_FILES", "BIGINT"),
            ("WORKER", "VARCHAR"),
            ("DECIDED_BY", "VARCHAR"),
            ("DECIDED_WHY", "VARCHAR"),
        ],
    },
    AuditTable {
        name: "STAGE_AUDIT",
        columns: &[
            ("LOAD_ID", "VARCHAR"),
            ("STAGE", "VARCHAR"),
            ("MESSAGE_ID", "VARCHAR"),
            ("STATUS", "VARCHAR"),
            ("ATTEMPT", "BIGINT"),
            ("STARTED_AT", "TIMESTAMP"),
            ("FINISHED_AT", "TIMESTAMP"),
            ("ERROR", "VARCHAR"),
            ("ANNOUNCED", "VARCHAR"),
            ("TRACE_ID", "VARCHAR"),
            ("WORKER", "VARCHAR"),
        ],
    },
    AuditTable {
        name: "DATA_QUALITY_AUDIT",
        columns: &[
            ("LOAD_ID", "VARCHAR"),
            ("CHECK_NAME", "VARCHAR"),
            ("TABLE_NAME", "VARCHAR"),
            ("SEVERITY", "VARCHAR"),
            ("STATUS", "VARCHAR"),
            ("OBSERVED", "VARCHAR"),
            ("EXPECTED", "VARCHAR"),
            ("FAILED_ROWS", "BIGINT"),
            ("CHECKED_AT", "TIMESTAMP"),
            ("KIND", "VARCHAR"),
            ("VALUE", "DOUBLE"),
            ("ORIGIN", "VARCHAR"),
        ],
    },
    AuditTable {
        name: "REJECTED_ROWS",
        columns: &[
            ("LOAD_ID", "VARCHAR"),
            ("COMMAND_ID", "VARCHAR"),
            ("TABLE_NAME", "VARCHAR"),
            ("SOURCE_FILE", "VARCHAR"),
            ("SOURCE_LINE", "BIGINT"),
            ("REASON", "VARCHAR"),
            ("RAW_TEXT", "VARCHAR"),
            ("IS_TRUNCATED", "BOOLEAN"),
            ("REJECTED_AT", "TIMESTAMP"),
        ],
    },
    AuditTable {
        name: "SCHEMA_CHANGES",
        columns: &[
            ("LOAD_ID", "VARCHAR"),
            ("COMMAND_ID", "VARCHAR"),
            ("TABLE_NAME", "VARCHAR"),
            ("SOURCE_FILE", "VARCHAR"),
            ("CHANGE", "VARCHAR"),
            ("COLUMN_NAME", "VARCHAR"),
            ("POLICY", "VARCHAR"),
            ("NOTED_AT", "TIMESTAMP"),
        ],
    },
    AuditTable {
        name: "QUALITY_SAMPLES",
        columns: &[
            ("LOAD_ID", "VARCHAR"),
            ("CHECK_NAME", "VARCHAR"),
            ("TABLE_NAME", "VARCHAR"),
            ("SOURCE_FILE", "VARCHAR"),
            ("SOURCE_ROW", "BIGINT"),
            ("ROW_DATA", "VARCHAR"),
            ("CHECKED_AT", "TIMESTAMP"),
        ],
    },
];

impl AuditTable {
    /// The statement that makes it.
    pub fn create(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        format!("CREATE TABLE IF NOT EXISTS RAW.{} ({})", self.name, columns.join(", "))
    }
}

/// A view and its body.
pub struct View {
    /// Its name below `RAW`.
    pub name: String,
    /// The query that it shows.
    pub query: String,
}

impl View {
    /// The statement that makes or replaces it.
    pub fn create(&self) -> String {
        format!("CREATE OR REPLACE VIEW RAW.{} AS {}", ident(&self.name), self.query)
    }

    /// Kept as the view's comment: tells whether the view is the one described, without comparing SQL that the warehouse has
    /// rewritten.
    pub fn mark(&self) -> String {
        format!("kept by millrace ({:016x})", fnv1a(&self.query))
    }
}

/// A hash that is the same in every build, which std's does not promise: FNV-1a.
pub(crate) fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The generations that count: for every table and LOAD_ID the newest command of which all files are loaded. Files are
/// only told apart where there are several, which halves its time over an audit of 100,000 lines.
const GENERATIONS: &str = "SELECT TABLE_NAME, LOAD_ID, COMMAND_ID, MAX(AS_OF) AS AS_OF \
    FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS' \
    GROUP BY TABLE_NAME, LOAD_ID, COMMAND_ID \
    HAVING MAX(TABLE_FILES) <= 1 \
    OR COUNT(DISTINCT CASE WHEN TABLE_FILES > 1 THEN SOURCE_FILE END) >= MAX(TABLE_FILES) \
    QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME, LOAD_ID ORDER BY COMMAND_ID DESC) = 1";

/// The views over the audit that the tables' views stand on.
pub fn audit_views() -> Vec<View> {
    vec![
        View { name: "COMPLETE_LOADS".into(), query: GENERATIONS.into() },
        View {
            name: "CURRENT_LOADS".into(),
            query: "SELECT TABLE_NAME, LOAD_ID, COMMAND_ID, AS_OF FROM RAW.COMPLETE_LOADS \
                QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME ORDER BY AS_OF DESC, COMMAND_ID DESC, \
                LOAD_ID DESC) = 1"
                .into(),
        },
        View {
            name: "CURRENT_FILES".into(),
            query: "SELECT F.TABLE_NAME, F.SOURCE_FILE, F.LOAD_ID, F.COMMAND_ID, G.AS_OF \
                FROM RAW.RAW_LOAD_AUDIT F JOIN RAW.COMPLETE_LOADS G ON G.TABLE_NAME = F.TABLE_NAME \
                AND G.LOAD_ID = F.LOAD_ID AND G.COMMAND_ID = F.COMMAND_ID WHERE F.STATUS = 'SUCCESS' \
                QUALIFY ROW_NUMBER() OVER (PARTITION BY F.TABLE_NAME, F.SOURCE_FILE ORDER BY G.AS_OF DESC, \
                F.COMMAND_ID DESC, F.LOAD_ID DESC) = 1"
                .into(),
        },
    ]
}

/// A table's `RAW_RUN` name, in full and quoted.
pub fn run_table(table: &TableSpec) -> String {
    format!("RAW_RUN.{}", ident(&run_name(table)))
}

/// The same of a table of which only the name is known.
pub fn run_table_named(table: &str) -> String {
    format!("RAW_RUN.{}", ident(&format!("{}_RUN", table.to_uppercase())))
}

/// A table's name below `RAW_RUN`.
pub fn run_name(table: &TableSpec) -> String {
    format!("{}_RUN", table.table.to_uppercase())
}

/// The statement that makes a table's `RAW_RUN` table. `repeated` is what the warehouse wants to hear of a text column
/// that holds one value for thousands of rows; it may be empty.
pub fn create_run_table(table: &TableSpec, repeated: &str) -> String {
    let contracted = table.columns.iter().map(|name| format!("{} VARCHAR", ident(name)));
    let meta = META_COLUMNS.iter().map(|(name, kind)| match *kind {
        "VARCHAR" => format!("{name} {kind}{repeated}"),
        _ => format!("{name} {kind}"),
    });
    let columns: Vec<_> = contracted.chain(meta).collect();
    format!("CREATE TABLE IF NOT EXISTS {} ({})", run_table(table), columns.join(", "))
}

/// The view of the current rows. It is fixed: it follows the audit and is not replaced by a load. `columns` are all that the
/// `RAW_RUN` table has beside what millrace adds, in its order: whoever prepares the table shows the same, also one whose
/// contract does not name a column that another has added.
///
/// The snapshot's two subqueries are scalar on purpose: their values reach the scan as filters, and that on
/// COMMAND_ID skips nearly all row groups, because a command's id begins with its time.
pub fn table_view(table: &TableSpec, columns: &[String]) -> View {
    let columns: Vec<_> = columns.iter().map(|name| ident(name)).collect();
    let columns = format!("R.{}, R.LOAD_ID, R.SOURCE_FILE, R.SOURCE_ROW, R.LOADED_AT", columns.join(", R."));
    let name = literal(&table.table.to_uppercase());
    let run = run_table(table);
    let query = match table.mode {
        Mode::Snapshot => format!(
            "WITH C AS (SELECT LOAD_ID, COMMAND_ID FROM RAW.CURRENT_LOADS WHERE TABLE_NAME = {name}) \
            SELECT {columns} FROM {run} R \
            WHERE R.LOAD_ID = (SELECT LOAD_ID FROM C) AND R.COMMAND_ID = (SELECT COMMAND_ID FROM C)"
        ),
        Mode::Increment => format!(
            "SELECT {columns} FROM {run} R JOIN RAW.CURRENT_FILES F ON F.TABLE_NAME = {name} \
            AND F.SOURCE_FILE = R.SOURCE_FILE AND F.LOAD_ID = R.LOAD_ID AND F.COMMAND_ID = R.COMMAND_ID"
        ),
    };
    View { name: table.table.to_uppercase(), query }
}
