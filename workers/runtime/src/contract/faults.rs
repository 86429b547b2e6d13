//! What is wrong with a contract, and where.

use std::fmt;

use warehouse::MAX_REJECTED_ROWS;

use super::{Compression, Contract, FileKind, Policy, RowPolicy};

/// Something wrong with a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field: the keys and indexes that lead to it, such as `surprises/bad_row/max_rows` or `columns/2`.
    pub field: String,
    /// What is wrong, in words for whoever wrote it.
    pub text: String,
}

impl Fault {
    pub(crate) fn new(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self { field: field.into(), text: text.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Contract {
    /// What is wrong with it; empty if nothing is.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.names(&mut faults);
        self.columns(&mut faults);
        self.format(&mut faults);
        self.without_header(&mut faults);
        self.surprises(&mut faults);
        self.arrival(&mut faults);
        faults
    }

    fn names(&self, faults: &mut Vec<Fault>) {
        if !is_identifier(&self.source) {
            let text = format!("source {:?} must be letters, digits and _, and begin with a letter", self.source);
            faults.push(Fault::new("source", text));
        }
        let table = self.table();
        if !is_identifier(&table) && (self.table.is_some() || is_identifier(&self.source)) {
            let text = format!("table {table:?} must be letters, digits and _, and begin with a letter");
            faults.push(Fault::new("table", text));
        }
        if RESERVED_TABLES.contains(&table.as_str()) {
            let field = if self.table.is_some() { "table" } else { "source" };
            faults.push(Fault::new(field, format!("table {table} is the platform's own; choose another name")));
        }
        if self.files.is_empty() {
            let text = "files is empty: give at least one pattern, such as \"**/orders*.csv\"";
            faults.push(Fault::new("files", text));
        }
    }

    fn columns(&self, faults: &mut Vec<Fault>) {
        if self.columns.is_empty() {
            faults.push(Fault::new("columns", "columns is empty: name the columns of the file"));
        }
        let names: Vec<String> = self.table_spec().columns;
        for (at, name) in names.iter().enumerate() {
            let field = format!("columns/{at}");
            faults.extend(column_fault(name).map(|text| Fault::new(&field, text)));
            if names[..at].contains(name) {
                faults.push(Fault::new(&field, format!("column {name} stands twice")));
            }
        }
        self.header_faults(faults);
        for (at, key) in self.keys.iter().enumerate() {
            let field = format!("keys/{at}");
            if !names.contains(&key.to_lowercase()) {
                faults.push(Fault::new(field, format!("key {key:?} is no column of the contract")));
            } else if self.keys[..at].iter().any(|other| other.eq_ignore_ascii_case(key)) {
                faults.push(Fault::new(field, format!("key {key} stands twice")));
            }
        }
    }

    fn format(&self, faults: &mut Vec<Fault>) {
        let format = &self.format;
        for (name, symbol) in [("delimiter", format.delimiter), ("quote", format.quote)] {
            if !symbol.is_ascii() || matches!(symbol, '\n' | '\r' | '\0') {
                let text = format!("{name} {symbol:?} must be one ASCII character and no line break");
                faults.push(Fault::new(format!("format/{name}"), text));
            }
        }
        if format.delimiter == format.quote {
            let text = format!("delimiter and quote are both {:?}: one of them must differ", format.quote);
            faults.push(Fault::new("format/quote", text));
        }
        if format.kind == FileKind::Parquet && !matches!(format.compression, Compression::Auto | Compression::None) {
            let text = "a Parquet file packs itself: leave compression out";
            faults.push(Fault::new("format/compression", text));
        }
        if !format.header && format.kind != FileKind::Csv {
            let text = "only CSV files can be without a header: the columns of others have names; leave header out";
            faults.push(Fault::new("format/header", text));
        }
    }

    /// What has nothing to go by where files do not name their columns.
    fn without_header(&self, faults: &mut Vec<Fault>) {
        if self.format.header || self.format.kind != FileKind::Csv {
            return;
        }
        for (at, column) in self.columns.iter().enumerate().filter(|(_, column)| !column.headers().is_empty()) {
            let text =
                format!("the files have no header (format.header), so column {} is called nothing", column.name());
            faults.push(Fault::new(format!("columns/{at}/header"), text + "; leave one of the two out"));
        }
        if self.surprises.new_column == Policy::Evolve {
            let text = "new_column can't be evolve: the files have no header (format.header) that names a new column";
            faults.push(Fault::new("surprises/new_column", text));
        }
    }

    fn surprises(&self, faults: &mut Vec<Fault>) {
        use Policy::{Accept, Evolve, Quarantine, Reject};
        let surprises = &self.surprises;
        for (name, policy, allowed) in [
            ("new_column", surprises.new_column, &[Accept, Evolve, Quarantine, Reject][..]),
            ("missing_column", surprises.missing_column, &[Accept, Quarantine, Reject]),
            ("reordered_columns", surprises.reordered_columns, &[Accept, Quarantine, Reject]),
            ("bad_row", surprises.bad_row.policy, &[Quarantine, Reject]),
            ("duplicate_key", surprises.duplicate_key.policy, &[Accept, Quarantine, Reject]),
            ("empty_file", surprises.empty_file, &[Accept, Quarantine, Reject]),
        ] {
            if !allowed.contains(&policy) {
                let words: Vec<&str> = allowed.iter().map(|policy| policy.as_str()).collect();
                let text = format!("{name} can't be {}: say {}", policy.as_str(), words.join(", "));
                faults.push(Fault::new(format!("surprises/{name}"), text));
            }
        }
        thresholds("bad_row", &surprises.bad_row, faults);
        thresholds("duplicate_key", &surprises.duplicate_key, faults);
        if surprises.duplicate_key.policy != Accept && self.keys.is_empty() {
            let text = "duplicate_key has nothing to go by: name the columns that name a row under `keys`";
            faults.push(Fault::new("surprises/duplicate_key", text));
        }
    }

    fn arrival(&self, faults: &mut Vec<Fault>) {
        let Some(arrival) = &self.arrival else { return };
        // Anything else is no length of time either, NaN among it.
        if !(arrival.every_hours > 0.0 && arrival.every_hours.is_finite()) {
            faults.push(Fault::new("arrival/every_hours", "every_hours must be more than 0"));
        }
        if !(arrival.grace_hours >= 0.0 && arrival.grace_hours.is_finite()) {
            faults.push(Fault::new("arrival/grace_hours", "grace_hours must be 0 or more"));
        }
    }
}

fn thresholds(name: &str, policy: &RowPolicy, faults: &mut Vec<Fault>) {
    if policy.max_rows > MAX_REJECTED_ROWS {
        let text = format!("max_rows is {}: at most {MAX_REJECTED_ROWS} rows of a file are kept", policy.max_rows);
        faults.push(Fault::new(format!("surprises/{name}/max_rows"), text));
    }
    if !(0.0..=1.0).contains(&policy.max_share) {
        let text = format!("max_share is {}: a share is 0 to 1", policy.max_share);
        faults.push(Fault::new(format!("surprises/{name}/max_share"), text));
    }
}

/// Tables of `RAW` that no contract may fill.
const RESERVED_TABLES: [&str; 9] = [
    "RAW_LOAD_AUDIT",
    "STAGE_AUDIT",
    "DATA_QUALITY_AUDIT",
    "REJECTED_ROWS",
    "SCHEMA_CHANGES",
    "QUALITY_SAMPLES",
    "COMPLETE_LOADS",
    "CURRENT_LOADS",
    "CURRENT_FILES",
];
/// Columns that the platform adds to every row.
const RESERVED_COLUMNS: [&str; 5] = ["load_id", "source_file", "source_row", "loaded_at", "command_id"];

/// Why a table can't have a column of that name, which is in lower case.
pub fn column_fault(name: &str) -> Option<String> {
    if !is_identifier(name) {
        let shown: String = name.chars().take(60).collect();
        return Some(format!("column {shown:?} must be letters, digits and _, and begin with a letter"));
    }
    RESERVED_COLUMNS.contains(&name).then(|| format!("column {name} is the platform's own; rename it in the file"))
}

/// Whether `name` can stand in SQL as it is, on every warehouse.
fn is_identifier(name: &str) -> bool {
    name.len() <= 120
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
