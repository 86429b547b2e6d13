//! A source's rows as compressed parts: CSV that COPY reads back unchanged.
//!
//! ```text
//! read-rows ──chunks of CSV──▶ compress-rows (some) ──pieces of gzip──▶ upload
//! ```
//!
//! The reader parses and writes CSV, so that a chunk's size is known whatever the rows are. Each compressing thread
//! fills a part of its own: row order is of no account, because every row carries its SOURCE_ROW. What waits between
//! the threads is bounded twice: [`WAITING_CHUNKS`] of CSV, and as many pieces as the budget has permits, whichever
//! side is the slower one.

mod compress;
mod csv;
mod reading;
#[cfg(test)]
pub(super) mod tests;

pub(super) use compress::{Budget, Compressing, Limits, Opened, Piece};
pub(super) use reading::{Chunk, Reading};

/// The CSV that is handed over at once, in bytes; one row may make it longer.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that wait for a compressing thread. A file that fits in here is one part and costs one request.
const WAITING_CHUNKS: usize = 16;

/// A part as it lies on the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its file name, `part_00001.csv.gz` and so on.
    pub name: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size as it lies there, compressed.
    pub bytes: u64,
}

/// The name of the part with this number, counted from 1.
fn name(number: u32) -> String {
    format!("part_{number:05}.csv.gz")
}
