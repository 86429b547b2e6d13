//! `accepted_values {column, values}`: every value is one of a list. A row without a value is not judged. `ignore_case`
//! compares as STAGING does: without surrounding blanks and in capitals. Takes thresholds.

use serde_json::Value;
use warehouse::sql::literal;

use super::each_value::EachValue;
use super::{raw, text};
use crate::check::{Compile, Kind};
use crate::tolerance::Tolerance;

pub(super) const KIND: Kind = Kind {
    name: "accepted_values",
    parameters: &["column", "values", "ignore_case", "max_failed_rows", "max_failed_share"],
    thresholds: &["max_failed_rows", "max_failed_share"],
    samples: true,
    no_gate: None,
    compile: COMPILE,
};

/// Values that are named when the expectation is told.
const NAMED: usize = 8;

const COMPILE: Compile = |parameters, _| {
    let column = parameters.column("column")?;
    let ignore_case = parameters.flag("ignore_case")?;
    let values = parameters.required("values", "a list, such as [OPEN, CLOSED]")?;
    let values = values.as_array().filter(|values| !values.is_empty());
    let values = values.ok_or("values must be a list, such as [OPEN, CLOSED]")?;
    let values = values.iter().map(scalar).collect::<Result<Vec<_>, _>>()?;
    let (must, (plain, close)) = (must(&values, ignore_case), accepted(&column, &values, ignore_case));
    Ok(Box::new(EachValue { column, must, plain, close, tolerance: Tolerance::read(parameters)? }))
};

/// RAW holds text, so that 1 in a contract means the text 1.
fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(_) => {
            Err(format!("values: put {value} in quotes; without them its spelling in the file can't be told"))
        }
        _ => Err(format!("values must be a list of texts and numbers, {value} is neither")),
    }
}

/// Conditions on rows as expected: as they stand, and as STAGING reads them.
fn accepted(column: &str, values: &[String], ignore_case: bool) -> (String, Option<String>) {
    let accepted: Vec<String> = match ignore_case {
        true => values.iter().map(|value| literal(&value.trim().to_uppercase())).collect(),
        false => values.iter().map(|value| literal(value)).collect(),
    };
    let one = format!("IN ({})", accepted.join(", "));
    (format!("{} {one}", raw(column)), ignore_case.then(|| format!("UPPER({}) {one}", text(column))))
}

fn must(values: &[String], ignore_case: bool) -> String {
    let named = values[..values.len().min(NAMED)].join(", ");
    let more = values.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" or {more} more") } else { String::new() };
    let case = if ignore_case { ", in any case" } else { "" };
    format!("is one of {named}{more}{case}")
}
