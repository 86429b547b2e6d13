//! Reading.

use super::Snowflake;
use super::session::Again;
use crate::sql::{Reading, reading};
use crate::{Rows, WarehouseError};

/// Runs a query of a caller. Snowflake has no transactions that only read, so the text itself is the gate: one statement (the
/// service refuses two as well), which begins like one that reads and holds nothing that leads to one that writes.
pub(super) async fn query(flake: &Snowflake, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
    let sql = readable(sql).map_err(WarehouseError::Statement)?;
    // Not in brackets with a LIMIT: Snowflake does not promise to keep a subquery's order. Only the parts of the result that
    // are wanted are fetched.
    Ok(flake.ask(sql, Again::Harmless, max_rows).await?.rows)
}

/// The statement in `sql`. Refused is what could lead from a statement that reads to one that writes: a chain
/// (`sql-reference/operators-flow`), and a procedure that is written in a WITH (`sql-reference/sql/call-with`).
fn readable(sql: &str) -> Result<&str, String> {
    let (Reading::Query(statement) | Reading::Other(statement)) = reading(sql)?;
    if statement.contains("->>") {
        return Err("chains of statements (->>) are not allowed here".into());
    }
    let words = statement.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
    let with = statement.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("WITH"));
    if with && words.into_iter().any(|word| word.eq_ignore_ascii_case("PROCEDURE")) {
        return Err("procedures are not allowed here".into());
    }
    Ok(statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_writing_is_refused() {
        for sql in [
            "show tables ->> drop table t",
            "select 1 ->> insert into t select 1",
            "with p as procedure () returns text language sql as 'x' call p()",
            "call p()",
            "select 1; drop table t",
        ] {
            assert!(readable(sql).is_err(), "{sql}");
        }
        for sql in ["select 1", "with a as (select 1) select * from a;", "show tables", "select '->' from t"] {
            assert!(readable(sql).is_ok(), "{sql}");
        }
    }
}
