//! How messages travel: the trait [`Bus`], and its implementations.
//!
//! At-least-once delivery, nothing lost: a message is safe before `publish` returns, and it stays
//! somewhere (waiting, delayed, in hand, dead) until a worker has acknowledged it.

pub mod amqp;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dead_letter;
mod delivery;
pub mod embedded;
mod error;
mod heard;
mod open;
mod retry;
mod settings;
mod traits;

pub use dead_letter::DeadLetter;
pub use delivery::{Delivery, Sender, Settle};
pub use error::BusError;
pub use open::open;
pub use retry::RetryPolicy;
pub use settings::BusSettings;
pub use traits::{Bus, Consumer, QueueDepth, Trouble};
