//! What goes wrong between us and Snowflake, at the emulator: every load ends whole or not at all, and once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod commit;
mod counts;
mod letting_in;
mod scene;
mod service;
mod sessions;
mod stage;
mod together;
