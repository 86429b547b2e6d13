//! Snowflake passes the suite of every warehouse. Against the emulator: what that can't prove is in `tests/snowflake/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "snowflake/kit.rs"]
mod kit;

use std::sync::Arc;

use millrace_warehouse::Warehouse;

async fn fresh() -> ((), Arc<dyn Warehouse>) {
    ((), kit::fresh().warehouse)
}

millrace_warehouse::conformance!(fresh);
