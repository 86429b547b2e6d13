//! Snowflake: many sessions, many writers.
//!
//! The crate `snowflake-api` logs in and carries the statements; what it lacks stands around it (`client`). See `design.md`
//! beside this file.

mod admin;
mod answer;
mod check;
mod client;
mod errors;
pub mod key;
mod load;
pub mod objects;
mod parts;
mod pool;
mod prepare;
mod query;
mod session;
mod settings;
pub mod setup;
mod stage;
mod statements;
mod sweep;
mod text;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Gate, Lent, LoadOutcome, RowSource, Rows, Slice, TableSpec, Warehouse, WarehouseError};
use answer::Answer;
use errors::{Fault, Trouble};
use pool::{Pool, Taken};
use session::Again;

pub use admin::Admin;
pub use errors::class_of;
pub use settings::{Login, Protocol, Secret, SnowflakeSettings};

/// A database at Snowflake.
pub struct Snowflake {
    pool: Pool,
}

impl Snowflake {
    /// The database that `settings` name. Nothing is sent yet.
    pub fn open(settings: SnowflakeSettings) -> Result<Arc<Self>, WarehouseError> {
        Ok(Arc::new(Self { pool: Pool::new(settings)? }))
    }

    /// A session in which a transaction is open. One that has ended meanwhile is replaced, once.
    async fn begin(&self) -> Result<Taken<'_>, Failed> {
        match self.try_begin().await {
            Err(Failed::Fault(fault)) if fault.trouble == Trouble::Session => {
                // Those that wait beside it are as old.
                self.pool.close().await;
                self.try_begin().await
            }
            other => other,
        }
    }

    async fn try_begin(&self) -> Result<Taken<'_>, Failed> {
        let session = self.pool.take().await?;
        match session.begin().await {
            Ok(()) => Ok(session),
            Err(fault) => {
                session.discard().await;
                Err(fault.into())
            }
        }
    }

    /// Runs a statement outside of transactions. A session that has ended meanwhile is replaced, once.
    async fn ask(&self, sql: &str, again: Again, max_rows: usize) -> Result<Answer, WarehouseError> {
        match self.try_ask(sql, again, max_rows).await {
            Err(Failed::Fault(fault)) if fault.trouble == Trouble::Session => {
                // Those that wait beside it are as old.
                self.pool.close().await;
                Ok(self.try_ask(sql, again, max_rows).await?)
            }
            other => Ok(other?),
        }
    }

    async fn try_ask(&self, sql: &str, again: Again, max_rows: usize) -> Result<Answer, Failed> {
        let session = self.pool.take().await?;
        let answer = session.run(sql, again, max_rows).await;
        match &answer {
            Err(fault) if fault.is_passing() => session.discard().await,
            _ => session.give_back().await,
        }
        Ok(answer?)
    }
}

/// No session, or a statement that went wrong in it.
enum Failed {
    Warehouse(WarehouseError),
    Fault(Fault),
}

impl From<WarehouseError> for Failed {
    fn from(error: WarehouseError) -> Self {
        Self::Warehouse(error)
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Failed> for WarehouseError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Warehouse(error) => error,
            Failed::Fault(fault) => fault.into(),
        }
    }
}

/// Runs `statements` in the open transaction, alone among those who name the same `alone`.
async fn write(session: &Taken<'_>, statements: &[String], alone: Option<&str>) -> Result<u64, Fault> {
    if let Some(alone) = alone {
        session.execute(&statements::claim(alone, alone)).await?;
    }
    let mut written = 0;
    for sql in statements {
        written += session.execute(sql).await?.affected().unwrap_or_default();
    }
    failpoint::point!("commit:before");
    session.commit().await?;
    failpoint::point!("commit:after");
    Ok(written)
}

#[async_trait]
impl Warehouse for Snowflake {
    fn system(&self) -> &'static str {
        "snowflake"
    }

    async fn prepare(&self, tables: &[TableSpec]) -> Result<(), WarehouseError> {
        prepare::prepare(self, tables).await
    }

    async fn load(
        &self,
        slice: &Slice,
        rows: Box<dyn RowSource>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<LoadOutcome, WarehouseError> {
        failpoint::point!("write:before");
        load::load(self, slice, rows, gate.as_deref()).await
    }

    async fn transact(&self, statements: &[String], alone: Option<&str>) -> Result<u64, WarehouseError> {
        match (statements, alone) {
            ([], _) => return Ok(0),
            // It is a transaction of its own.
            ([one], None) => {
                let answer = self.ask(one, Again::Never, usize::MAX).await?;
                return Ok(answer.affected().unwrap_or_default());
            }
            _ => {}
        }
        let session = self.begin().await?;
        match write(&session, statements, alone).await {
            Ok(written) => {
                session.give_back().await;
                Ok(written)
            }
            Err(fault) => {
                session.discard().await;
                Err(fault.into())
            }
        }
    }

    async fn query(&self, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
        query::query(self, sql, max_rows).await
    }

    async fn lend(&self) -> Result<Lent, WarehouseError> {
        Ok(Lent::new(()))
    }

    async fn check(&self) -> Result<String, WarehouseError> {
        check::check(self).await
    }

    async fn reach(&self) -> Result<(), WarehouseError> {
        self.ask(statements::REACH, Again::Harmless, 1).await.map(drop)
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
