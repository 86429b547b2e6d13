//! A source's contract: which files are its, which table they fill, and what is expected of the data.

mod arrival;
mod format;
mod surprises;

use messages::Severity;
use serde::{Deserialize, Serialize};
use warehouse::{Mode, TableSpec};

pub use arrival::Arrival;
pub use format::{Compression, Encoding, FileKind, Format};
pub use surprises::{Policy, RowPolicy, Surprises};

/// One file in `data/sources`: one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The source's name, as commands and dbt know it: letters, digits and `_`.
    pub source: String,
    /// What it is, for people.
    #[serde(default)]
    pub description: String,
    /// Who answers for it.
    #[serde(default)]
    pub owner: String,
    /// The table; the source's name in capitals if absent.
    #[serde(default)]
    pub table: Option<String>,
    /// Which files are its: globs over the path below the raw folder. `**/` stands for any folders or none, `*` stays
    /// within one part of the path.
    pub files: Vec<String>,
    /// How it delivers; `snapshot` if absent.
    #[serde(default = "snapshot")]
    pub mode: Mode,
    /// How its files are written.
    #[serde(default)]
    pub format: Format,
    /// What is done where a file is not what this contract says.
    #[serde(default)]
    pub surprises: Surprises,
    /// When it is expected to deliver; whenever it likes if absent.
    #[serde(default)]
    pub arrival: Option<Arrival>,
    /// Its columns. A file may have them in any order, and more of them.
    pub columns: Vec<Column>,
    /// The columns that name a row.
    #[serde(default)]
    pub keys: Vec<String>,
    /// What is expected of the data of each load.
    #[serde(default)]
    pub checks: Vec<CheckSpec>,
}

/// A column: its name alone, or with a description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// The name alone.
    Name(String),
    /// The name and what it means.
    Described {
        /// The name, as in the file's header.
        name: String,
        /// What it means, with its unit.
        #[serde(default)]
        description: String,
    },
}

/// A check as declared: what every kind has, and the kind's own parameters, which the dq worker reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// The kind, such as `null_share`.
    pub kind: String,
    /// Its name, unique within the contract; made from kind and columns if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How much it matters; `error` if absent.
    #[serde(default = "error")]
    pub severity: Severity,
    /// Whether it decides, before the rows become current, whether they may: one that does not pass holds the load back.
    #[serde(default)]
    pub gate: bool,
    /// The kind's own parameters.
    #[serde(flatten)]
    pub parameters: serde_json::Map<String, serde_json::Value>,
}

fn snapshot() -> Mode {
    Mode::Snapshot
}

fn error() -> Severity {
    Severity::Error
}

impl Column {
    /// The column's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Described { name, .. } => name,
        }
    }
}

impl Contract {
    /// The table that the source fills, in capitals.
    pub fn table(&self) -> String {
        self.table.as_deref().unwrap_or(&self.source).to_uppercase()
    }

    /// The table as the warehouse makes it.
    pub fn table_spec(&self) -> TableSpec {
        TableSpec {
            table: self.table(),
            columns: self.columns.iter().map(|column| column.name().to_lowercase()).collect(),
            mode: self.mode,
        }
    }

    /// What is wrong with it, in words for whoever wrote it; empty if nothing is.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !is_identifier(&self.source) {
            faults.push(format!("source {:?} must be letters, digits and _, and begin with a letter", self.source));
        }
        if !is_identifier(&self.table()) {
            faults.push(format!("table {:?} must be letters, digits and _, and begin with a letter", self.table()));
        }
        if RESERVED_TABLES.contains(&self.table().as_str()) {
            faults.push(format!("table {} is the platform's own; choose another name", self.table()));
        }
        if self.files.is_empty() {
            faults.push("files is empty: give at least one pattern, such as \"**/orders*.csv\"".into());
        }
        if self.columns.is_empty() {
            faults.push("columns is empty: name the columns of the file".into());
        }
        let names: Vec<String> = self.table_spec().columns;
        for (at, name) in names.iter().enumerate() {
            faults.extend(column_fault(name));
            if names[..at].contains(name) {
                faults.push(format!("column {name} stands twice"));
            }
        }
        for key in self.keys.iter().filter(|key| !names.contains(&key.to_lowercase())) {
            faults.push(format!("key {key:?} is no column of the contract"));
        }
        faults
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
