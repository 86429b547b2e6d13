//! The platform over a real RabbitMQ, a process per role: the whole way, and what must hold whatever breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../harness/mod.rs"]
mod harness;

mod broken;
mod chaos;
mod fleet;
mod foreign;
mod overlap;
mod way;
