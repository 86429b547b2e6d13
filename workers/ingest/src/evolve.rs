//! Tables that follow their files: a column that a file has beside its contract is added before the file is loaded.

use messages::{Failure, FailureClass, SourceFileDiscovered};
use runtime::{Contract, Policy};
use warehouse::TableSpec;

use crate::{IngestHandler, report, rows};

/// Adds to `table`, and to the table in the warehouse, what the file has beside its contract, where the contract says so; the
/// answer is what was added. A file that can't be looked at is left to the load, which meets the same fault, unless it was loaded
/// before.
///
/// # Errors
/// The warehouse can't add a column, or not now.
pub(crate) async fn widened(
    handler: &IngestHandler,
    file: &SourceFileDiscovered,
    contract: &Contract,
    table: &mut TableSpec,
) -> Result<Vec<String>, Failure> {
    if contract.surprises.new_column != Policy::Evolve {
        return Ok(Vec::new());
    }
    let (root, looked_at, of) = (handler.root.clone(), file.clone(), contract.clone());
    let looked = tokio::task::spawn_blocking(move || rows::added_columns(&root, &looked_at, &of)).await;
    let added = match looked {
        Ok(Ok(added)) => added,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the file can't be looked at before it is loaded");
            Vec::new()
        }
        Err(error) => return Err(Failure::transient(format!("a task ended early: {error}"))),
    };
    if added.is_empty() {
        return Ok(added);
    }
    table.columns.extend(added.iter().cloned());
    handler.ledger.warehouse().prepare(std::slice::from_ref(table)).await.map_err(|error| {
        let failure = Failure::from(error);
        let about = format!("RAW.{} could not be given the columns {} of {}", table.table, added.join(", "), file.uri);
        // It is this file that asks for it: the others go on.
        let class = if failure.class == FailureClass::Fatal { FailureClass::Permanent } else { failure.class };
        Failure { class, ..failure }.context(about)
    })?;
    report::widened(table, &added);
    Ok(added)
}
