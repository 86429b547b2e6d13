//! `millrace loads` and `millrace load`: where is this file, and what became of it?

mod list;
mod show;
mod state;

pub use state::State;

use std::time::Duration;

use messages::Failure;
use runtime::Settings;
use warehouse::Ledger;

use crate::End;
use crate::cli::{Load, Loads};
use crate::output::Output;
use crate::platform;

/// The newest loads, a line each.
pub async fn loads(settings: Settings, options: &Loads, output: &Output) -> Result<End, Failure> {
    let ledger = Ledger::new(platform::open_to_look(&settings).await?);
    list::list(&ledger, options.limit, output).await?;
    ledger.warehouse().close().await;
    Ok(End::Good)
}

/// One load, from its files to its verdict.
pub async fn load(settings: Settings, options: &Load, output: &Output) -> Result<End, Failure> {
    let ledger = Ledger::new(platform::open_to_look(&settings).await?);
    let trace_url = settings.telemetry.trace_url.as_deref();
    let end = show::show(&ledger, &options.load_id, trace_url, output).await;
    // The handle would close by itself; a tool that ends gives the file up at once.
    let _ = tokio::time::timeout(Duration::from_secs(5), ledger.warehouse().close()).await;
    end
}
