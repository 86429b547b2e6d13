//! The dq worker: judges the data of a load and logs what it finds to `RAW.DATA_QUALITY_AUDIT`.
//!
//! What is expected stands in the contracts. [`compile`] reads it once and says what is wrong with it; [`DqHandler`] judges
//! by it whatever a message names. A kind of check is one file in `checks/` and one line in its registry.

mod check;
mod checks;
mod deliveries;
mod dry_run;
mod handler;
mod judge;
mod parameters;
mod plan;
mod report;
mod scan;
mod tolerance;
mod verdict;
mod words;

pub use checks::kinds;
pub use handler::DqHandler;
pub use plan::{CheckPlan, ContractFault, compile};
