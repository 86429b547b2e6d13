//! `millrace sample`: manufacturing CSV files of any size.

use indicatif::{HumanBytes, ProgressBar};
use messages::Failure;
use serde_json::json;

use crate::End;
use crate::cli::Sample;
use crate::output::{Output, thousands};
use crate::sample::{self, SampleOptions};

pub fn write(options: &Sample, output: &Output) -> Result<End, Failure> {
    let bar = if output.is_terminal() { ProgressBar::new(options.rows) } else { ProgressBar::hidden() };
    let wanted = SampleOptions { dir: options.dir.clone(), rows: options.rows, seed: options.seed };
    let report = sample::write(&wanted, |rows| bar.set_position(rows)).map_err(|error| {
        Failure::fatal(format!("the sample can't be written to {}: {error}", options.dir.display()))
    })?;
    bar.finish_and_clear();
    let files: Vec<_> =
        report.files.iter().map(|file| json!({ "path": file.path, "rows": file.rows, "bytes": file.bytes })).collect();
    output.value(&files, |_| {
        for file in &report.files {
            let (rows, bytes) = (thousands(file.rows), HumanBytes(file.bytes));
            output.note(&format!("{}  {rows} rows, {bytes}", file.path.display()));
        }
    })?;
    Ok(End::Good)
}
