//! The ingest worker: a file becomes a slice, and the worker whose commit completes the set says so.

mod conclude;
pub mod csv;
mod decide;
mod dry_run;
mod handler;
mod load;
mod plan;
mod report;

pub use handler::IngestHandler;
