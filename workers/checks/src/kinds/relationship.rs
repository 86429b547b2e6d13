//! `relationship {column, to: "source.column"}`: every value is found in a column of another source (or of its own). The
//! other source's rows are those of the same load, if it brought any, else what `RAW` shows now; where the other source adds
//! file by file, always the latter. A row without a value is not judged. While the other source has never delivered, there is
//! nothing to look into, and the check warns that it could not judge. `ignore_case` compares as STAGING does: without
//! surrounding blanks and in capitals. Takes thresholds.

use warehouse::TableSpec;
use warehouse::sql::ident;

use super::{count_given, raw, text};
use crate::check::{Check, Compile, Failing, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
use crate::parameters::column_of;
use crate::plan::contract_of;
use crate::tolerance::Tolerance;

pub(super) const KIND: Kind = Kind {
    name: "relationship",
    parameters: &["column", "to", "ignore_case", "max_failed_rows", "max_failed_share"],
    thresholds: &["max_failed_rows", "max_failed_share"],
    samples: true,
    no_gate: None,
    compile: COMPILE,
};

const COMPILE: Compile = |parameters, scope| {
    let column = parameters.column("column")?;
    let to = parameters.text("to", "\"source.column\"")?;
    let ignore_case = parameters.flag("ignore_case")?;
    let tolerance = Tolerance::read(parameters)?;
    let (source, key) = to.split_once('.').ok_or_else(|| format!("to must be \"source.column\", not {to:?}"))?;
    let other = contract_of(scope.contracts, source).map_err(|fault| format!("to: {fault}"))?;
    let key = column_of(other, key).map_err(|fault| format!("to: {fault}"))?;
    let table = other.table_spec();
    Ok(Box::new(Relationship { column, source: other.source.clone(), table, key, ignore_case, tolerance }))
};

#[derive(Debug)]
struct Relationship {
    column: String,
    source: String,
    table: TableSpec,
    key: String,
    ignore_case: bool,
    tolerance: Tolerance,
}

impl Relationship {
    /// The rows whose value is not found, to stand behind FROM; `None` if the other source has never been delivered.
    fn orphans(&self, subject: &Subject<'_>) -> Option<String> {
        let other = subject.rows_of(&self.table)?;
        let key = format!("O.{}", ident(&self.key));
        let (own, key) = match self.ignore_case {
            true => (format!("UPPER(TRIM({}))", raw(&self.column)), format!("UPPER(TRIM({key}))")),
            false => (raw(&self.column), key),
        };
        let given = text(&self.column);
        Some(format!(
            "{} R WHERE {given} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {other} O WHERE {key} = {own})",
            subject.rows()
        ))
    }
}

impl Check for Relationship {
    fn expected(&self) -> String {
        self.tolerance.expected(format!("each {} is a {} of {}", self.column, self.key, self.source))
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let Some(from) = self.orphans(subject) else { return Vec::new() };
        let mut measures =
            vec![Measure { value: "COUNT(*)".into(), from }, Measure::over(subject, count_given(&self.column))];
        measures.extend(subject.deliveries_of(&self.table));
        measures
    }

    fn judge(&self, measured: &Measured<'_>, subject: &Subject<'_>) -> Result<Finding, String> {
        let never = match subject.deliveries_of(&self.table) {
            Some(_) => measured.count(2)? == 0,
            None => subject.rows_of(&self.table).is_none(),
        };
        if never {
            return Ok(Finding::not_judged(format!("{} has never been loaded", self.source)));
        }
        Ok(self.tolerance.judge(measured.count(0)?, measured.count(1)?))
    }

    fn failing(&self, subject: &Subject<'_>) -> Option<Failing> {
        self.orphans(subject).map(Failing::Rows)
    }
}
