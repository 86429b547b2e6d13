//! Snowflake: many sessions, many writers.

mod settings;

pub use settings::{Login, Protocol, Secret, SnowflakeSettings};
