//! What contracts expect of the data, as questions to the warehouse and as answers.
//!
//! [`compile`] reads the checks of all contracts once and says what is wrong with them. The dq worker [judges](judge) by
//! them what a load brought, after the models are built; the ingest worker asks those that are [gates](TableGate) before the
//! rows become current. A kind of check is one file in `kinds/` and one line in its registry.

mod check;
mod deliveries;
mod gate;
mod history;
mod judge;
mod kinds;
mod levels;
mod parameters;
mod pattern;
mod plan;
mod sample;
mod scan;
mod together;
mod tolerance;
mod words;

pub use deliveries::{Deliveries, Subject};
pub use gate::TableGate;
pub use judge::judge;
pub use kinds::kinds;
pub use plan::{CheckPlan, ContractFault, TablePlan, compile};
pub use sample::{Sample, samples};
pub use scan::Scans;
pub use together::Together;
