//! From contracts to checks that can be run.

use std::sync::Arc;

use messages::{Failure, Severity};
use runtime::{CheckSpec, Contract, Contracts};
use serde_json::Value;
use warehouse::TableSpec;

use crate::check::{Check, Kind, Measure, Scope};
use crate::deliveries::Subject;
use crate::gate::TableGate;
use crate::kinds::{KINDS, kinds};
use crate::levels::levels;

/// The longest name of a check.
const MAX_NAME_CHARS: usize = 200;
/// Rows at fault that are kept of each check, where a contract does not say.
const SAMPLE_ROWS: u64 = 5;
/// And at most.
const MAX_SAMPLE_ROWS: u64 = 100;

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
    /// Whether it decides that the rows may become current.
    pub(crate) gate: bool,
    /// Rows at fault that are kept.
    pub(crate) sample_rows: u64,
    /// At least one; the gravest first.
    pub(crate) levels: Vec<Level>,
}

/// How much it matters if that is not as expected.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) severity: Severity,
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
    /// Which of the contract's checks it is, from 0.
    pub number: usize,
    /// What is wrong and what to write instead.
    pub fault: String,
}

/// Reads the checks of all contracts.
///
/// # Errors
/// All faults of all contracts together: an unknown kind, an unknown or missing parameter, a value out of its range, a
/// column or source that is not there, a name that stands twice, a gate that can be none.
pub fn compile(contracts: &Contracts) -> Result<CheckPlan, Vec<ContractFault>> {
    let (mut plan, mut faults) = (CheckPlan::default(), Vec::new());
    for contract in contracts.iter() {
        let mut checks: Vec<PlannedCheck> = Vec::new();
        for (number, spec) in contract.checks.iter().enumerate() {
            let name = spec.name.clone().unwrap_or_else(|| default_name(spec));
            let scope = Scope { name: &name, contract, contracts };
            let checked = match checks.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
                true => Err("another check has this name; give this one a name of its own".into()),
                false => named(&name).and_then(|()| planned(spec, &scope)),
            };
            match checked {
                Ok(check) => checks.push(check),
                Err(fault) => {
                    faults.push(ContractFault { source_name: contract.source.clone(), check: name, number, fault });
                }
            }
        }
        plan.tables.push(Arc::new(TablePlan { source: contract.source.clone(), table: contract.table_spec(), checks }));
    }
    if faults.is_empty() { Ok(plan) } else { Err(faults) }
}

fn planned(spec: &CheckSpec, scope: &Scope<'_>) -> Result<PlannedCheck, String> {
    let kind = KINDS.iter().find(|kind| kind.name == spec.kind);
    let kind = kind.ok_or_else(|| {
        format!("unknown kind {:?}: it is one of {}", spec.kind, kinds().collect::<Vec<_>>().join(", "))
    })?;
    if let (true, Some(why)) = (spec.gate, kind.no_gate) {
        return Err(format!("gate: {why}"));
    }
    let mut given = spec.parameters.clone();
    let sample_rows = sample_rows(given.shift_remove("sample_rows"), kind)?;
    let levels = levels(kind, spec.severity, given, scope)?;
    Ok(PlannedCheck { name: scope.name.into(), kind: kind.name, gate: spec.gate, sample_rows, levels })
}

fn sample_rows(given: Option<Value>, kind: &Kind) -> Result<u64, String> {
    match given {
        None => Ok(SAMPLE_ROWS),
        Some(_) if !kind.samples => {
            Err(format!("sample_rows: {} finds no rows of which some could be kept", kind.name))
        }
        Some(value) => value
            .as_u64()
            .filter(|rows| *rows <= MAX_SAMPLE_ROWS)
            .ok_or_else(|| format!("sample_rows must be a whole number from 0 to {MAX_SAMPLE_ROWS}, not {value}")),
    }
}

fn named(name: &str) -> Result<(), String> {
    let fits = !name.trim().is_empty() && name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control);
    fits.then_some(()).ok_or_else(|| format!("a check's name has 1 to {MAX_NAME_CHARS} visible characters"))
}

/// The kind, what it compares and the columns, such as `null_share_batch_id`.
fn default_name(spec: &CheckSpec) -> String {
    let text = |name: &str| spec.parameters.get(name).and_then(Value::as_str).map(|text| text.replace('.', "_"));
    let columns = match (text("column"), spec.parameters.get("columns")) {
        (Some(column), _) => vec![column],
        (_, Some(Value::Array(columns))) => columns.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let what = ["metric", "with"].into_iter().filter_map(text);
    std::iter::once(spec.kind.clone()).chain(what).chain(columns).collect::<Vec<_>>().join("_")
}

impl PlannedCheck {
    /// What it expects, in words.
    pub(crate) fn expected(&self) -> String {
        match self.levels.as_slice() {
            [level] => level.check.expected(),
            levels => {
                let level =
                    |level: &Level| format!("{}: {}", level.severity.as_str().to_lowercase(), level.check.expected());
                levels.iter().map(level).collect::<Vec<_>>().join("; ")
            }
        }
    }

    /// What must be measured, by level.
    pub(crate) fn measures(&self, subject: &Subject<'_>) -> Vec<Vec<Measure>> {
        self.levels.iter().map(|level| level.check.measures(subject)).collect()
    }

    pub(crate) fn may_fail(&self) -> bool {
        self.levels.iter().any(|level| level.check.may_fail())
    }
}

impl TablePlan {
    /// The table, as its contract describes it.
    pub fn table(&self) -> &TableSpec {
        &self.table
    }

    /// How many checks it has.
    pub fn len(&self) -> usize {
        self.checks.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty()
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
