//! `reconcile {with: "CORE.CORE_BATCHES", compare: rows | keys | sum}`: what a model shows agrees with what `RAW` shows now of the
//! source: as many rows, as many different keys (as STAGING compares them: without surrounding blanks and in capitals), or the
//! same sum of a column's numbers. `max_difference` and `max_difference_share` (of what RAW has) say how far they may be apart;
//! without them not at all, but for rounding of sums.
//!
//! It is about what is current. While a newer load is, there is nothing to compare for the older one; and until the models were
//! built since the source was loaded, the check warns that it could not judge.

use warehouse::sql::{ident, literal};

use super::{number_of, raw, text};
use crate::check::{Check, Compile, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
use crate::parameters::Parameters;
use crate::words::{number, percent, rounded};

pub(super) const KIND: Kind = Kind {
    name: "reconcile",
    parameters: &[
        "with",
        "compare",
        "column",
        "columns",
        "with_column",
        "with_columns",
        "max_difference",
        "max_difference_share",
    ],
    thresholds: &["max_difference", "max_difference_share"],
    samples: false,
    no_gate: Some("a gate is asked before the models are built, so there is nothing to compare with; leave gate out"),
    compile: COMPILE,
};

/// What two sums of the same numbers may differ by, added up in another order.
const ROUNDING: f64 = 1e-9;

const COMPILE: Compile = |parameters, scope| {
    let with = parameters.text("with", "the model, such as \"CORE.CORE_BATCHES\"")?;
    let relation = match with.split('.').collect::<Vec<_>>().as_slice() {
        [schema, name] if !schema.trim().is_empty() && !name.trim().is_empty() => {
            (schema.trim().to_owned(), name.trim().to_owned())
        }
        _ => return Err(format!("with must be schema and model, such as \"CORE.CORE_BATCHES\", not {with:?}")),
    };
    let compare = match parameters.optional_text("compare", "rows, keys or sum")?.unwrap_or("keys") {
        "rows" => Compare::Rows,
        "keys" => {
            let keys = scope.contract.keys.iter().map(|key| key.to_lowercase()).collect::<Vec<_>>();
            let own = if parameters.optional("columns").is_some() { parameters.columns("columns")? } else { keys };
            if own.is_empty() {
                return Err("columns is missing, and the contract has no keys: name the columns to compare".into());
            }
            let other = names(parameters, "with_columns")?.unwrap_or_else(|| own.clone());
            if other.len() != own.len() {
                return Err(format!("with_columns must name {} columns, as columns does", own.len()));
            }
            Compare::Keys { own, other }
        }
        "sum" => {
            let own = parameters.column("column")?;
            let other = parameters.optional_text("with_column", "a column of the model")?;
            let other = other.map_or_else(|| own.clone(), str::to_owned);
            Compare::Sum { own, other }
        }
        other => return Err(format!("compare must be rows, keys or sum, not {other:?}")),
    };
    let max = parameters.optional_size("max_difference")?;
    let (source, max_share) = (scope.contract.source.clone(), parameters.optional_share("max_difference_share")?);
    Ok(Box::new(Reconcile { source, relation, compare, max, max_share }))
};

fn names(parameters: &Parameters<'_>, name: &'static str) -> Result<Option<Vec<String>>, String> {
    let Some(value) = parameters.optional(name) else { return Ok(None) };
    let list = value.as_array().filter(|list| !list.is_empty());
    let texts = list.and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
    texts.map(Some).ok_or_else(|| format!("{name} must be a list of columns of the model, not {value}"))
}

#[derive(Debug)]
enum Compare {
    Rows,
    Keys { own: Vec<String>, other: Vec<String> },
    Sum { own: String, other: String },
}

#[derive(Debug)]
struct Reconcile {
    source: String,
    relation: (String, String),
    compare: Compare,
    max: Option<f64>,
    max_share: Option<f64>,
}

impl Reconcile {
    fn name(&self) -> String {
        format!("{}.{}", self.relation.0.to_uppercase(), self.relation.1.to_uppercase())
    }

    fn what(&self) -> String {
        match &self.compare {
            Compare::Rows => "rows".into(),
            Compare::Keys { own, .. } => format!("different {}", own.join(" and ")),
            Compare::Sum { own, .. } => format!("in the sum of {own}"),
        }
    }
}

/// How many different values there are in `columns`, of those rows that have one in each.
fn different(rows: &str, columns: &[String]) -> Measure {
    let values: Vec<String> = columns.iter().map(|value| format!("UPPER({value})")).collect();
    let whole: Vec<String> = columns.iter().map(|value| format!("{value} IS NOT NULL")).collect();
    let names: Vec<String> = values.iter().enumerate().map(|(at, value)| format!("{value} AS K{at}")).collect();
    let from = format!("(SELECT DISTINCT {} FROM {rows} R WHERE {}) D", names.join(", "), whole.join(" AND "));
    Measure { value: "COUNT(*)".into(), from }
}

impl Check for Reconcile {
    fn expected(&self) -> String {
        let limits = [self.max.map(number), self.max_share.map(percent)];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        let limits =
            if limits.is_empty() { String::new() } else { format!(", but for at most {}", limits.join(" and ")) };
        format!("{} has as many {} as RAW{limits}", self.name(), self.what())
            .replace("as many in the sum", "as much in the sum")
    }

    fn may_fail(&self) -> bool {
        true
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        if subject.newest().is_none() || subject.is_overtaken() {
            return Vec::new();
        }
        let own = subject.current_rows();
        let other = format!("{}.{}", ident(&self.relation.0), ident(&self.relation.1));
        let of_model = |name: &String| format!("NULLIF(TRIM(CAST({} AS VARCHAR)), '')", raw(name));
        let count = |rows: &str| Measure { value: "COUNT(*)".into(), from: format!("{rows} R") };
        let sum = |rows: &str, value: String| {
            let value = format!("COALESCE(SUM({}), 0)", number_of(&value));
            Measure { value, from: format!("{rows} R") }
        };
        let [one, two] = match &self.compare {
            Compare::Rows => [count(&own), count(&other)],
            Compare::Keys { own: keys, other: names } => [
                different(&own, &keys.iter().map(|name| text(name)).collect::<Vec<_>>()),
                different(&other, &names.iter().map(of_model).collect::<Vec<_>>()),
            ],
            Compare::Sum { own: column, other: name } => [sum(&own, text(column)), sum(&other, of_model(name))],
        };
        // A build for this load, or one of this source (or of all, which names none) that began after it was last loaded.
        let builds = format!(
            "RAW.STAGE_AUDIT B WHERE B.STAGE = 'transform' AND B.STATUS = 'SUCCESS' AND (B.LOAD_ID = {} OR \
            ((B.ANNOUNCED NOT LIKE '%\"sources\":[\"%' OR \
            POSITION({} IN SPLIT_PART(SPLIT_PART(LOWER(B.ANNOUNCED), '\"sources\":[', 2), ']', 1)) > 0) AND B.STARTED_AT >= \
            (SELECT MAX(L.FINISHED_AT) FROM RAW.RAW_LOAD_AUDIT L WHERE L.STATUS = 'SUCCESS' AND L.TABLE_NAME = {})))",
            subject.load_id(),
            literal(&format!("\"{}\"", self.source.to_lowercase())),
            literal(&subject.table().table)
        );
        vec![one, two, Measure { value: "COUNT(*)".into(), from: builds }]
    }

    fn judge(&self, measured: &Measured<'_>, subject: &Subject<'_>) -> Result<Finding, String> {
        if subject.newest().is_none() {
            return Ok(Finding::not_judged("nothing was ever delivered"));
        }
        if subject.is_overtaken() {
            return Ok(Finding::new(true, "not compared: a newer load is current"));
        }
        if measured.count(2)? == 0 {
            return Ok(Finding::not_judged("the models were not built since it was loaded"));
        }
        let [own, other] = [0, 1].map(|at| measured.number(at));
        let (own, other) = (own?.ok_or("RAW gave no number")?, other?.ok_or("the model gave no number")?);
        let difference = other - own;
        let size = difference.abs();
        let exact = self.max.is_none() && self.max_share.is_none();
        let rounding =
            if matches!(self.compare, Compare::Sum { .. }) { own.abs().max(other.abs()) * ROUNDING } else { 0.0 };
        let share = if own == 0.0 { f64::from(size != 0.0) } else { size / own.abs() };
        let holds = match exact {
            true => size <= rounding,
            false => {
                self.max.is_none_or(|max| size <= max.max(rounding)) && self.max_share.is_none_or(|max| share <= max)
            }
        };
        let observed = format!("{} against {} in RAW", rounded(other), rounded(own));
        let apart = if size <= rounding { String::new() } else { format!(" ({} apart)", rounded(size)) };
        Ok(Finding::new(holds, format!("{observed}{apart}")).of(difference))
    }
}
