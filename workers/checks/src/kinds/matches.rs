//! `matches {column, pattern}`: every value is, as a whole, as a regular expression says. Both warehouses must read it alike, so
//! it is written in what their dialects share (`pattern.rs`). A row without a value is not judged. `ignore_case` compares
//! without surrounding blanks, and each letter with its capital. Takes thresholds.

use warehouse::sql::literal;

use super::each_value::EachValue;
use super::{raw, text};
use crate::check::{Compile, Kind};
use crate::pattern::portable;
use crate::tolerance::Tolerance;

pub(super) const KIND: Kind = Kind {
    name: "matches",
    parameters: &["column", "pattern", "ignore_case", "max_failed_rows", "max_failed_share"],
    thresholds: &["max_failed_rows", "max_failed_share"],
    samples: true,
    no_gate: None,
    compile: COMPILE,
};

const COMPILE: Compile = |parameters, _| {
    let column = parameters.column("column")?;
    let given = parameters.text("pattern", "a regular expression, such as \"B-[0-9]{8}\"")?;
    let ignore_case = parameters.flag("ignore_case")?;
    let pattern = portable(given, ignore_case).map_err(|fault| format!("pattern {given:?}: {fault}"))?;
    let case = if ignore_case { ", in any case" } else { "" };
    let (must, plain) = (format!("is like {given}{case}"), like(&column, &pattern, ignore_case));
    Ok(Box::new(EachValue { column, must, plain, close: None, tolerance: Tolerance::read(parameters)? }))
};

/// A condition on rows as expected. REGEXP_REPLACE, because the functions that compare have other names on each warehouse.
fn like(column: &str, pattern: &str, ignore_case: bool) -> String {
    let value = if ignore_case { text(column) } else { raw(column) };
    let whole = literal(&format!("^({pattern})$"));
    format!("REGEXP_REPLACE({value}, {whole}, '') = ''")
}
