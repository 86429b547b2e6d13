//! Proving that everything that a load and dbt need can be done.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use chrono::Utc;
use messages::{Failure, LoadId, MessageId};
use uuid::Uuid;

use super::errors::{Fault, Trouble};
use super::load::{Ended, Folder, copy, send};
use super::pool::Taken;
use super::{Snowflake, statements};
use crate::layout::create_run_table;
use crate::{FileFacts, Mode, RowSource, Slice, TableSpec, WarehouseError};

/// The schemas of the platform, in the order in which data goes through them.
const SCHEMAS: [&str; 5] = ["RAW_RUN", "RAW", "STAGING", "CORE", "MARTS"];

/// Logs in, makes and drops a table and a view where loads and dbt make theirs, and sends a row through the stage.
pub(super) async fn check(flake: &Snowflake) -> Result<String, WarehouseError> {
    // Whatever waited may have ended meanwhile.
    flake.pool.close().await;
    let session = flake.pool.take().await?;
    let checked = proofs(flake, &session).await;
    // With it go the temporary tables.
    session.discard().await;
    checked
}

async fn proofs(flake: &Snowflake, session: &Taken<'_>) -> Result<String, WarehouseError> {
    let who = whoami(session).await?;
    let present = session.ask(statements::SCHEMATA).await?;
    let present: Vec<&str> = present.rows.rows.iter().filter_map(|row| row.first()?.as_deref()).collect();
    let missing: Vec<&str> = SCHEMAS.into_iter().filter(|schema| !present.contains(schema)).collect();
    let name = format!("MILLRACE_CHECK_{}", Uuid::now_v7().simple()).to_uppercase();
    if !missing.is_empty() {
        let made = make_and_drop(session, &format!("SCHEMA {name}"), "").await;
        made.map_err(|fault| lacking(&format!("the schemas {}, which it lacks", missing.join(", ")), fault))?;
    }
    for schema in SCHEMAS.into_iter().filter(|schema| present.contains(schema)) {
        // Nobody makes a view there, and `setup` grants no right to.
        if schema != "RAW_RUN" {
            let views = make_and_drop(session, &format!("VIEW {schema}.{name}"), " AS SELECT 1 AS A").await;
            views.map_err(|fault| lacking(&format!("views in {schema}"), fault))?;
        }
        let tables = make_and_drop(session, &format!("TABLE {schema}.{name}"), " (A BIGINT)").await;
        tables.map_err(|fault| lacking(&format!("tables in {schema}"), fault))?;
    }
    let has_stage = !session.ask(statements::STAGES).await?.rows.rows.is_empty();
    if has_stage {
        through_the_stage(flake, session, &name).await?;
    }
    let mut text = who;
    if !missing.is_empty() {
        text.push_str(&format!("; {} will be made at the first start", missing.join(", ")));
    }
    if !has_stage {
        text.push_str("; the stage will be made at the first start, and was not tried");
    }
    Ok(text)
}

async fn whoami(session: &Taken<'_>) -> Result<String, WarehouseError> {
    let who = session.ask(statements::WHOAMI).await?;
    let who: Vec<String> = who.rows.rows.into_iter().flatten().map(Option::unwrap_or_default).collect();
    let [version, account, user, role, warehouse, database] = who.as_slice() else {
        return Err(WarehouseError::Statement("Snowflake did not say who we are there".into()));
    };
    for (name, value) in [("WAREHOUSE", warehouse), ("DATABASE", database)] {
        if value.is_empty() {
            return Err(WarehouseError::Configuration(format!(
                "SNOWFLAKE_{name} names nothing that the role {role} may use; grant it USAGE, or name another"
            )));
        }
    }
    Ok(format!(
        "Snowflake {version}, account {account}, as {user} ({role}), warehouse {warehouse}, database {database}"
    ))
}

async fn make_and_drop(session: &Taken<'_>, what: &str, body: &str) -> Result<(), Fault> {
    session.ask(&format!("CREATE {what}{body}")).await?;
    session.ask(&format!("DROP {what}")).await.map(drop)
}

/// A refusal to make `what`. A service in trouble says nothing about rights.
fn lacking(what: &str, fault: Fault) -> WarehouseError {
    if fault.trouble != Trouble::Statement {
        return fault.into();
    }
    WarehouseError::Configuration(format!(
        "the role can't make {what}; run `millrace setup snowflake`, or grant it what `millrace setup snowflake --print` \
        grants ({fault})"
    ))
}

/// One row the whole way of a load, into a table that ends with the session.
async fn through_the_stage(flake: &Snowflake, session: &Taken<'_>, name: &str) -> Result<(), WarehouseError> {
    let slice = slice(name)?;
    let temporary = create_run_table(&slice.table, "").replacen("CREATE TABLE", "CREATE TEMPORARY TABLE", 1);
    session.ask(&temporary).await?;
    let folder = Folder::new("MILLRACE_CHECK");
    let copied = match send(flake, &slice, &folder, Box::new(OneRow { given: false })).await {
        Ok(staged) => copy(session, &slice, &folder, &staged).await.map_err(|ended| match ended {
            Ended::Undone(error) => error,
            Ended::Unknown(fault) => fault.into(),
            // Nothing is asked here.
            Ended::Refused => WarehouseError::Statement("a question was refused".into()),
        }),
        Err(error) => Err(error),
    };
    folder.remove(flake).await;
    copied
}

fn slice(name: &str) -> Result<Slice, WarehouseError> {
    let load_id = LoadId::new("millrace::check").map_err(|why| WarehouseError::Statement(why.to_string()))?;
    let now = Utc::now();
    Ok(Slice {
        load_id,
        command_id: MessageId::fresh(),
        table: TableSpec { table: name.into(), columns: vec!["a".into()], mode: Mode::Snapshot },
        source: "check".into(),
        uri: "check".into(),
        modified_at: now,
        as_of: now,
        attempt: 1,
        run_files: 1,
        table_files: 1,
        started_at: now,
        worker: "check".into(),
        trace_id: String::new(),
    })
}

struct OneRow {
    given: bool,
}

impl RowSource for OneRow {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        if std::mem::replace(&mut self.given, true) {
            return Ok(None);
        }
        let columns: [(&str, ArrayRef); 2] =
            [("A", Arc::new(StringArray::from(vec!["it works"]))), ("SOURCE_ROW", Arc::new(Int64Array::from(vec![1])))];
        RecordBatch::try_from_iter(columns).map(Some).map_err(|why| Failure::permanent(why.to_string()))
    }

    fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
        Ok(FileFacts::plain(1, 8, ""))
    }
}
