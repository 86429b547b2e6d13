//! A check's parameters, read strictly: what is misspelled would otherwise be a check that checks nothing.

use runtime::Contract;
use serde_json::{Map, Value};

use crate::check::Kind;

/// The parameters of one check.
pub(crate) struct Parameters<'a> {
    given: &'a Map<String, Value>,
    contract: &'a Contract,
    known: &'static [&'static str],
}

impl<'a> Parameters<'a> {
    /// The parameters `given` for a check of `contract`; a complaint about those that `kind` does not take.
    pub(crate) fn new(given: &'a Map<String, Value>, contract: &'a Contract, kind: &Kind) -> Result<Self, String> {
        match given.keys().find(|name| !kind.parameters.contains(&name.as_str())) {
            Some(name) => {
                Err(format!("unknown parameter {name:?}: {} takes {}", kind.name, kind.parameters.join(", ")))
            }
            None => Ok(Self { given, contract, known: kind.parameters }),
        }
    }

    /// What stands there, and `null` counts as nothing.
    pub(crate) fn optional(&self, name: &'static str) -> Option<&'a Value> {
        debug_assert!(self.known.contains(&name), "the kind does not list {name}");
        self.given.get(name).filter(|value| !value.is_null())
    }

    /// What stands there, or the complaint that it must be `what`.
    pub(crate) fn required(&self, name: &'static str, what: &str) -> Result<&'a Value, String> {
        self.optional(name).ok_or_else(|| format!("{name} is missing: give {what}"))
    }

    /// A column of the contract, in lower case.
    pub(crate) fn column(&self, name: &'static str) -> Result<String, String> {
        let value = self.required(name, "a column of the contract")?;
        self.known_column(name, value)
    }

    /// A column of the contract, if one is given.
    pub(crate) fn optional_column(&self, name: &'static str) -> Result<Option<String>, String> {
        self.optional(name).map(|value| self.known_column(name, value)).transpose()
    }

    /// Columns of the contract, at least one and each once.
    pub(crate) fn columns(&self, name: &'static str) -> Result<Vec<String>, String> {
        let value = self.required(name, "columns of the contract, such as [order_id]")?;
        let values = value.as_array().filter(|values| !values.is_empty());
        let values =
            values.ok_or_else(|| format!("{name} must be a list of columns, such as [order_id], not {value}"))?;
        let mut columns = Vec::new();
        for value in values {
            let column = self.known_column(name, value)?;
            if columns.contains(&column) {
                return Err(format!("{name} names {column} twice"));
            }
            columns.push(column);
        }
        Ok(columns)
    }

    /// A text that is not blank.
    pub(crate) fn text(&self, name: &'static str, what: &str) -> Result<&'a str, String> {
        let value = self.required(name, what)?;
        value
            .as_str()
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| format!("{name} must be {what}, not {value}"))
    }

    /// A whole number of rows, if one is given.
    pub(crate) fn optional_count(&self, name: &'static str) -> Result<Option<u64>, String> {
        let count =
            |value: &Value| value.as_u64().ok_or_else(|| format!("{name} must be a whole number from 0, not {value}"));
        self.optional(name).map(count).transpose()
    }

    /// A number, if one is given.
    pub(crate) fn optional_number(&self, name: &'static str) -> Result<Option<f64>, String> {
        let number = |value: &Value| {
            value
                .as_f64()
                .filter(|number| number.is_finite())
                .ok_or_else(|| format!("{name} must be a number, not {value}"))
        };
        self.optional(name).map(number).transpose()
    }

    /// A number from 0, if one is given.
    pub(crate) fn optional_size(&self, name: &'static str) -> Result<Option<f64>, String> {
        match self.optional_number(name)? {
            Some(number) if number < 0.0 => Err(format!("{name} must be at least 0, not {number}")),
            number => Ok(number),
        }
    }

    /// A text that is not blank, if one is given.
    pub(crate) fn optional_text(&self, name: &'static str, what: &str) -> Result<Option<&'a str>, String> {
        self.optional(name).map(|_| self.text(name, what)).transpose()
    }

    /// A share from 0 to 1.
    pub(crate) fn share(&self, name: &'static str) -> Result<f64, String> {
        share(name, self.required(name, "a share from 0 to 1, such as 0.05")?)
    }

    /// A share from 0 to 1, if one is given.
    pub(crate) fn optional_share(&self, name: &'static str) -> Result<Option<f64>, String> {
        self.optional(name).map(|value| share(name, value)).transpose()
    }

    /// A number above 0.
    pub(crate) fn positive(&self, name: &'static str, unit: &str) -> Result<f64, String> {
        let value = self.required(name, &format!("a number of {unit}"))?;
        value
            .as_f64()
            .filter(|number| *number > 0.0)
            .ok_or_else(|| format!("{name} must be a number of {unit} above 0, not {value}"))
    }

    /// Yes or no; no if nothing is given.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, String> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| format!("{name} must be true or false, not {value}"));
        self.optional(name).map_or(Ok(false), flag)
    }

    fn known_column(&self, name: &str, value: &Value) -> Result<String, String> {
        let text = value.as_str().ok_or_else(|| format!("{name} must be a column's name, not {value}"))?;
        column_of(self.contract, text).map_err(|fault| format!("{name}: {fault}"))
    }
}

/// The column of `contract` that is called `name`, in lower case.
pub(crate) fn column_of(contract: &Contract, name: &str) -> Result<String, String> {
    let column = name.to_lowercase();
    let columns = contract.table_spec().columns;
    if columns.contains(&column) {
        return Ok(column);
    }
    Err(format!("{name:?} is no column of source {}; it has {}", contract.source, columns.join(", ")))
}

fn share(name: &str, value: &Value) -> Result<f64, String> {
    let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("{name} must be a share from 0 to 1, such as 0.05 for 5 %, not {value}"))
}
