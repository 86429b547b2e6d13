//! Which rows of which table a row was made of: what the models of the dbt project say of that themselves.
//!
//! A model's YAML declares, for each parent that its SQL reads, how a row of it leads to rows of the parent:
//!
//! ```yaml
//! config:
//!   meta:
//!     millrace:
//!       from:
//!         core_batches: [batch_id, load_id, source_file, source_row]   # these columns are the same in both
//!         core_production_orders: "order_status = 'COMPLETED' and material_id = {material_id}"
//!       not_traced: what a row holds besides, in words
//! ```
//!
//! In a condition bare names are the parent's columns, and names in braces the row's own.

mod condition;
mod project;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;

pub use condition::Condition;
pub use walk::{Level, Start, Walk};

use crate::Contracts;

/// The columns that say where a row came from, as the platform names them in RAW and the models carry them on.
pub const ORIGIN: [&str; 3] = ["load_id", "source_file", "source_row"];

/// When the load wrote the row: with [`ORIGIN`] it names a row of `RAW_RUN` whatever was loaded again since.
pub const LOADED_AT: &str = "loaded_at";

/// A table of the warehouse: a model, or what a source delivers.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// dbt's name of it: `core_batches`, or `raw.batches` of a source.
    pub name: String,
    /// Its schema, in capitals.
    pub schema: String,
    /// Its name there, in capitals.
    pub table: String,
    /// What it is, for people.
    pub description: String,
    /// Its columns as declared, in lower case, with what they mean; none if nobody declared them.
    pub columns: Vec<(String, String)>,
    /// The nodes that its SQL reads.
    pub parents: Vec<String>,
    /// How its rows lead to rows of its parents.
    pub from: Vec<Way>,
    /// What a row holds that these ways do not lead to, in words.
    pub not_traced: Option<String>,
    /// Whether it is what a source delivers.
    pub is_source: bool,
}

/// How a row leads to rows of a parent.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// The parent's name.
    pub to: String,
    /// Which of its rows.
    pub condition: Condition,
}

/// The models of a dbt project and the sources that they read.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: BTreeMap<String, Node>,
    faults: Vec<String>,
}

impl Graph {
    /// Reads the project in `folder`. What it says of sources is completed by their contracts.
    ///
    /// # Errors
    /// A file that can't be read or is no YAML; the text names it. What is wrong with a model's lineage alone is told by
    /// [`faults`](Self::faults).
    pub fn read(folder: &Path, contracts: &Contracts) -> Result<Self, String> {
        project::read(folder, contracts)
    }

    /// What is wrong with what models say of their lineage, each with what to write; empty if nothing is.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The node of this name: dbt's (`core_batches`, `raw.batches`), or the table's (`MARTS.X`), in any case.
    pub fn find(&self, name: &str) -> Option<&Node> {
        let is = |node: &&Node| node.name.eq_ignore_ascii_case(name) || node.relation().eq_ignore_ascii_case(name);
        let by_table = |node: &&Node| node.table.eq_ignore_ascii_case(name);
        self.nodes.values().find(is).or_else(|| self.nodes.values().find(by_table))
    }

    /// Every node, by its name.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The source whose rows the node's own columns name, if it carries them on unchanged: a row of it is one row there.
    pub(super) fn carries<'a>(&'a self, node: &'a Node) -> Option<&'a Node> {
        let mut at = node;
        // No longer than there are nodes, should models read each other in a circle.
        for _ in 0..=self.nodes.len() {
            if at.is_source {
                return Some(at);
            }
            let onward = at.from.iter().find(|way| way.condition.is_origin())?;
            at = self.nodes.get(&onward.to)?;
        }
        None
    }

    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }
}

impl Node {
    /// Its name with the schema, as written in SQL.
    pub fn relation(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    /// Whether it has this column; nobody can tell of one whose columns are not declared.
    pub fn has(&self, column: &str) -> bool {
        self.columns.is_empty() || self.columns.iter().any(|(known, _)| known.eq_ignore_ascii_case(column))
    }
}
