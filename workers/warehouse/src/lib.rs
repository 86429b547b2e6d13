//! Where rows end: the trait [`Warehouse`] and its implementations, and the [`Ledger`] of what was loaded.
//!
//! The audit line is the commit point: a slice's rows and the line that says SUCCESS are written in one
//! transaction, and the views of `RAW` are computed from the lines. See `design.md` beside this crate.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod duckdb;
mod error;
mod gate;
pub mod layout;
mod ledger;
mod lines;
mod open;
mod remarks;
mod slice;
pub mod snowflake;
pub mod sql;
mod standing;
mod traits;

pub use error::WarehouseError;
pub use gate::{Gate, GateAnswer, GateVerdict};
pub use ledger::{Freshness, Held, Known, Ledger, RunState, SampleLine, taken_over};
pub use lines::{LoadLine, LoadStatus, QualityLine, QualityOrigin, StageLine, StageStatus};
pub use open::{Named, WarehouseSettings, open, open_read_only};
pub use remarks::{RejectedLine, ShapeLine};
pub use slice::{
    FileFacts, LoadOutcome, MAX_REJECTED_BYTES, MAX_REJECTED_ROWS, Mode, RejectedRow, RowSource, ShapeChange,
    ShapeKind, Slice, TableSpec,
};
pub use traits::{Lent, Rows, Warehouse};
