//! Where it is tried, and what came of it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use messages::MessageId;
use millrace_warehouse::conformance::kit::{hour, slice};
use millrace_warehouse::snowflake::{Login, Snowflake, SnowflakeSettings};
use millrace_warehouse::{Mode, Slice, TableSpec, Warehouse};

/// What a step says of itself, or why it failed.
pub type Outcome = Result<String, String>;

/// A database, and names in it that nobody else has.
pub struct Place {
    pub warehouse: Arc<dyn Warehouse>,
    /// Whether it is the service itself.
    pub real: bool,
    pub by_key: bool,
    pub name: String,
    settings: SnowflakeSettings,
}

impl Place {
    pub fn new(settings: SnowflakeSettings, real: bool) -> Self {
        let id = MessageId::fresh().to_string().replace('-', "").to_uppercase();
        let by_key = matches!(settings.login, Login::Key(_));
        let warehouse = Snowflake::open(settings.clone()).unwrap();
        Self { warehouse, real, by_key, name: format!("MILLRACE_SMOKE_{id}"), settings }
    }

    /// Sessions of another process.
    pub fn another(&self) -> Arc<dyn Warehouse> {
        Snowflake::open(self.settings.clone()).unwrap()
    }

    pub fn table(&self) -> TableSpec {
        TableSpec { table: self.name.clone(), columns: vec!["id".into(), "state".into()], mode: Mode::Snapshot }
    }

    pub fn slice(&self, load: &str, number: u32) -> Slice {
        // Quotes and a backslash go through a literal of the COPY.
        Slice { ..slice(&self.table(), &self.load_id(load), number, "it's\\smoke.csv", hour(number)) }
    }

    pub fn load_id(&self, load: &str) -> String {
        format!("{}::{load}", self.name)
    }

    /// The table of its rows.
    pub fn rows(&self) -> String {
        format!("RAW_RUN.\"{}_RUN\"", self.name)
    }

    /// The only value of a query.
    pub async fn value(&self, sql: &str) -> Result<Option<String>, String> {
        let mut rows = self.query(sql).await?;
        Ok(rows.pop().ok_or("no row")?.into_iter().next().flatten())
    }

    pub async fn query(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        let found = self.warehouse.query(sql, usize::MAX).await;
        Ok(found.map_err(|why| format!("{sql}: {why}"))?.rows)
    }

    pub async fn execute(&self, sql: &str) -> Result<(), String> {
        self.warehouse.transact(&[sql.to_owned()], None).await.map(drop).map_err(|why| format!("{sql}: {why}"))
    }

    /// What is said where only the service can be asked.
    pub fn not_here(&self) -> Option<Outcome> {
        (!self.real).then(|| Ok("not at the emulator".into()))
    }
}

/// Expects that two are the same.
pub fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("found {found:?} instead of {expected:?}")) }
}

/// What came of each step.
#[derive(Default)]
pub struct Report {
    faults: Vec<String>,
}

impl Report {
    /// Plays a step, and goes on whatever comes of it.
    pub async fn step(&mut self, name: &str, step: impl Future<Output = Outcome>) {
        let begun = Instant::now();
        let outcome = AssertUnwindSafe(step).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| Err("it panicked; what it said stands above".into()));
        let took = begun.elapsed().as_secs_f64();
        match outcome {
            Ok(note) => println!("ok      {took:6.1} s  {name}: {note}"),
            Err(why) => {
                println!("FAILED  {took:6.1} s  {name}: {why}");
                self.faults.push(format!("{name}: {why}"));
            }
        }
    }

    pub fn end(self) {
        assert!(self.faults.is_empty(), "{} steps failed:\n{}", self.faults.len(), self.faults.join("\n"));
    }
}
