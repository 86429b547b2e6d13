//! Making what is missing.

use std::time::Duration;

use super::objects::{STAGE, locks, stage};
use super::session::Again;
use super::{Snowflake, statements, sweep};
use crate::layout::View;
use crate::layout::present::{Present, check};
use crate::sql::{ident, literal};
use crate::{TableSpec, WarehouseError};

/// Tries, because others may make the same things at the same moment.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// Makes schemas, tables, views, locks and the stage where they are missing. Where nothing is missing it asks one question, so
/// that a role without the right to make them can start.
pub(super) async fn prepare(flake: &Snowflake, tables: &[TableSpec]) -> Result<(), WarehouseError> {
    tables.iter().try_for_each(check)?;
    let mut tries = 1;
    loop {
        match make(flake, tables).await {
            Ok(false) => break,
            // Somebody else may have added other columns meanwhile, and the view that was made last must show all of them.
            Ok(true) if tries == TRIES => break,
            Ok(true) => {
                tries += 1;
                continue;
            }
            Err(error) if tries == TRIES || error.class() == messages::FailureClass::Fatal => return Err(error),
            Err(error) => tracing::debug!(%error, tries, "made by somebody else at the same moment; looking again"),
        }
        tokio::time::sleep(PAUSE * tries).await;
        tries += 1;
    }
    sweep::sweep(flake).await;
    Ok(())
}

/// Makes what is missing; whether anything was.
async fn make(flake: &Snowflake, tables: &[TableSpec]) -> Result<bool, WarehouseError> {
    let (present, has_stage) = present(flake).await?;
    let statements = missing(&present, has_stage, tables);
    if statements.is_empty() {
        return Ok(false);
    }
    for sql in missing_schemas(flake).await?.into_iter().chain(statements) {
        flake.ask(&sql, Again::Harmless, usize::MAX).await?;
    }
    Ok(true)
}

/// Only what is not there: without the right to make schemas, IF NOT EXISTS is refused even where there is nothing to do.
async fn missing_schemas(flake: &Snowflake) -> Result<Vec<String>, WarehouseError> {
    let present = flake.ask(statements::SCHEMATA, Again::Harmless, usize::MAX).await?.rows.rows;
    let present: Vec<_> = present.iter().filter_map(|row| row.first()?.as_deref()).collect();
    let missing = ["RAW", "RAW_RUN"].into_iter().filter(|schema| !present.contains(schema));
    Ok(missing.map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {schema}")).collect())
}

async fn present(flake: &Snowflake) -> Result<(Present, bool), WarehouseError> {
    let mut present = Present::default();
    let mut has_stage = false;
    for row in flake.ask(&statements::present(), Again::Harmless, usize::MAX).await?.rows.rows {
        let [Some(what), Some(schema), Some(name), value, _] = row.as_slice() else { continue };
        let value = value.clone().unwrap_or_default();
        match what.as_str() {
            "COLUMN" => present.column(&format!("{schema}.{name}"), value),
            "VIEW" => present.view(name.clone(), value),
            _ => has_stage |= format!("{schema}.{name}") == STAGE,
        }
    }
    Ok((present, has_stage))
}

fn missing(present: &Present, has_stage: bool, tables: &[TableSpec]) -> Vec<String> {
    let mut statements = present.missing_tables(tables, "");
    statements.extend(locks().filter(|(name, _)| !present.has(name)).map(|(_, sql)| sql));
    statements.extend((!has_stage).then(stage));
    statements.extend(present.missing_views(tables).iter().map(create));
    statements
}

/// Replaces the view and keeps who may read it (`sql-reference/sql/create-view`).
pub(super) fn create(view: &View) -> String {
    format!(
        "CREATE OR REPLACE VIEW RAW.{} COPY GRANTS COMMENT = {} AS {}",
        ident(&view.name),
        literal(&view.mark()),
        view.query
    )
}
