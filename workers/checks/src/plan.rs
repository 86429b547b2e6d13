//! From contracts to checks that can be run.

use std::sync::Arc;

use messages::{Failure, Severity};
use runtime::{CheckSpec, Contract, Contracts};
use serde_json::Value;
use warehouse::TableSpec;

use crate::check::{Check, Scope};
use crate::gate::TableGate;
use crate::kinds::{KINDS, kinds};
use crate::parameters::Parameters;

/// The longest name of a check.
const MAX_NAME_CHARS: usize = 200;

/// All checks of all contracts.
#[derive(Clone, Debug, Default)]
pub struct CheckPlan {
    pub(crate) tables: Vec<Arc<TablePlan>>,
}

/// The checks of one table.
#[derive(Debug)]
pub struct TablePlan {
    pub(crate) source: String,
    pub(crate) table: TableSpec,
    pub(crate) checks: Vec<PlannedCheck>,
}

/// A check with its name.
#[derive(Debug)]
pub(crate) struct PlannedCheck {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) severity: Severity,
    /// Whether it decides that the rows may become current.
    pub(crate) gate: bool,
    pub(crate) check: Box<dyn Check>,
}

/// What is wrong with a contract's check, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("contract {source_name}, check {check}: {fault}")]
pub struct ContractFault {
    /// The source, as its contract names it.
    pub source_name: String,
    /// The check's name, or its kind where the name can't be told.
    pub check: String,
    /// What is wrong and what to write instead.
    pub fault: String,
}

/// Reads the checks of all contracts.
///
/// # Errors
/// All faults of all contracts together: an unknown kind, an unknown or missing parameter, a value out of its range, a
/// column or source that is not there, a name that stands twice.
pub fn compile(contracts: &Contracts) -> Result<CheckPlan, Vec<ContractFault>> {
    let (mut plan, mut faults) = (CheckPlan::default(), Vec::new());
    for contract in contracts.iter() {
        let scope = Scope { contract, contracts };
        let mut checks: Vec<PlannedCheck> = Vec::new();
        for spec in &contract.checks {
            let name = spec.name.clone().unwrap_or_else(|| default_name(spec));
            let checked = match checks.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
                true => Err("another check has this name; give this one a name of its own".into()),
                false => named(&name).and_then(|()| check(spec, &scope)),
            };
            match checked {
                Ok((kind, check)) => {
                    checks.push(PlannedCheck { name, kind, severity: spec.severity, gate: spec.gate, check });
                }
                Err(fault) => faults.push(ContractFault { source_name: contract.source.clone(), check: name, fault }),
            }
        }
        plan.tables.push(Arc::new(TablePlan { source: contract.source.clone(), table: contract.table_spec(), checks }));
    }
    if faults.is_empty() { Ok(plan) } else { Err(faults) }
}

fn check(spec: &CheckSpec, scope: &Scope<'_>) -> Result<(&'static str, Box<dyn Check>), String> {
    let kind = KINDS.iter().find(|kind| kind.name == spec.kind);
    let kind = kind.ok_or_else(|| {
        format!("unknown kind {:?}: it is one of {}", spec.kind, kinds().collect::<Vec<_>>().join(", "))
    })?;
    if let (true, Some(why)) = (spec.gate, kind.no_gate) {
        return Err(format!("gate: {why}"));
    }
    Ok((kind.name, (kind.compile)(&Parameters::new(&spec.parameters, scope.contract, kind)?, scope)?))
}

fn named(name: &str) -> Result<(), String> {
    let fits = !name.trim().is_empty() && name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control);
    fits.then_some(()).ok_or_else(|| format!("a check's name has 1 to {MAX_NAME_CHARS} visible characters"))
}

/// The kind and the columns, such as `null_share_batch_id`.
fn default_name(spec: &CheckSpec) -> String {
    let columns = match (spec.parameters.get("column"), spec.parameters.get("columns")) {
        (Some(Value::String(column)), _) => vec![column.as_str()],
        (_, Some(Value::Array(columns))) => columns.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    std::iter::once(spec.kind.as_str()).chain(columns).collect::<Vec<_>>().join("_")
}

impl TablePlan {
    /// The table, as its contract describes it.
    pub fn table(&self) -> &TableSpec {
        &self.table
    }
}

impl CheckPlan {
    /// What decides whether rows of `source` may become current; `None` if its contract has no gate.
    pub fn gate(&self, source: &str) -> Option<TableGate> {
        TableGate::of(self.tables.iter().find(|table| table.source.eq_ignore_ascii_case(source))?)
    }

    /// How many checks there are.
    pub fn len(&self) -> usize {
        self.tables.iter().map(|table| table.checks.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tables of these sources, each once; all, if none is named.
    ///
    /// # Errors
    /// A name that no contract has: permanent, the asker's fault.
    pub fn named(&self, sources: &[String]) -> Result<Vec<Arc<TablePlan>>, Failure> {
        if sources.is_empty() {
            return Ok(self.tables.clone());
        }
        let is = |table: &TablePlan, name: &String| table.source.eq_ignore_ascii_case(name);
        if let Some(unknown) = sources.iter().find(|name| !self.tables.iter().any(|table| is(table, name))) {
            let known: Vec<&str> = self.tables.iter().map(|table| table.source.as_str()).collect();
            return Err(Failure::permanent(format!(
                "unknown source {unknown:?}: the contracts know {}; ask for one of these, or add a contract",
                known.join(", ")
            )));
        }
        Ok(self.tables.iter().filter(|table| sources.iter().any(|name| is(table, name))).cloned().collect())
    }
}

/// The contract called `source`, or the complaint that there is none.
pub(crate) fn contract_of<'a>(contracts: &'a Contracts, source: &str) -> Result<&'a Contract, String> {
    contracts.source(source).ok_or_else(|| {
        let known: Vec<&str> = contracts.iter().map(|contract| contract.source.as_str()).collect();
        format!("no contract describes source {source:?}; there are {}", known.join(", "))
    })
}
