//! One trace from the file to the verdict: the whole tree of its spans, as a collector receives it from a process per
//! role, over both buses; and what becomes of loads where the collector is slow, dying or away.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[allow(dead_code)]
#[path = "../rabbitmq/fleet.rs"]
mod fleet;
#[path = "../harness/mod.rs"]
mod harness;

mod away;
mod failures;
mod foreign;
mod jaeger;
mod shared;
mod told;
mod way;
