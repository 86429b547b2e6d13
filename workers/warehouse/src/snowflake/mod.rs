//! Snowflake: many sessions, many writers.

pub mod key;
pub mod objects;
mod settings;
pub mod setup;

pub use settings::{Login, Protocol, Secret, SnowflakeSettings};
