//! The ingest worker: a file becomes a slice, and the worker whose commit completes the set says so.

mod conclude;
mod decide;
mod dry_run;
mod evolve;
mod handler;
mod load;
mod plan;
pub mod read;
mod report;
mod rows;

pub use handler::IngestHandler;
