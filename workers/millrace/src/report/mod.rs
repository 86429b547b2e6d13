//! `millrace report`: one HTML file that shows how the plant's data is.
//!
//! It holds all it needs, runs nothing and asks nobody: no script, no font, no image, nothing fetched. Whatever it shows of files,
//! messages and errors was written by others, so it is escaped (by maud), cut, and stripped of what could pass for something else.

mod bounds;
mod facts;
mod lineage;
mod page;
mod read;
mod text;

use std::path::Path;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use messages::Failure;
use runtime::Settings;
use serde::Serialize;

use crate::End;
use crate::cli::Report;
use crate::output::Output;
use crate::platform;

/// How long the bus may take to tell of dead letters. One that is away is waited for elsewhere, not here.
const BUS: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Written {
    path: String,
    bytes: usize,
    loads: usize,
    /// Things that need somebody now.
    needs: usize,
    /// What could not be read, and is missing in the report.
    faults: Vec<String>,
}

pub async fn report(settings: Settings, options: &Report, output: &Output) -> Result<End, Failure> {
    let contracts = platform::read_contracts(&settings)?;
    let now = Utc::now();
    let since = TimeDelta::try_days(options.days.into()).and_then(|days| now.checked_sub_signed(days)).unwrap_or(now);
    let warehouse = platform::open_to_look(&settings).await?;
    let read = read::read(warehouse.clone(), &contracts, &settings.transform.project, (since, now)).await;
    // A tool that ends gives the file up at once, and the rest needs no warehouse.
    let _ = tokio::time::timeout(Duration::from_secs(5), warehouse.close()).await;
    let mut facts = read?;
    facts.days = options.days;
    facts.warehouse = described(&settings, &facts.warehouse);
    facts.trace_url = settings.telemetry.trace_url.clone();
    match dead(&settings).await {
        Ok(dead) => facts.dead = dead,
        Err(error) => facts.faults.push(format!("dead letters: {error}")),
    }
    let html = page::page(&facts).into_string();
    write(&options.out, &html)?;
    let written = Written {
        path: options.out.display().to_string(),
        bytes: html.len(),
        loads: facts.loads.len(),
        needs: facts.needs().len(),
        faults: facts.faults.clone(),
    };
    output.value(&written, |written| {
        output.note(&format!("wrote {} ({} KB); open it in a browser", written.path, written.bytes.div_ceil(1024)));
        for fault in &written.faults {
            output.note(&format!("{} {fault}", crate::output::warn("missing:")));
        }
    })?;
    Ok(End::Good)
}

/// Which warehouse, without secrets.
fn described(settings: &Settings, system: &str) -> String {
    match settings.warehouse.url.split_once(':') {
        Some(("duckdb", path)) => format!("DuckDB, {path}"),
        _ => {
            let set = ["SNOWFLAKE_ACCOUNT", "SNOWFLAKE_DATABASE"].map(|name| std::env::var(name).unwrap_or_default());
            format!("{system}, {}", set.join("/"))
        }
    }
}

/// The dead letters, or why they are not known.
async fn dead(settings: &Settings) -> Result<Vec<bus::DeadLetter>, String> {
    let ask = async {
        let bus = platform::open_bus(settings, "report").await.map_err(|failure| failure.message)?;
        bus.dead(None, bounds::DEAD_LETTERS).await.map_err(|error| error.to_string())
    };
    let asked = tokio::time::timeout(BUS, ask).await;
    asked.unwrap_or_else(|_| Err(format!("the bus gave no answer within {} s", BUS.as_secs())))
}

/// Under another name first: whoever opens it meanwhile sees the old report or the new one.
fn write(path: &Path, html: &str) -> Result<(), Failure> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let done = std::fs::write(&part, html).and_then(|()| std::fs::rename(&part, path));
    done.map_err(|error| {
        let _ = std::fs::remove_file(&part);
        Failure::fatal(format!("{} can't be written: {error}; name another file with --out", path.display()))
    })
}
