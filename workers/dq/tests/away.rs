//! A warehouse that is away says nothing about the data: nothing is judged, nothing is lost.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use messages::FailureClass;
use millrace_dq::{DqHandler, compile};
use runtime::{Contracts, Handler};
use serde_json::json;
use support::{Mill, at, contract, id, requested};
use warehouse::{Gate, Ledger, Lent, LoadOutcome, RowSource, Rows, Slice, TableSpec, Warehouse, WarehouseError};

/// A warehouse that can't be reached for statements that hold a certain text.
struct Flaky {
    inner: Arc<dyn Warehouse>,
    away_for: &'static str,
    away: AtomicBool,
}

impl Flaky {
    fn reach(&self, sql: &str) -> Result<(), WarehouseError> {
        match self.away.load(Ordering::SeqCst) && sql.contains(self.away_for) {
            true => Err(WarehouseError::Unavailable("the warehouse is away".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Warehouse for Flaky {
    fn system(&self) -> &'static str {
        self.inner.system()
    }

    async fn prepare(&self, tables: &[TableSpec]) -> Result<(), WarehouseError> {
        self.inner.prepare(tables).await
    }
    async fn load(
        &self,
        slice: &Slice,
        rows: Box<dyn RowSource>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<LoadOutcome, WarehouseError> {
        self.inner.load(slice, rows, gate).await
    }
    async fn transact(&self, statements: &[String], alone: Option<&str>) -> Result<u64, WarehouseError> {
        self.reach(&statements.concat())?;
        self.inner.transact(statements, alone).await
    }
    async fn query(&self, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
        self.reach(sql)?;
        self.inner.query(sql, max_rows).await
    }
    async fn lend(&self) -> Result<Lent, WarehouseError> {
        self.inner.lend().await
    }
    async fn reach(&self) -> Result<(), WarehouseError> {
        self.inner.reach().await
    }

    async fn check(&self) -> Result<String, WarehouseError> {
        self.inner.check().await
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_warehouse_goes_away_the_message_is_handled_again() {
    let checks = json!([{"kind": "row_count", "min": 1}]);
    let mut contracts = Contracts::default();
    contracts.add(serde_json::from_value(contract("t", &["x"], checks.clone())).unwrap()).unwrap();
    let plan = Arc::new(compile(&contracts).unwrap());
    for away_for in ["STAGE_AUDIT", "COMPLETE_LOADS", "COUNT(*)", "INSERT"] {
        let mill = Mill::new([contract("t", &["x"], checks.clone())]).await;
        mill.load("t", "load", at("2026-11-23T12:00:00Z"), &[&["1"]]).await;
        let flaky = Arc::new(Flaky { inner: mill.warehouse().clone(), away_for, away: AtomicBool::new(true) });
        let mut handler = DqHandler::new(Ledger::new(flaky.clone()), plan.clone(), "test", 10);
        let work = [requested("load", &["t"])];
        let failure = handler.handle(&work).await.remove(0).unwrap_err();
        assert_eq!((failure.class, failure.message.as_str()), (FailureClass::Transient, "the warehouse is away"));
        assert_eq!(mill.ledger.stage_lines(&id("load")).await.unwrap(), []);
        assert_eq!(mill.ledger.quality_lines(&id("load")).await.unwrap(), []);
        flaky.away.store(false, Ordering::SeqCst);
        assert_eq!(handler.handle(&work).await.remove(0).unwrap().announce.len(), 1);
        assert_eq!(mill.ledger.stage_lines(&id("load")).await.unwrap().len(), 1, "{away_for}");
    }
}
