//! What a kind of check is.

use std::fmt::Debug;

use runtime::{Contract, Contracts};

use crate::deliveries::Subject;
use crate::parameters::Parameters;

/// A kind of check, as the registry knows it.
pub(crate) struct Kind {
    /// The name that contracts use.
    pub(crate) name: &'static str,
    /// The parameters that it takes.
    pub(crate) parameters: &'static [&'static str],
    /// Those of them that say how bad is too bad, and may be given once for `warn` and once for `error`.
    pub(crate) thresholds: &'static [&'static str],
    /// Whether it finds rows at fault, of which some can be kept.
    pub(crate) samples: bool,
    /// Why it can't decide whether rows become current, and what to do instead; `None` if it can.
    pub(crate) no_gate: Option<&'static str>,
    /// Reads the parameters. The error says what is wrong and what to write instead.
    pub(crate) compile: Compile,
}

/// Makes a check of a contract's parameters.
pub(crate) type Compile = fn(&Parameters<'_>, &Scope<'_>) -> Result<Box<dyn Check>, String>;

/// What a check may refer to.
pub(crate) struct Scope<'a> {
    /// The name it has in the audit.
    pub(crate) name: &'a str,
    /// The contract that declares it.
    pub(crate) contract: &'a Contract,
    /// All contracts.
    pub(crate) contracts: &'a Contracts,
}

/// A check, ready to be run.
pub(crate) trait Check: Debug + Send + Sync {
    /// What it expects, in words, with numbers and units.
    fn expected(&self) -> String;

    /// Whether its SQL may fail where that of the others can't: it is the contract's own, or reads what may not be there.
    fn may_fail(&self) -> bool {
        false
    }

    /// What must be measured to judge. Empty if nothing of the rows is needed, or if they can't be judged.
    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure>;

    /// Judges what was measured; the values stand in the order of [`Check::measures`].
    fn judge(&self, measured: &Measured<'_>, subject: &Subject<'_>) -> Result<Finding, String>;

    /// The rows at fault, for the kinds that can show some.
    fn failing(&self, _: &Subject<'_>) -> Option<Failing> {
        None
    }
}

/// A value to be measured: `SELECT <value> FROM <from>`, which must give one row. Values with the same `from` share one
/// scan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Measure {
    /// An aggregate, in SQL that DuckDB and Snowflake both take.
    pub(crate) value: String,
    /// What stands behind FROM.
    pub(crate) from: String,
}

/// Where rows at fault are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failing {
    /// Rows of the table: what stands behind FROM, with the rows called `R`.
    Rows(String),
    /// Whatever this query gives.
    Query(String),
}

/// What was measured for one check.
pub(crate) struct Measured<'a>(pub(crate) Vec<Option<&'a str>>);

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// How it ended.
    pub(crate) judgement: Judgement,
    /// What was seen, in words, with numbers. No row contents.
    pub(crate) observed: String,
    /// Rows that break it, if it counts rows.
    pub(crate) failed_rows: Option<u64>,
    /// The number that was measured, if there is one.
    pub(crate) value: Option<f64>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// As expected.
    Holds,
    /// Not as expected.
    Broken,
    /// There is nothing to compare with yet. Shown as a warning, whatever the severity: it is nobody's fault.
    NotJudged,
}

impl Measure {
    /// An aggregate over the rows that are judged; they are called `R`.
    pub(crate) fn over(subject: &Subject<'_>, value: impl Into<String>) -> Self {
        Self { value: value.into(), from: format!("{} R", subject.rows()) }
    }
}

impl Failing {
    /// The rows that are judged for which `condition` holds.
    pub(crate) fn among(subject: &Subject<'_>, condition: &str) -> Self {
        Self::Rows(format!("{} R WHERE {condition}", subject.rows()))
    }
}

impl Measured<'_> {
    /// The count at that place.
    pub(crate) fn count(&self, at: usize) -> Result<u64, String> {
        let text = self.text(at).ok_or("the warehouse gave no count")?;
        text.parse().map_err(|_| format!("the warehouse gave {text:?} as a count"))
    }

    /// The number at that place; `None` for NULL, and for what is no finite number.
    pub(crate) fn number(&self, at: usize) -> Result<Option<f64>, String> {
        let number = |text: &str| text.parse().map_err(|_| format!("the warehouse gave {text:?} as a number"));
        Ok(self.text(at).map(number).transpose()?.filter(|number: &f64| number.is_finite()))
    }

    /// The text at that place; `None` for NULL.
    pub(crate) fn text(&self, at: usize) -> Option<&str> {
        self.0.get(at).copied().flatten()
    }
}

impl Finding {
    /// Holds if `holds`.
    pub(crate) fn new(holds: bool, observed: impl Into<String>) -> Self {
        let judgement = if holds { Judgement::Holds } else { Judgement::Broken };
        Self { judgement, observed: observed.into(), failed_rows: None, value: None }
    }

    /// There is nothing to compare with yet.
    pub(crate) fn not_judged(why: impl std::fmt::Display) -> Self {
        Self { judgement: Judgement::NotJudged, ..Self::new(true, format!("not judged: {why}")) }
    }

    /// With the number that was measured.
    pub(crate) fn of(self, value: impl Into<Option<f64>>) -> Self {
        Self { value: value.into(), ..self }
    }

    /// With the rows at fault.
    pub(crate) fn rows(self, failed: u64) -> Self {
        Self { failed_rows: Some(failed), ..self }
    }
}
