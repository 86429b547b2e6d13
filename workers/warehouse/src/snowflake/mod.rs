//! Snowflake: many sessions, many writers.

pub mod key;
mod settings;

pub use settings::{Login, Protocol, Secret, SnowflakeSettings};
