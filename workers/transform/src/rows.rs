//! How many rows the models have that a build made, for whoever looks at its trace.

use std::collections::HashMap;

use tracing::Span;
use warehouse::Ledger;

use crate::dbt::{BuildReport, NodeResult, NodeStatus};

/// Materialisations that have rows of their own: to count those of a view is to run it.
const TABLES: [&str; 4] = ["table", "incremental", "seed", "snapshot"];

/// Rows by the node's unique id. Both warehouses count a table's rows without reading it. Nothing is counted where nobody
/// records the build, and what can't be counted is left away: it is told, and nothing depends on it.
pub(crate) async fn of(ledger: &Ledger, report: &BuildReport) -> HashMap<String, u64> {
    let counted: Vec<(&NodeResult, &str)> = report.nodes.iter().filter_map(|node| Some((node, table(node)?))).collect();
    if counted.is_empty() || !runtime::telemetry::context::is_recorded(&Span::current()) {
        return HashMap::new();
    }
    let counts: Vec<String> = counted
        .iter()
        .enumerate()
        .map(|(at, (_, relation))| format!("SELECT {at} AS N, COUNT(*) AS C FROM {relation}"))
        .collect();
    let Ok(rows) = ledger.warehouse().query(&counts.join(" UNION ALL "), counted.len()).await else {
        return HashMap::new();
    };
    let number = |value: Option<&Option<String>>| value?.as_ref()?.parse::<u64>().ok();
    let found = rows.rows.iter().filter_map(|row| {
        let (node, _) = counted.get(usize::try_from(number(row.first())?).ok()?)?;
        Some((node.unique_id.clone(), number(row.get(1))?))
    });
    found.collect()
}

/// The table that the node made.
fn table(node: &NodeResult) -> Option<&str> {
    let made = node.status == NodeStatus::Success && TABLES.contains(&node.materialization.as_deref()?);
    node.relation.as_deref().filter(|_| made)
}
