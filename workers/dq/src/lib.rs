//! The dq worker: judges the data of a load and logs what it finds to `RAW.DATA_QUALITY_AUDIT`.
//!
//! What is expected stands in the contracts, and how it is measured in the crate `checks`. [`DqHandler`] judges by it
//! whatever a message names.

mod dry_run;
mod handler;
mod report;
mod together;
mod verdict;

pub use checks::{CheckPlan, ContractFault, compile};
pub use handler::DqHandler;
