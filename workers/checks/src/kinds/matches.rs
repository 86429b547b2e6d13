//! `matches {column, pattern}`: every value is, as a whole, as a regular expression says. Both warehouses must read it alike, so
//! it is written in what their dialects share (`pattern.rs`). A row without a value is not judged. `ignore_case` compares
//! without surrounding blanks, and each letter with its capital. Takes thresholds.

use warehouse::sql::literal;

use super::{count_if, given, raw, text};
use crate::check::{Check, Compile, Failing, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
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
    let tolerance = Tolerance::read(parameters)?;
    Ok(Box::new(Matches { column, given: given.into(), pattern, ignore_case, tolerance }))
};

#[derive(Debug)]
struct Matches {
    column: String,
    /// As the contract has it.
    given: String,
    /// As both warehouses read it.
    pattern: String,
    ignore_case: bool,
    tolerance: Tolerance,
}

impl Matches {
    /// A condition on rows at fault. REGEXP_REPLACE, because the functions that compare have other names on each warehouse.
    fn fault(&self) -> String {
        let text = text(&self.column);
        let value = if self.ignore_case { text.clone() } else { raw(&self.column) };
        let whole = literal(&format!("^({})$", self.pattern));
        format!("REGEXP_REPLACE({value}, {whole}, '') <> '' AND {text} IS NOT NULL")
    }
}

impl Check for Matches {
    fn expected(&self) -> String {
        let case = if self.ignore_case { ", in any case" } else { "" };
        self.tolerance.expected(format!("each {} is like {}{case}", self.column, self.given))
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let judged = count_if(&given(&self.column));
        vec![Measure::over(subject, count_if(&self.fault())), Measure::over(subject, judged)]
    }

    fn judge(&self, measured: &Measured<'_>, _: &Subject<'_>) -> Result<Finding, String> {
        Ok(self.tolerance.judge(measured.count(0)?, measured.count(1)?))
    }

    fn failing(&self, subject: &Subject<'_>) -> Option<Failing> {
        Some(Failing::among(subject, &self.fault()))
    }
}
