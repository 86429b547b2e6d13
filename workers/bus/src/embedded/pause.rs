//! The SQL of paused stages.

use messages::Stage;
use rusqlite::Connection;

/// Pauses or resumes a stage. `false`: it was so already.
pub(super) fn set(connection: &Connection, stage: Stage, paused: bool) -> rusqlite::Result<bool> {
    let sql =
        if paused { "INSERT OR IGNORE INTO paused (stage) VALUES (?1)" } else { "DELETE FROM paused WHERE stage = ?1" };
    connection.execute(sql, [stage.as_str()]).map(|rows| rows == 1)
}

/// The stages that hand out nothing.
pub(super) fn stages(connection: &Connection) -> rusqlite::Result<Vec<Stage>> {
    let names = connection
        .prepare_cached("SELECT stage FROM paused")?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    // Only stages are ever written there.
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}
