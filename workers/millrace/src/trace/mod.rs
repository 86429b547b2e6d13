//! `millrace trace`: which files and lines a number came from.

mod follow;
mod show;

use std::time::Duration;

use messages::Failure;
use runtime::lineage::graph::{Graph, Node, Start};
use runtime::{Contracts, Settings};
use warehouse::Ledger;

use crate::End;
use crate::cli::Trace;
use crate::output::{Output, counted};
use crate::platform;

/// Follows rows of a table to the loads, files and lines behind them.
pub async fn trace(settings: Settings, options: &Trace, output: &Output) -> Result<End, Failure> {
    let contracts = platform::read_contracts(&settings)?;
    let graph = read(&settings, &contracts)?;
    let node = graph.find(&options.table).ok_or_else(|| unknown(&options.table, &graph))?;
    let start = Start { keys: options.keys.clone(), kept: Vec::new() };
    let walk = graph.walk(node, &start).map_err(Failure::fatal)?;
    let ledger = Ledger::new(platform::open_to_look(&settings).await?);
    let traced = follow::follow(&ledger, &walk, options, settings.telemetry.trace_url.as_deref()).await;
    let _ = tokio::time::timeout(Duration::from_secs(5), ledger.warehouse().close()).await;
    let traced = traced?;
    output.value(&traced, |traced| show::show(traced, output))?;
    Ok(End::Good)
}

/// For `millrace check`: whether every model says where its rows come from.
pub fn check(settings: &Settings, contracts: Option<&Contracts>) -> Result<String, Failure> {
    let contracts = contracts.ok_or_else(|| Failure::fatal("not looked at: the contracts can't be read"))?;
    let graph = read(settings, contracts)?;
    if graph.faults().is_empty() {
        let models = graph.nodes().filter(|node| !node.is_source).count();
        return Ok(format!("{}, each says where its rows come from", counted(models, "model")));
    }
    Err(Failure::fatal(graph.faults().join("\n")))
}

fn read(settings: &Settings, contracts: &Contracts) -> Result<Graph, Failure> {
    Graph::read(&settings.transform.project, contracts).map_err(Failure::fatal)
}

/// Nothing is called so: what there is, the marts first.
fn unknown(name: &str, graph: &Graph) -> Failure {
    let mut nodes: Vec<&Node> = graph.nodes().collect();
    let layers = ["MARTS", "CORE", "STAGING", "RAW"];
    let place = |node: &&Node| layers.iter().position(|layer| *layer == node.schema).unwrap_or(0);
    nodes.sort_by_key(place);
    let known: Vec<String> = nodes.into_iter().map(Node::relation).collect();
    Failure::fatal(format!("nothing is called {name}: there are {}", known.join(", ")))
}

/// Takes `column=value`.
pub fn key(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_lowercase(), value.to_owned())),
        _ => Err("write column=value, or column= for rows that have no value there".into()),
    }
}
