//! Checks judge tables: one job, which reads them.

use std::collections::BTreeMap;

use messages::{CheckOutcome, CheckStatus, Envelope, Failure, Severity};
use serde_json::{Value, json};

use super::facets::{self, Facets};
use super::run::Kind;
use super::teller::Teller;
use crate::CheckSpec;
use crate::telemetry::unquoted;

impl Teller {
    pub(super) fn judged(&self, envelope: &Envelope, checks: &[CheckOutcome], failure: Option<&Failure>) -> Value {
        let mut tables: BTreeMap<&str, Vec<&CheckOutcome>> = BTreeMap::new();
        // A test of dbt's of which no table is known is about no dataset.
        for check in checks.iter().filter(|check| check.table.contains('.')) {
            tables.entry(&check.table).or_default().push(check);
        }
        let inputs = tables.into_iter().map(|(table, checks)| self.table(table, &checks)).collect();
        let run = self.run(envelope, "dq");
        match failure {
            None => run.event(Kind::Complete, inputs, Vec::new()),
            Some(why) => run.with("errorMessage", facets::error(why)).event(Kind::of(why), inputs, Vec::new()),
        }
    }

    /// A table and what the checks found of it.
    fn table(&self, table: &str, checks: &[&CheckOutcome]) -> Value {
        let (schema, name) = table.split_once('.').unwrap_or(("RAW", table));
        let specs: Vec<(&CheckOutcome, Option<&CheckSpec>)> =
            checks.iter().map(|check| (*check, self.spec(name, check))).collect();
        let kind = |check: &CheckOutcome, spec: Option<&CheckSpec>| match (check.kind.as_str(), spec) {
            ("", Some(spec)) => spec.kind.clone(),
            ("", None) => check.check.clone(),
            (kind, _) => kind.to_owned(),
        };
        let mut told = Vec::new();
        let (mut rows, mut nulls) = (None, BTreeMap::new());
        for (check, spec) in specs {
            let (kind, column) = (kind(check, spec), spec.and_then(column));
            match (kind.as_str(), &column) {
                ("row_count", _) => rows = rows.or_else(|| count(check)),
                ("null_share", Some(column)) => nulls.extend(check.failed_rows.map(|rows| (column.clone(), rows))),
                _ => {}
            }
            told.push(assertion(check, kind, column));
        }
        let mut dataset = self.names.table(schema, name, Facets::new());
        let mut input = Facets::new();
        input.insert("dataQualityAssertions".into(), facets::assertions(told));
        if rows.is_some() || !nulls.is_empty() {
            input.insert("dataQualityMetrics".into(), facets::metrics(rows, nulls.into_iter()));
        }
        dataset["inputFacets"] = input.into();
        dataset
    }

    /// The check as its contract declares it.
    fn spec(&self, table: &str, check: &CheckOutcome) -> Option<&CheckSpec> {
        let is = |spec: &&CheckSpec| match &spec.name {
            Some(name) => *name == check.check,
            None => usual_name(spec) == check.check,
        };
        self.contracts.table(table)?.checks.iter().find(is)
    }
}

fn assertion(check: &CheckOutcome, kind: String, column: Option<String>) -> Value {
    let severity = match check.severity {
        Severity::Warn => "warn",
        Severity::Error => "error",
    };
    let mut told = json!({
        "assertion": kind,
        "success": check.status == CheckStatus::Pass,
        "severity": severity,
        "name": check.check,
        "expected": check.expected,
        "actual": unquoted(&check.observed),
    });
    if let Some(column) = column {
        told["column"] = column.into();
    }
    told
}

/// The only column that a check is about.
fn column(spec: &CheckSpec) -> Option<String> {
    match columns(spec).as_slice() {
        [only] => Some(only.to_lowercase()),
        _ => None,
    }
}

fn columns(spec: &CheckSpec) -> Vec<&str> {
    match (spec.parameters.get("column"), spec.parameters.get("columns")) {
        (Some(Value::String(column)), _) => vec![column],
        (_, Some(Value::Array(columns))) => columns.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// What a check is called that has no name of its own: its kind, what it compares, and columns.
fn usual_name(spec: &CheckSpec) -> String {
    let text = |name: &str| spec.parameters.get(name).and_then(Value::as_str).map(|text| text.replace('.', "_"));
    let what: Vec<String> = ["metric", "with"].into_iter().filter_map(text).collect();
    std::iter::once(spec.kind.as_str())
        .chain(what.iter().map(String::as_str))
        .chain(columns(spec))
        .collect::<Vec<_>>()
        .join("_")
}

/// The number of rows that was seen.
fn count(check: &CheckOutcome) -> Option<u64> {
    match check.value {
        Some(value) if value >= 0.0 => Some(value as u64),
        _ => check.observed.split(' ').next()?.replace(',', "").parse().ok(),
    }
}
