//! Snowflake: many sessions, many writers.

mod parts;
mod settings;
pub mod stage;

pub use parts::Part;
pub use settings::{Login, Protocol, Secret, SnowflakeSettings};
