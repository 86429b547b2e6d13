//! What Snowflake has beside the tables and views that both warehouses have: the stage, and tables that are only locked.

/// The stage that files go through.
pub const STAGE: &str = "RAW_RUN.LOAD_STAGE";

/// Tables to be locked. Each holds up whoever wants the same one; twenty may wait for one at most.
pub const LOCKS: usize = 16;

/// The name of the lock table with this number.
pub fn lock_table(number: usize) -> String {
    format!("RAW_RUN.LOAD_LOCK_{number:02}")
}

/// The statement that makes the stage. Files in it are encrypted by the service: a client that encrypts is not needed
/// (`sql-reference/sql/create-stage`).
pub fn stage() -> String {
    format!("CREATE STAGE IF NOT EXISTS {STAGE} ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')")
}

/// The names of the lock tables and the statements that make them, each with its one row.
pub fn locks() -> impl Iterator<Item = (String, String)> {
    (0..LOCKS).map(lock_table).map(|name| {
        let sql = format!("CREATE TABLE IF NOT EXISTS {name} AS SELECT CURRENT_TIMESTAMP() AS CLAIMED_AT");
        (name, sql)
    })
}
