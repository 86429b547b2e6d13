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
//!
//! # Measured
//! A file of 1,002 MB, 7.3 M rows of 15 columns, on two cores that others used too: 6 parts of 225 MB together (22 % of
//! the file), 113 MB of the file per second of processor beyond what making the batches takes, and 48 MB of memory
//! beyond it; 60 MB with a storage that takes 0.4 s for a piece. `cargo test -p millrace-warehouse --release --lib
//! a_gigabyte -- --ignored --nocapture` (the numbers here and below are of `--config
//! profile.dev.package.millrace-warehouse.opt-level=3` in place of `--release`).
//!
//! gzip, per second of one core, and the size against the CSV that goes in; the sample's batches, over and over
//! (`cargo test -p millrace-warehouse --release --lib levels -- --ignored --nocapture`). The line of miniz_oxide, another
//! backend of `flate2`, was measured by a program of its own, which is not kept:
//!
//! | level | 1 | 2 | 3 | 4 | 5 | 6 |
//! |---|---|---|---|---|---|---|
//! | zlib-rs | 347 MB, 34.8 % | 194 MB, 26.2 % | **151 MB, 24.5 %** | 99 MB, 23.5 % | 88 MB, 23.0 % | 49 MB, 22.7 % |
//! | miniz_oxide | 220 MB, 29.4 % | 161 MB, 25.9 % | 78 MB, 23.7 % | 68 MB, 23.1 % | 49 MB, 22.8 % | 22 MB, 22.3 % |
//!
//! Level 3 of zlib-rs: level 1 sends 40 % more, level 6 takes three times as long to send 7 % less. Two cores make
//! more than an uplink of 400 Mbit/s carries.

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
