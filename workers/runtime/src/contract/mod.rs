//! A source's contract: which files are its, which table they fill, and what is expected of the data.

mod arrival;
mod column;
mod faults;
mod format;
mod headers;
mod place;
mod schema;
mod surprises;

use messages::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use warehouse::{Mode, TableSpec};

pub use arrival::Arrival;
pub use column::Column;
pub use faults::{Fault, column_fault};
pub use format::{Compression, Encoding, FileKind, Format};
pub use headers::{Headers, header_key};
pub(crate) use place::{Place, Places};
pub use schema::json_schema;
pub use surprises::{Policy, RowPolicy, Surprises};

/// One file in `data/sources`: one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    #[schemars(with = "schema::Mode")]
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
    /// Its columns. A file may have them in any order, and more of them, if `surprises` do not say otherwise.
    pub columns: Vec<Column>,
    /// The columns that name a row.
    #[serde(default)]
    pub keys: Vec<String>,
    /// What is expected of the data of each load.
    #[serde(default)]
    pub checks: Vec<CheckSpec>,
}

/// A check as declared: what every kind has, and the kind's own parameters, which the dq worker reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
}
