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

/// What may stand behind a WITH or an EXPLAIN and writes.
const WRITERS: [&str; 10] =
    ["CALL", "COPY", "CREATE", "DELETE", "EXECUTE", "INSERT", "MERGE", "PROCEDURE", "TRUNCATE", "UPDATE"];

/// The statement in `sql`. Refused is what could lead from a statement that reads to one that writes: a chain
/// (`sql-reference/operators-flow`), and whatever writes behind a WITH or an EXPLAIN, a procedure that is written there among it
/// (`sql-reference/sql/call-with`).
pub(super) fn readable(sql: &str) -> Result<&str, String> {
    let (Reading::Query(statement) | Reading::Other(statement)) = reading(sql)?;
    let bare = without_texts(statement);
    if bare.contains("->>") {
        return Err("chains of statements (->>) are not allowed here".into());
    }
    let begins = |word: &str| statement.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if begins("WITH") || begins("EXPLAIN") {
        let mut words = bare.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
        if let Some(word) = words.find(|word| WRITERS.iter().any(|writer| word.eq_ignore_ascii_case(writer))) {
            return Err(format!("only statements that read are allowed here; this one holds {word}"));
        }
    }
    Ok(statement)
}

/// The statement without what stands in quotes. A backslash may escape a quote, and in a comment a quote is none: then
/// nothing is left out.
fn without_texts(statement: &str) -> String {
    if ["\\", "--", "/*", "//"].iter().any(|sign| statement.contains(sign)) {
        return statement.to_owned();
    }
    let (mut bare, mut rest) = (String::new(), statement);
    while let Some((at, quote)) = rest.char_indices().find(|(_, c)| matches!(c, '\'' | '"')) {
        bare.push_str(&rest[..at]);
        bare.push(' ');
        rest = rest[at + 1..].split_once(quote).map_or("", |(_, after)| after);
    }
    bare + rest
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
            "explain analyze delete from t",
            "with a as (select 1) delete from t",
            "with a as (select '\\'' as b) insert into t select '",
            "select 1; drop table t",
            "with /* ' */ p as procedure () returns text language sql as 'x' call p()",
            "with -- '\n p as procedure () returns text language sql as 'x' call p()",
            "with // '\n p as procedure () returns text language sql as 'x' call p()",
            "with a as (select '\"' as b), p as procedure () returns text language sql as 'x' call p()",
        ] {
            assert!(readable(sql).is_err(), "{sql}");
        }
        for sql in [
            "select 1",
            "with a as (select 1) select * from a;",
            "show tables",
            "select '->>' from t",
            "with a as (select 1) select 'it''s', 'DELETE' from a",
        ] {
            assert!(readable(sql).is_ok(), "{sql}");
        }
    }
}
