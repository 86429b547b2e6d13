//! What every worker needs: settings, contracts, the classes of failure and their retries, the loop around a
//! stage's queue, logs, health, and shutdown.

mod classify;
pub mod contract;
mod contracts;
pub mod health;
pub mod http;
pub mod lineage;
mod log;
pub mod observed;
pub mod pulse;
mod punctual;
pub mod raw_folder;
mod service;
pub mod settings;
mod stage;
pub mod telemetry;
mod worker_name;

pub use bus::RetryPolicy;
pub use classify::classify;
pub use contract::{
    Arrival, CheckSpec, Compression, Contract, Encoding, FileKind, Format, Policy, RowPolicy, Surprises,
};
pub use contracts::{ContractError, Contracts};
pub use log::{LogFormat, init_logs};
pub use punctual::{Punctuality, expected_from};
pub use service::Services;
pub use settings::{Settings, SettingsError};
pub use stage::{CancelSignal, Cancels, Handled, Handler, Patience, StageLoop, Work};
pub use telemetry::Telemetry;
pub use worker_name::worker_name;
