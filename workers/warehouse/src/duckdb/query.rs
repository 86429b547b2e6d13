//! Reading.

use duckdb::Connection;
use duckdb::arrow::array::{Array, StructArray};
use duckdb::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::session::Session;
use crate::sql::{Reading, reading};
use crate::{Rows, WarehouseError};

/// Runs a query of a caller. Two gates keep it from writing: it must be one statement that reads, and it runs in a
/// transaction in which DuckDB refuses to write. Files beside the warehouse are out of its reach altogether
/// (`enable_external_access` is off).
pub(super) fn query(session: &Session, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
    let sql = match reading(sql).map_err(WarehouseError::Statement)? {
        // DuckDB would make all rows before the first is taken. The line break ends a comment in the last line.
        Reading::Query(sql) if max_rows < usize::MAX => {
            format!("SELECT * FROM ({sql}\n) LIMIT {}", max_rows.saturating_add(1))
        }
        Reading::Query(sql) | Reading::Other(sql) => sql.to_owned(),
    };
    session.reading(|session| session.rows(&sql, max_rows))
}

/// Runs `sql` and takes at most `max_rows` rows as text.
pub(super) fn collect(connection: &Connection, sql: &str, max_rows: usize) -> duckdb::Result<Rows> {
    let mut statement = connection.prepare(sql)?;
    statement.raw_execute()?;
    let columns = statement.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Rows { columns, ..Rows::default() };
    while let Some(chunk) = statement.step()? {
        append(&chunk, max_rows, &mut rows).map_err(|why| {
            duckdb::Error::DuckDBFailure(duckdb::ffi::Error::new(duckdb::ffi::DuckDBError), Some(why.to_string()))
        })?;
        if rows.truncated {
            break;
        }
    }
    Ok(rows)
}

fn append(chunk: &StructArray, max_rows: usize, rows: &mut Rows) -> Result<(), duckdb::arrow::error::ArrowError> {
    let options = FormatOptions::new()
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.6f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.6f%:z"));
    let columns = chunk.columns().iter();
    let formatters: Vec<_> =
        columns.map(|column| ArrayFormatter::try_new(column, &options)).collect::<Result<_, _>>()?;
    for row in 0..chunk.len() {
        if rows.rows.len() == max_rows {
            rows.truncated = true;
            break;
        }
        let value = |(column, formatter): (&std::sync::Arc<dyn Array>, &ArrayFormatter<'_>)| {
            (!column.is_null(row)).then(|| formatter.value(row).to_string())
        };
        rows.rows.push(chunk.columns().iter().zip(&formatters).map(value).collect());
    }
    Ok(())
}
