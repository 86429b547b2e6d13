//! dbt's manifest.

use std::path::Path;

use serde_json::Value;

use super::Model;

/// Longer than any manifest that a report could show.
const MAX_BYTES: u64 = 256 << 20;

/// The models that dbt knew when it wrote it, in the order of their names; `None` if there is none that can be read.
pub(super) fn read(path: &Path) -> Option<Vec<Model>> {
    if std::fs::metadata(path).ok()?.len() > MAX_BYTES {
        return None;
    }
    parse(&std::fs::read_to_string(path).ok()?)
}

fn parse(text: &str) -> Option<Vec<Model>> {
    let manifest: Value = serde_json::from_str(text).ok()?;
    let nodes = manifest["nodes"].as_object()?;
    let models = nodes.values().filter(|node| node["resource_type"] == "model");
    let mut models: Vec<Model> = models.filter_map(|node| model(node, &manifest)).collect();
    models.sort_by(|one, other| one.name.cmp(&other.name));
    (!models.is_empty()).then_some(models)
}

fn model(node: &Value, manifest: &Value) -> Option<Model> {
    let name = node["name"].as_str()?;
    let (mut reads, mut reads_raw) = (Vec::new(), Vec::new());
    for id in node["depends_on"]["nodes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if let Some(name) = manifest["nodes"][id]["name"].as_str() {
            reads.push(name.to_owned());
        } else if let Some(name) = identifier(&manifest["sources"][id]) {
            reads_raw.push(name.to_uppercase());
        }
    }
    Some(Model {
        name: name.to_owned(),
        schema: node["schema"].as_str()?.to_uppercase(),
        relation: node["alias"].as_str().unwrap_or(name).to_uppercase(),
        reads,
        reads_raw,
    })
}

fn identifier(source: &Value) -> Option<&str> {
    source["identifier"].as_str().or_else(|| source["name"].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_and_what_they_read_are_found() {
        let text = r#"{
            "nodes": {
                "model.m.b": {"resource_type": "model", "name": "b", "alias": "bee", "schema": "core",
                    "depends_on": {"nodes": ["model.m.a", "source.m.raw.orders", "model.m.gone"]}},
                "model.m.a": {"resource_type": "model", "name": "a", "schema": "STAGING", "depends_on": {"nodes": []}},
                "test.m.t": {"resource_type": "test", "name": "t", "schema": "x", "depends_on": {"nodes": []}}
            },
            "sources": {"source.m.raw.orders": {"name": "orders", "identifier": "production_orders"}}
        }"#;
        let models = parse(text).unwrap_or_default();
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!((models[1].schema.as_str(), models[1].relation.as_str()), ("CORE", "BEE"));
        assert_eq!(
            (models[1].reads.join(" "), models[1].reads_raw.join(" ")),
            ("a".into(), "PRODUCTION_ORDERS".into())
        );
        assert_eq!(parse("{}"), None);
        assert_eq!(parse("no JSON"), None);
    }
}
