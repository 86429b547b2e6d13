//! Events held against the specification's own schemas, and each facet against that of the version that it names.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Registry;
use serde_json::{Value, json};

use crate::harness::repository;

const CORE: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json";

fn read(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(repository().join(path)).unwrap()).unwrap()
}

pub struct Spec {
    registry: Registry<'static>,
    /// Facets by what they name as their schema's address.
    known: BTreeSet<String>,
}

impl Spec {
    pub fn read() -> Self {
        let mut schemas = vec![read("tests/lineage/schemas/OpenLineage.json")];
        for entry in std::fs::read_dir(repository().join("tests/lineage/schemas/facets")).unwrap() {
            schemas.push(serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap());
        }
        // Ours is told by the version that tells it, and lies in this repository.
        let mut ours = read("deploy/lineage/MillraceLoadRunFacet.json");
        ours["$id"] =
            ours["$id"].as_str().unwrap().replace("/main/", &format!("/v{}/", env!("CARGO_PKG_VERSION"))).into();
        schemas.push(ours);
        let known = schemas.iter().map(|schema| schema["$id"].as_str().unwrap().to_owned()).collect();
        let mut registry = Registry::new();
        for schema in schemas {
            let id = schema["$id"].as_str().unwrap().to_owned();
            registry = registry.add(id, schema).unwrap();
        }
        Self { registry: registry.prepare().unwrap(), known }
    }

    fn holds(&self, reference: &str, value: &Value) {
        let schema = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": reference });
        let options = jsonschema::options().with_registry(&self.registry).should_validate_formats(true);
        let validator = options.build(&schema).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{reference}: {faults:#?} in {value:#}");
    }

    /// The event is a RunEvent, and each of its facets what it says to be, under the name that its schema gives it.
    pub fn check(&self, event: &Value) {
        assert_eq!(event["schemaURL"], format!("{CORE}#/$defs/RunEvent"));
        self.holds(event["schemaURL"].as_str().unwrap(), event);
        let mut facets: Vec<(&str, &Value)> = Vec::new();
        facets.extend(of(&event["run"]["facets"]));
        facets.extend(of(&event["job"]["facets"]));
        for dataset in ["inputs", "outputs"].into_iter().flat_map(|side| event[side].as_array().unwrap()) {
            for kind in ["facets", "inputFacets", "outputFacets"] {
                facets.extend(of(&dataset[kind]));
            }
        }
        for (name, facet) in facets {
            let address = facet["_schemaURL"].as_str().unwrap();
            let file = address.split('#').next().unwrap();
            assert!(self.known.contains(file), "the schema of {name} is not known: {address}");
            self.holds(address, facet);
            // The schema as a whole says under which name a facet stands.
            self.holds(file, &json!({ name: facet }));
            let named = self.name_of(file);
            assert_eq!(named, name, "{address}");
        }
    }

    fn name_of(&self, file: &str) -> String {
        let stem = file.rsplit('/').next().unwrap();
        let folder = if stem.starts_with("Millrace") { "deploy/lineage" } else { "tests/lineage/schemas/facets" };
        let schema = read(&format!("{folder}/{stem}"));
        schema["properties"].as_object().unwrap().keys().next().unwrap().clone()
    }
}

fn of(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, facet)| (name.as_str(), facet))
}

/// The events of each run, by its job: START first as a rule, then how it ended.
pub fn runs(events: &[Value]) -> BTreeMap<(String, String), Vec<&Value>> {
    let mut runs: BTreeMap<(String, String), Vec<&Value>> = BTreeMap::new();
    for event in events {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        runs.entry((text(&event["job"]["name"]), text(&event["run"]["runId"]))).or_default().push(event);
    }
    runs
}

pub fn kinds(events: &[&Value]) -> Vec<String> {
    events.iter().map(|event| event["eventType"].as_str().unwrap().to_owned()).collect()
}
