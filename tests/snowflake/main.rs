//! The platform over RabbitMQ and the emulator of Snowflake, a process per role. What an emulator can't prove, README.md tells.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../rabbitmq/fleet.rs"]
#[allow(dead_code)]
mod fleet;
#[path = "../harness/mod.rs"]
mod harness;

mod golden;
mod killed;
mod measure;
mod mill;
mod secrets;
mod tools;
mod way;
