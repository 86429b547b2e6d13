//! The bus and the warehouse as the worker under test sees them: the real ones, behind the script.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::{Bus, BusError, Consumer, DeadLetter, Delivery, QueueDepth, Settle};
use messages::{Envelope, Failure, LoadId, Stage};
use warehouse::{Gate, Lent, LoadOutcome, RowSource, Rows, Slice, TableSpec, Warehouse, WarehouseError};

use crate::script::{Fault, Script, Seen};

/// A bus of which one message is delivered, not always the first.
pub struct ScriptedBus {
    pub real: Arc<dyn Bus>,
    pub script: Arc<Script>,
    /// How many messages of the queue are passed over: a bus promises no order.
    pub skip: u16,
}

#[async_trait]
impl Bus for ScriptedBus {
    fn system(&self) -> &'static str {
        "scripted"
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        let away = || Err(BusError::Unavailable("scripted".into()));
        if self.script.strikes(Fault::BusAway) {
            return away();
        }
        self.script.act(Seen::Publish(envelope.id), self.real.publish(envelope)).await?;
        if self.script.strikes(Fault::ConfirmationLost) { away() } else { Ok(()) }
    }

    async fn consume(&self, stage: Stage, prefetch: u16) -> Result<Box<dyn Consumer>, BusError> {
        let real = self.real.consume(stage, prefetch + self.skip).await?;
        Ok(Box::new(OneMessage { real, script: self.script.clone(), skip: self.skip }))
    }

    async fn listen(&self, load_id: &LoadId, types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        self.real.listen(load_id, types).await
    }

    async fn listen_to_all(&self, types: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        self.real.listen_to_all(types).await
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>, BusError> {
        self.real.depths().await
    }

    async fn dead(&self, stage: Option<Stage>, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
        self.real.dead(stage, limit).await
    }

    async fn replay(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.real.replay(dead_ids).await
    }

    async fn purge(&self, dead_ids: &[String]) -> Result<Vec<String>, BusError> {
        self.real.purge(dead_ids).await
    }

    async fn set_paused(&self, stage: Stage, paused: bool) -> Result<bool, BusError> {
        self.real.set_paused(stage, paused).await
    }

    async fn check(&self) -> Result<String, BusError> {
        self.real.check().await
    }
}

struct OneMessage {
    real: Box<dyn Consumer>,
    script: Arc<Script>,
    skip: u16,
}

#[async_trait]
impl Consumer for OneMessage {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        if self.script.handed_out().is_some() {
            self.script.stop.cancel();
            std::future::pending::<()>().await;
        }
        let mut passed_over = Vec::new();
        for _ in 0..self.skip {
            passed_over.push(self.real.next().await?);
        }
        let real = self.real.next().await?;
        drop(passed_over);
        self.script.hand_out(real.envelope().unwrap().id, real.attempt());
        let (body, attempt) = (real.body().to_vec(), real.attempt());
        let deaths = real.deaths();
        let settle = ScriptedSettle { real, script: self.script.clone() };
        Ok(Delivery::new(body, attempt, Box::new(settle)).after_deaths(deaths))
    }
}

struct ScriptedSettle {
    real: Delivery,
    script: Arc<Script>,
}

#[async_trait]
impl Settle for ScriptedSettle {
    async fn ack(self: Box<Self>) -> Result<(), BusError> {
        self.script.act(Seen::Ack, self.real.ack()).await
    }

    async fn retry(self: Box<Self>, after: Duration, cause: &Failure) -> Result<(), BusError> {
        self.script.act(Seen::Retry, self.real.retry(after, cause)).await
    }

    async fn dead_letter(self: Box<Self>, cause: &Failure) -> Result<(), BusError> {
        self.script.act(Seen::Bury, self.real.dead_letter(cause)).await
    }

    async fn give_back(self: Box<Self>) -> Result<(), BusError> {
        self.real.give_back().await
    }
}

pub struct ScriptedWarehouse {
    pub real: Arc<dyn Warehouse>,
    pub script: Arc<Script>,
}

impl ScriptedWarehouse {
    fn away(&self) -> Result<(), WarehouseError> {
        if self.script.strikes(Fault::WarehouseAway) {
            return Err(WarehouseError::Unavailable("scripted".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl Warehouse for ScriptedWarehouse {
    fn system(&self) -> &'static str {
        self.real.system()
    }

    async fn prepare(&self, tables: &[TableSpec]) -> Result<(), WarehouseError> {
        self.real.prepare(tables).await
    }

    async fn load(
        &self,
        slice: &Slice,
        rows: Box<dyn RowSource>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<LoadOutcome, WarehouseError> {
        self.away()?;
        self.script.act(Seen::Load, self.real.load(slice, rows, gate)).await
    }

    async fn transact(&self, statements: &[String], alone: Option<&str>) -> Result<u64, WarehouseError> {
        self.away()?;
        self.script.act(Seen::Audit, self.real.transact(statements, alone)).await
    }

    async fn query(&self, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
        self.real.query(sql, max_rows).await
    }

    async fn lend(&self) -> Result<Lent, WarehouseError> {
        self.real.lend().await
    }

    async fn reach(&self) -> Result<(), WarehouseError> {
        self.real.reach().await
    }

    async fn check(&self) -> Result<String, WarehouseError> {
        self.real.check().await
    }

    async fn close(&self) {
        self.real.close().await;
    }
}
