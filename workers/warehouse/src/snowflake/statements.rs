//! The statements that only Snowflake hears. What both warehouses hear is in `layout.rs`, `standing.rs` and `ledger/`.
//!
//! Each names the page of Snowflake's documentation (below `https://docs.snowflake.com/en/`) that it rests on;
//! `tests/snowflake/golden.sql` shows them all as they are sent.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::objects::{LOCK_COLUMN, STAGE, lock_of};
use crate::Slice;
use crate::layout::run_table;
use crate::sql::{ident, literal, timestamp};

/// The longest that one statement may take at the service.
pub(super) const STATEMENT_LIMIT: Duration = Duration::from_secs(3600);
/// The longest that a statement waits for another transaction's lock, before the work is put off.
const LOCK_WAIT_SECS: u64 = 60;

/// What every session has from its login on, so that no account's defaults change what we read or write
/// (`sql-reference/parameters`).
pub(super) fn session_parameters() -> [(&'static str, Value); 11] {
    [
        // A worker that is cut off leaves no statement behind that still runs.
        ("ABORT_DETACHED_QUERY", json!(true)),
        ("AUTOCOMMIT", json!(true)),
        // The client that the crate says it is; text for every value, NULL timestamps included.
        ("GO_QUERY_RESULT_FORMAT", json!("JSON")),
        ("LOCK_TIMEOUT", json!(LOCK_WAIT_SECS)),
        ("MULTI_STATEMENT_COUNT", json!(1)),
        // What the account is charged for is found by it in QUERY_HISTORY.
        ("QUERY_TAG", json!("millrace")),
        ("QUOTED_IDENTIFIERS_IGNORE_CASE", json!(false)),
        ("STATEMENT_TIMEOUT_IN_SECONDS", json!(STATEMENT_LIMIT.as_secs())),
        ("TIMESTAMP_NTZ_OUTPUT_FORMAT", json!("YYYY-MM-DD HH24:MI:SS.FF6")),
        // TIMESTAMP is without a zone, whatever the account says.
        ("TIMESTAMP_TYPE_MAPPING", json!("TIMESTAMP_NTZ")),
        ("TIMEZONE", json!("UTC")),
    ]
}

/// Where the stage lies and with which credentials it is written; nothing is uploaded by it (`sql-reference/sql/put`). The
/// file's name stands for all of them: the answer is about the folder.
pub(super) fn put(folder: &str) -> String {
    format!(
        "PUT 'file:///part.csv.gz' '@{STAGE}/{folder}/' AUTO_COMPRESS = FALSE SOURCE_COMPRESSION = GZIP OVERWRITE = TRUE"
    )
}

/// What lies in the folder (`sql-reference/sql/list`).
pub(super) fn list(folder: &str) -> String {
    format!("LIST @{STAGE}/{folder}/")
}

/// What lies in the whole stage.
pub(super) fn list_all() -> String {
    format!("LIST @{STAGE}/")
}

/// Removes the folder (`sql-reference/sql/remove`).
pub(super) fn remove(folder: &str) -> String {
    format!("REMOVE @{STAGE}/{folder}/")
}

/// Copies the parts into the `RAW_RUN` table (`sql-reference/sql/copy-into-table`, `user-guide/data-load-transform`). Every
/// option whose default could change a text is named. The files are named too: what is not among them is not ours, and one
/// that is missing is an error. FORCE, because what was loaded is for the audit to know.
pub(super) fn copy(slice: &Slice, folder: &str, parts: &[String], loaded_at: DateTime<Utc>) -> String {
    let columns: Vec<_> = slice.table.columns.iter().map(|name| ident(name)).collect();
    let values: Vec<_> = (2..=columns.len() + 1).map(|at| format!("${at}")).collect();
    let parts: Vec<_> = parts.iter().map(|name| literal(name)).collect();
    format!(
        "COPY INTO {} ({}, SOURCE_ROW, LOAD_ID, SOURCE_FILE, LOADED_AT, COMMAND_ID) \
        FROM (SELECT {}, $1, {}, {}, {}, {} FROM @{STAGE}/{folder}/) FILES = ({}) \
        FILE_FORMAT = (TYPE = CSV COMPRESSION = GZIP RECORD_DELIMITER = '\\n' FIELD_DELIMITER = ',' MULTI_LINE = TRUE PARSE_HEADER = FALSE \
        SKIP_HEADER = 0 SKIP_BLANK_LINES = FALSE ESCAPE = NONE ESCAPE_UNENCLOSED_FIELD = NONE TRIM_SPACE = FALSE \
        FIELD_OPTIONALLY_ENCLOSED_BY = '\"' NULL_IF = () EMPTY_FIELD_AS_NULL = TRUE REPLACE_INVALID_CHARACTERS = FALSE \
        SKIP_BYTE_ORDER_MARK = FALSE ENCODING = 'UTF8') \
        ON_ERROR = ABORT_STATEMENT PURGE = FALSE FORCE = TRUE",
        run_table(&slice.table),
        columns.join(", "),
        values.join(", "),
        literal(slice.load_id.as_str()),
        literal(&slice.uri),
        timestamp(loaded_at),
        literal(&slice.command_id.to_string()),
        parts.join(", "),
    )
}

/// Takes the lock that `alone` stands for, until the transaction ends: of two who want it one waits. An UPDATE locks the
/// table, an INSERT or COPY does not (`sql-reference/transactions`, "Resource locking").
pub(super) fn claim(alone: &str, holder: &str) -> String {
    format!("UPDATE {} SET {LOCK_COLUMN} = {}", lock_of(alone), literal(holder))
}

/// Holds while the transaction in which `holder` took the lock is still open: what it wrote went with it otherwise.
pub(super) fn claimed(alone: &str, holder: &str) -> String {
    format!("EXISTS (SELECT 1 FROM {} WHERE {LOCK_COLUMN} = {})", lock_of(alone), literal(holder))
}

/// What is there: columns by table in their order, the comments of views, and the stage (`sql-reference/info-schema`).
pub(super) fn present() -> String {
    "SELECT 'COLUMN', TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION AS PLACE FROM INFORMATION_SCHEMA.COLUMNS \
    WHERE TABLE_SCHEMA IN ('RAW', 'RAW_RUN') \
    UNION ALL SELECT 'VIEW', TABLE_SCHEMA, TABLE_NAME, COALESCE(COMMENT, ''), 0 FROM INFORMATION_SCHEMA.VIEWS \
    WHERE TABLE_SCHEMA = 'RAW' \
    UNION ALL SELECT 'STAGE', STAGE_SCHEMA, STAGE_NAME, '', 0 FROM INFORMATION_SCHEMA.STAGES WHERE STAGE_SCHEMA = 'RAW_RUN' \
    ORDER BY PLACE"
        .into()
}

/// Who we are, and where (`sql-reference/functions-context`).
pub(super) const WHOAMI: &str = "SELECT CURRENT_VERSION(), CURRENT_ACCOUNT(), CURRENT_USER(), CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE()";

/// A question that the service answers without a warehouse: it would be resumed, and paid for, by every probe
/// (`sql-reference/sql/show-parameters`).
pub(super) const REACH: &str = "SHOW PARAMETERS LIKE 'TIMEZONE' IN SESSION";

/// The schemas that are there and may be seen (`sql-reference/info-schema/schemata`).
pub(super) const SCHEMATA: &str = "SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA";

/// The stage, if it is there (`sql-reference/info-schema/stages`).
pub(super) const STAGES: &str =
    "SELECT STAGE_NAME FROM INFORMATION_SCHEMA.STAGES WHERE STAGE_SCHEMA = 'RAW_RUN' AND STAGE_NAME = 'LOAD_STAGE'";
