//! Where data comes from: `millrace trace` against real dbt and the files themselves, and the lineage that is sent to others.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[allow(dead_code)]
#[path = "../rabbitmq/fleet.rs"]
mod fleet;
#[path = "../harness/mod.rs"]
mod harness;
#[allow(dead_code)]
#[path = "../snowflake/mill.rs"]
mod mill;

mod away;
mod declared;
mod ended;
mod file;
mod marts;
mod receiver;
mod sent;
mod snowflake;
mod spec;
mod stale;
mod told;
