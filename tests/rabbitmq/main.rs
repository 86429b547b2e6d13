//! The platform over a real RabbitMQ, a process per role: the whole way, and what must hold whatever breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../harness/mod.rs"]
mod harness;

mod broken;
mod chaos;
mod dry_run;
mod fleet;
mod foreign;
mod overlap;
#[path = "../dry_run/told.rs"]
mod told;
mod way;
