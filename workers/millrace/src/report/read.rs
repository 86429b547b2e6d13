//! Reading it all from the warehouse, in SQL that DuckDB and Snowflake both take. What can't be read is missing in the report,
//! which says so: whoever wants to know how things stand wants it most when something is broken.

mod loads;
mod quality;
mod rejects;
mod row;

use chrono::{DateTime, Utc};
use runtime::Contracts;
use warehouse::{Ledger, Warehouse, WarehouseError};

use super::facts::Facts;
use super::lineage;
use crate::freshness;
use row::Row;

/// The part of time that the report is about.
type Range = (DateTime<Utc>, DateTime<Utc>);

/// Asks the warehouse, and keeps what went wrong.
struct Reader<'a> {
    warehouse: &'a dyn Warehouse,
    faults: Vec<String>,
}

impl Reader<'_> {
    /// The rows of a query, at most `max`, and whether there are more. None if it fails: `what` is missing then.
    async fn rows(&mut self, what: &str, sql: &str, max: usize) -> (Vec<Row>, bool) {
        match self.warehouse.query(sql, max).await {
            Ok(rows) => (rows.rows.into_iter().map(Row::new).collect(), rows.truncated),
            Err(error) => {
                self.fault(what, &error);
                (Vec::new(), false)
            }
        }
    }

    fn fault(&mut self, what: &str, error: &WarehouseError) {
        self.faults.push(format!("{what}: {error}"));
    }
}

/// All that the warehouse knows of the range.
///
/// # Errors
/// It can't be asked at all, or nothing was ever loaded.
pub async fn read(
    warehouse: std::sync::Arc<dyn Warehouse>,
    contracts: &Contracts,
    project: &std::path::Path,
    range: Range,
) -> Result<Facts, WarehouseError> {
    warehouse.query("SELECT COUNT(*) FROM RAW.RAW_LOAD_AUDIT", 1).await?;
    let mut reader = Reader { warehouse: warehouse.as_ref(), faults: Vec::new() };
    let (loads, is_cut) = reader.loads(range).await;
    let judged = reader.judged(range).await;
    let (checks, more_checks) = reader.checks(range, &judged).await;
    let (reject_groups, rejects) = (reader.reject_groups(range).await, reader.rejects(range).await);
    let (held, shapes, samples) = (reader.held(range).await, reader.shapes(range).await, reader.samples(range).await);
    let known = Ledger::new(warehouse.clone()).freshness().await.unwrap_or_else(|error| {
        reader.fault("freshness", &error);
        Vec::new()
    });
    let (mut graph, fault) = lineage::graph(project, contracts);
    reader.faults.extend(fault.map(|fault| format!("models: {fault}")));
    let names = graph.relations();
    let counts = reader.counts(&names).await;
    graph.count(&counts);
    Ok(Facts {
        warehouse: warehouse.system().to_owned(),
        made_at: range.1,
        since: range.0,
        loads,
        is_cut,
        sources: freshness::sources(contracts, &known, range.1),
        judged,
        checks,
        more_checks,
        reject_groups,
        rejects,
        held,
        shapes,
        samples,
        lineage: graph,
        faults: reader.faults,
        ..Facts::default()
    })
}
