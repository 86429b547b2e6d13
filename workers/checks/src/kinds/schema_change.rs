//! `schema_change {allow}`: the files of the load had the shape that the contract says. What was different was noted when they
//! were loaded (`RAW.SCHEMA_CHANGES`). `allow` lists what may be: `new_column`, `missing_column`, `reordered_columns`. A load that
//! brought nothing of the table has changed nothing.

use serde_json::Value;
use warehouse::ShapeKind;
use warehouse::sql::literal;

use crate::check::{Check, Compile, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;

pub(super) const KIND: Kind = Kind {
    name: "schema_change",
    parameters: &["allow"],
    thresholds: &[],
    samples: false,
    no_gate: Some("what a file's shape may be is decided while it is read; say quarantine under surprises instead"),
    compile: COMPILE,
};

/// Changes that are named.
const NAMED: usize = 10;

const COMPILE: Compile = |parameters, _| {
    let known = [ShapeKind::NewColumn, ShapeKind::MissingColumn, ShapeKind::ReorderedColumns].map(ShapeKind::as_str);
    let one = |value: &Value| {
        let word = value.as_str().map(str::to_uppercase);
        word.filter(|word| known.contains(&word.as_str())).ok_or_else(|| {
            format!("allow: {value} is no change; there are {}", known.map(str::to_lowercase).join(", "))
        })
    };
    let allow = match parameters.optional("allow") {
        None => Vec::new(),
        Some(Value::Array(list)) => list.iter().map(one).collect::<Result<_, _>>()?,
        Some(other) => return Err(format!("allow must be a list, such as [reordered_columns], not {other}")),
    };
    Ok(Box::new(SchemaChange { allow }))
};

#[derive(Debug)]
struct SchemaChange {
    allow: Vec<String>,
}

impl Check for SchemaChange {
    fn expected(&self) -> String {
        let allow = self.allow.iter().map(|word| words(word)).collect::<Vec<_>>().join(" or ");
        match self.allow.is_empty() {
            true => "the files have the contract's columns, in its order".into(),
            false => format!("the files have the contract's columns, in its order, but for {allow}"),
        }
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let Some(own) = subject.own_lines("C.") else { return Vec::new() };
        let allow: Vec<String> = self.allow.iter().map(|word| literal(word)).collect();
        let allow =
            if allow.is_empty() { String::new() } else { format!(" AND C.CHANGE NOT IN ({})", allow.join(", ")) };
        let from = format!("(SELECT DISTINCT C.CHANGE, C.COLUMN_NAME FROM RAW.SCHEMA_CHANGES C WHERE {own}{allow}) C");
        let named = "LISTAGG(C.CHANGE || ' ' || C.COLUMN_NAME, ';')".to_owned();
        vec![Measure { value: "COUNT(*)".into(), from: from.clone() }, Measure { value: named, from }]
    }

    fn judge(&self, measured: &Measured<'_>, subject: &Subject<'_>) -> Result<Finding, String> {
        if subject.own_lines("C.").is_none() {
            return Ok(Finding::new(true, "the load brought nothing of it").of(0.0));
        }
        let count = measured.count(0)?;
        let mut changes: Vec<String> =
            measured.text(1).unwrap_or_default().split(';').filter(|text| !text.is_empty()).map(words).collect();
        changes.sort();
        let more = changes.len().saturating_sub(NAMED);
        changes.truncate(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let observed = match count {
            0 => "no change".into(),
            1 => changes.join(", "),
            _ => format!("{count} changes: {}{more}", changes.join(", ")),
        };
        Ok(Finding::new(count == 0, observed).of(count as f64))
    }
}

/// `NEW_COLUMN x` as people say it.
fn words(change: &str) -> String {
    match change.split_once(' ') {
        Some((change, column)) => format!("{} {column}", words(change)),
        None => change.to_lowercase().replace('_', " "),
    }
}
