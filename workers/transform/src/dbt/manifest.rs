//! What dbt's manifest knows of tests. The sidecar tells it with each node; a build of its own leaves it in a file.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

/// The part of the manifest that is read. Empty where there is none: then nobody knows what a test looks at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Manifest {
    nodes: HashMap<String, Node>,
    sources: HashMap<String, Node>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Node {
    attached_node: Option<String>,
    relation_name: Option<String>,
    depends_on: Parents,
    config: Config,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Parents {
    nodes: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    severity: Option<String>,
}

impl Manifest {
    pub(super) fn read(file: &Path) -> Self {
        let read = std::fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        read.unwrap_or_default()
    }

    /// The relation that a test looks at, where that is one.
    pub(super) fn tested(&self, test: &str) -> Option<String> {
        let test = self.nodes.get(test)?;
        let parent = match test.depends_on.nodes.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        let tested = test.attached_node.as_ref().or(parent)?;
        self.nodes.get(tested).or_else(|| self.sources.get(tested))?.relation_name.clone()
    }

    /// Whether what a test finds is a warning.
    pub(super) fn is_warning(&self, test: &str) -> bool {
        let severity = self.nodes.get(test).and_then(|test| test.config.severity.as_deref());
        severity.is_some_and(|severity| severity.eq_ignore_ascii_case("warn"))
    }
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    #[test]
    fn a_test_is_about_what_it_is_attached_to_or_reads_alone() -> Result<(), serde_json::Error> {
        let manifest: Manifest = serde_json::from_value(serde_json::json!({
            "nodes": {
                "model.m.a": {"relation_name": "\"w\".\"CORE\".\"a\"", "config": {"severity": null}},
                "test.m.generic": {"attached_node": "model.m.a", "depends_on": {"nodes": ["model.m.b", "model.m.a"]},
                                   "config": {"severity": "WARN"}},
                "test.m.singular": {"depends_on": {"nodes": ["source.m.raw.t"]}, "config": {"severity": "ERROR"}},
                "test.m.both": {"depends_on": {"nodes": ["model.m.a", "source.m.raw.t"]}},
            },
            "sources": {"source.m.raw.t": {"relation_name": "RAW.T"}},
        }))?;
        assert_eq!(manifest.tested("test.m.generic").as_deref(), Some("\"w\".\"CORE\".\"a\""));
        assert_eq!(manifest.tested("test.m.singular").as_deref(), Some("RAW.T"));
        assert_eq!(manifest.tested("test.m.both"), None);
        assert!(manifest.is_warning("test.m.generic") && !manifest.is_warning("test.m.singular"));
        assert!(!manifest.is_warning("test.m.nobody"));
        Ok(())
    }
}
