//! A warehouse whose calls are told, by the conventions for databases. Their statements are not: they hold values.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use tracing::{Instrument, Span};
use warehouse::{Gate, Lent, LoadOutcome, RowSource, Rows, Slice, TableSpec, Warehouse, WarehouseError};

use super::failed;
use super::summary::Summary;
use crate::health::{Part, Probe, Silence, Told, Vitals};
use crate::telemetry::{labels, metrics};

/// A warehouse that is watched.
pub struct ObservedWarehouse {
    warehouse: Arc<dyn Warehouse>,
    vitals: Arc<Vitals>,
}

/// What a call does.
struct Call {
    operation: String,
    table: Option<String>,
    summary: String,
}

impl ObservedWarehouse {
    /// `warehouse`, watched.
    pub fn new(warehouse: Arc<dyn Warehouse>) -> Arc<Self> {
        Arc::new(Self { warehouse, vitals: Arc::default() })
    }

    /// Whether it can be used. The check takes a DuckDB file from others for a moment, so it is made only where no call
    /// told of it for a while.
    pub fn part(self: &Arc<Self>) -> Arc<dyn Part> {
        let asked = self.clone();
        let check = move || -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
            let asked = asked.clone();
            Box::pin(async move { drop(asked.reach().await) })
        };
        Arc::new(Probe::new(self.vitals.clone(), Silence::Busy, check, || None))
    }

    async fn heard<T>(&self, call: impl Future<Output = Result<T, WarehouseError>>) -> Result<T, WarehouseError> {
        let done = call.await;
        self.vitals.hear(match &done {
            Ok(_) | Err(WarehouseError::Statement(_) | WarehouseError::Source(_)) => Told::Good,
            Err(WarehouseError::Held(text)) => Told::Busy(text.clone()),
            Err(error) => Told::Bad(error.to_string()),
        });
        done
    }

    /// A call that belongs to nothing (the watcher's looks at the audit, say) would be a trace of its own, every few
    /// seconds: it is measured, and not recorded.
    fn span(&self, call: &Call) -> Span {
        if Span::current().is_none() {
            return Span::none();
        }
        tracing::info_span!(
            "warehouse",
            otel.name = call.summary,
            otel.kind = "client",
            db.system.name = self.warehouse.system(),
            db.operation.name = call.operation,
            db.collection.name = call.table,
            db.query.summary = call.summary,
        )
    }

    async fn told<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, WarehouseError>>,
    ) -> Result<T, WarehouseError> {
        let begun = Instant::now();
        let span = self.span(&call);
        let under_way = self.vitals.begin();
        let done = self.heard(work).instrument(span.clone()).await;
        drop(under_way);
        let mut told = vec![
            labels::label("db.system.name", self.warehouse.system()),
            labels::label("db.operation.name", call.operation),
        ];
        told.extend(call.table.map(|table| labels::label("db.collection.name", table)));
        if let Err(error) = &done {
            failed(&span, &mut told, error, kind(error));
        }
        metrics().warehouse_duration.record(begun.elapsed().as_secs_f64(), &told);
        done
    }
}

impl Call {
    fn named(operation: &str) -> Self {
        Self { operation: operation.into(), table: None, summary: operation.into() }
    }

    fn of(sql: &str) -> Self {
        let summary = Summary::of(sql);
        Self { summary: summary.text(), operation: summary.operation, table: summary.table }
    }

    /// By its first statement: what is written together belongs together.
    fn of_all(statements: &[String]) -> Self {
        statements.first().map_or_else(|| Self::named("TRANSACTION"), |first| Self::of(first))
    }

    fn load(slice: &Slice) -> Self {
        let table = slice.table.table.to_uppercase();
        Self { operation: "LOAD".into(), summary: format!("LOAD {table}"), table: Some(table) }
    }
}

/// The kind of fault, for spans and labels.
fn kind(error: &WarehouseError) -> &'static str {
    match error {
        WarehouseError::Unavailable(_) => "unavailable",
        WarehouseError::Held(_) => "held",
        WarehouseError::Statement(_) => "statement",
        WarehouseError::Configuration(_) => "configuration",
        WarehouseError::Source(_) => "source",
    }
}

#[async_trait]
impl Warehouse for ObservedWarehouse {
    fn system(&self) -> &'static str {
        self.warehouse.system()
    }

    async fn prepare(&self, tables: &[TableSpec]) -> Result<(), WarehouseError> {
        self.told(Call::named("PREPARE"), self.warehouse.prepare(tables)).await
    }

    async fn load(
        &self,
        slice: &Slice,
        rows: Box<dyn RowSource>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<LoadOutcome, WarehouseError> {
        self.told(Call::load(slice), self.warehouse.load(slice, rows, gate)).await
    }

    async fn transact(&self, statements: &[String], alone: Option<&str>) -> Result<u64, WarehouseError> {
        self.told(Call::of_all(statements), self.warehouse.transact(statements, alone)).await
    }

    async fn query(&self, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
        self.told(Call::of(sql), self.warehouse.query(sql, max_rows)).await
    }

    async fn lend(&self) -> Result<Lent, WarehouseError> {
        let lent = self.told(Call::named("LEND"), self.warehouse.lend()).await?;
        Ok(Lent::new((lent, self.vitals.begin())))
    }

    async fn check(&self) -> Result<String, WarehouseError> {
        self.heard(self.warehouse.check()).await
    }

    async fn reach(&self) -> Result<(), WarehouseError> {
        self.heard(self.warehouse.reach()).await
    }

    async fn close(&self) {
        self.warehouse.close().await;
    }
}
