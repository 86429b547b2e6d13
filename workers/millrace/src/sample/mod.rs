//! A sample of what a plant's systems export: materials, production orders and batches that fit together, with the faults
//! that real exports have. As large as you like: memory stays the same.
//!
//! The same rows and seed give the same bytes, on every machine and every day. A change that alters them changes the
//! committed sample too; a test says so.

mod batch;
mod faults;
mod file;
mod line;
mod material;
mod order;
mod plant;
mod prng;

use std::io;
use std::path::PathBuf;

use faults::Faults;
use file::SampleFile;
use line::Line;
use order::Plan;

/// The seed of the committed sample.
pub const DEFAULT_SEED: u64 = 42;

/// Rows between two calls of `progress`.
const PROGRESS_ROWS: u64 = 10_000;
/// Of so many batches one is delivered a second time, corrected.
const CORRECTED_EVERY: u64 = 200;

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleOptions {
    /// The folder for the three files; made if it is not there. Files of the same names are replaced.
    pub dir: PathBuf,
    /// Rows of `batches.csv`. The others follow: a tenth as many materials (at least 20), a quarter as many orders.
    pub rows: u64,
    /// Another seed, other data; the same seed, the same bytes.
    pub seed: u64,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleReport {
    /// The files: materials, production orders, batches.
    pub files: Vec<WrittenFile>,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its rows, without the header.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// Writes a sample. `progress` hears now and then how many rows of `batches.csv` are written.
///
/// The files appear under their names when all are complete: a watcher of the folder never finds half a file. When it
/// fails, nothing is left behind.
///
/// # Errors
/// The folder can't be made, or a file can't be written or renamed.
pub fn write(options: &SampleOptions, mut progress: impl FnMut(u64)) -> io::Result<SampleReport> {
    std::fs::create_dir_all(&options.dir)?;
    let corrections = options.rows / CORRECTED_EVERY;
    let plan = Plan::new(options.seed, options.rows, corrections);
    let faults = Faults::new(options.seed);
    let mut line = Line::default();

    let mut materials = SampleFile::create(&options.dir, "materials.csv", material::HEADER)?;
    for index in 0..plan.materials {
        material::Material::of(plan.seed, index).write(plan.seed, &faults, &mut line);
        materials.write(&mut line)?;
    }

    let mut orders = SampleFile::create(&options.dir, "production_orders.csv", order::HEADER)?;
    let mut batches = SampleFile::create(&options.dir, "batches.csv", batch::HEADER)?;
    let mut told = 0;
    for index in 0..plan.orders {
        if batches.rows - told >= PROGRESS_ROWS {
            told = batches.rows;
            progress(told);
        }
        let order = plan.order(index);
        order.write(&plan, &faults, &mut line);
        orders.write(&mut line)?;
        for batch in &order.batches {
            batch.write(&order, &plan, &faults, &mut line);
            batches.write(&mut line)?;
        }
        if let Some(earlier) = plan.corrected_after(index) {
            let order = plan.order(earlier);
            if let Some(batch) = order.batches.first() {
                batch.write_correction(&order, &mut line);
                batches.write(&mut line)?;
            }
        }
    }
    progress(batches.rows);

    // What others point to becomes visible first.
    let files = [materials, orders, batches].map(SampleFile::complete);
    let files = files.into_iter().collect::<io::Result<Vec<_>>>()?;
    Ok(SampleReport { files: files.into_iter().map(SampleFile::publish).collect::<io::Result<_>>()? })
}

#[cfg(test)]
mod tests;
