//! What an operator and Kubernetes look at: metrics, and whether a process runs and can work.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod harness;

#[path = "health/asking.rs"]
mod asking;
#[path = "health/metrics.rs"]
mod metrics;
#[path = "health/port.rs"]
mod port;
#[path = "health/ready.rs"]
mod ready;
