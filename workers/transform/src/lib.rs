//! The transform worker: slices become marts, by dbt.

mod builder;
pub mod dbt;
mod dry_run;
mod handler;
mod report;
mod rows;
mod tests_as_checks;
mod wish;

use std::sync::Arc;

use messages::Failure;
use runtime::{Contracts, Settings};
use warehouse::Ledger;

pub use builder::Builder;
pub use handler::TransformHandler;

use dbt::{Dbt, DbtSettings, DbtWarehouse};

/// The handler that the settings describe, with dbt warming up in the background.
///
/// # Errors
/// Python, dbt or the project is missing: fatal, and the text says what to do.
pub async fn open(
    settings: &Settings,
    contracts: Arc<Contracts>,
    ledger: Ledger,
    worker: String,
) -> Result<TransformHandler, Failure> {
    let dbt = Dbt::start(dbt_settings(settings)?).await.map_err(at_start)?;
    let builder = Builder::new(dbt, contracts);
    Ok(TransformHandler::new(builder, ledger, worker, settings.transform.together))
}

/// Whether dbt is there with what it needs for the warehouse, for `millrace check`: the versions, or what is missing.
///
/// # Errors
/// As [`open`].
pub async fn check(settings: &Settings) -> Result<String, Failure> {
    let cold = DbtSettings { warm: false, ..dbt_settings(settings)? };
    let dbt = Dbt::start(cold).await.map_err(at_start)?;
    dbt.probe().await.map_err(at_start)
}

fn at_start(error: dbt::DbtError) -> Failure {
    Failure::fatal(error.to_string())
}

fn dbt_settings(settings: &Settings) -> Result<DbtSettings, Failure> {
    Ok(DbtSettings {
        python: settings.transform.python.clone(),
        sidecar: settings.transform.sidecar.clone(),
        project_dir: settings.transform.project.clone(),
        warehouse: DbtWarehouse::of_url(&settings.warehouse.url).map_err(at_start)?,
        target_dir: settings.transform.target.clone(),
        timeout_secs: settings.transform.timeout_secs,
        warm: settings.transform.warm,
    })
}
