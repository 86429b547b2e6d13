//! Events held against what the specification of OpenLineage asks for, and each facet against what that of the version asks for
//! that it names.
//!
//! `OPENLINEAGE_SPEC` names a folder with the specification's own schemas, `OpenLineage.json` and `facets/*.json`, as they lie in
//! its repository: then every event is held against those too.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::DateTime;
use jsonschema::Registry;
use serde_json::{Value, json};

use crate::harness::repository;

const CORE: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json";

/// Facets of the specification: the name that each stands under, its schema's version and file, and what that asks for.
const FACETS: [(&str, &str, &[&str]); 14] = [
    ("columnLineage", "1-2-0/ColumnLineageDatasetFacet", &["fields"]),
    ("dataQualityAssertions", "1-1-0/DataQualityAssertionsDatasetFacet", &["assertions"]),
    ("dataQualityMetrics", "1-0-3/DataQualityMetricsInputDatasetFacet", &["columnMetrics"]),
    ("version", "1-0-1/DatasetVersionDatasetFacet", &["datasetVersion"]),
    ("dataSource", "1-0-1/DatasourceDatasetFacet", &[]),
    ("documentation", "1-1-0/DocumentationDatasetFacet", &["description"]),
    ("errorMessage", "1-0-1/ErrorMessageRunFacet", &["message", "programmingLanguage"]),
    ("inputStatistics", "1-0-0/InputStatisticsInputDatasetFacet", &[]),
    ("jobType", "2-0-4/JobTypeJobFacet", &["processingType", "integration"]),
    ("nominalTime", "1-0-1/NominalTimeRunFacet", &["nominalStartTime"]),
    ("outputStatistics", "1-0-2/OutputStatisticsOutputDatasetFacet", &[]),
    ("ownership", "1-0-1/OwnershipDatasetFacet", &[]),
    ("parent", "1-2-0/ParentRunFacet", &["run", "job"]),
    ("schema", "1-2-0/SchemaDatasetFacet", &[]),
];

pub struct Spec {
    /// What ours asks for: its schema's address, and the keys.
    ours: (String, Vec<String>),
    registry: Option<Registry<'static>>,
}

impl Spec {
    pub fn read() -> Self {
        let mut ours = read(repository().join("deploy/lineage/MillraceLoadRunFacet.json"));
        // It is told by the version that tells it, and lies in this repository.
        let id = ours["$id"].as_str().unwrap().replace("/main/", &format!("/v{}/", env!("CARGO_PKG_VERSION")));
        ours["$id"] = id.clone().into();
        let mut keys = Vec::new();
        required(&ours["$defs"], &mut keys);
        let registry = std::env::var_os("OPENLINEAGE_SPEC").map(|folder| registry(folder.into(), ours));
        Self { ours: (id, keys), registry }
    }

    /// The event is a RunEvent, and each of its facets what it says to be, under the name that its schema gives it.
    pub fn check(&self, event: &Value) {
        assert_eq!(event["schemaURL"], format!("{CORE}#/$defs/RunEvent"));
        assert!(["START", "COMPLETE", "FAIL", "ABORT"].contains(&text(&event["eventType"])), "{event:#}");
        DateTime::parse_from_rfc3339(text(&event["eventTime"])).unwrap();
        assert!(text(&event["producer"]).starts_with("https://"));
        let run_id = text(&event["run"]["runId"]);
        assert!(run_id.split('-').map(str::len).eq([8, 4, 4, 4, 12]), "no UUID: {run_id}");
        self.holds(text(&event["schemaURL"]), event);
        let mut facets: Vec<(&str, &Value)> = Vec::new();
        facets.extend(of(&event["run"]["facets"]));
        facets.extend(of(&event["job"]["facets"]));
        let datasets: Vec<&Value> =
            ["inputs", "outputs"].into_iter().flat_map(|side| event[side].as_array().unwrap()).collect();
        for named in datasets.iter().copied().chain([&event["job"]]) {
            assert!(!text(&named["namespace"]).is_empty() && !text(&named["name"]).is_empty(), "{named:#}");
        }
        for dataset in datasets {
            for kind in ["facets", "inputFacets", "outputFacets"] {
                facets.extend(of(&dataset[kind]));
            }
        }
        facets.into_iter().for_each(|(name, facet)| self.check_facet(name, facet));
    }

    fn check_facet(&self, name: &str, facet: &Value) {
        let address = text(&facet["_schemaURL"]);
        // Those of the specification name the definition in the file, ours the file.
        let (file, place) = address.split_once('#').map_or((address, None), |(file, place)| (file, Some(place)));
        let keys: Vec<String> = match FACETS.iter().find(|(known, ..)| *known == name) {
            Some((_, path, keys)) => {
                assert_eq!(file, format!("https://openlineage.io/spec/facets/{path}.json"));
                let definition = format!("/$defs/{}", path.rsplit('/').next().unwrap());
                assert_eq!(place, Some(definition.as_str()));
                keys.iter().map(|key| (*key).to_owned()).collect()
            }
            None => {
                assert_eq!((name, file), ("millrace_load", self.ours.0.as_str()));
                self.ours.1.clone()
            }
        };
        assert!(text(&facet["_producer"]).starts_with("https://"), "{facet:#}");
        for key in keys {
            assert!(!facet[&key].is_null(), "{name} lacks {key}: {facet:#}");
        }
        for one in facet["assertions"].as_array().into_iter().flatten() {
            assert!(one["assertion"].is_string() && one["success"].is_boolean(), "{one:#}");
        }
        for one in facet["fields"].as_array().into_iter().flatten() {
            assert!(one["name"].is_string(), "{one:#}");
        }
        for count in ["rowCount", "size", "fileCount", "bytes"].map(|key| &facet[key]) {
            assert!(count.is_null() || count.is_u64(), "{facet:#}");
        }
        self.holds(address, facet);
        // The schema as a whole says under which name a facet stands.
        self.holds(file, &json!({ name: facet }));
    }

    /// Where the schemas are there.
    fn holds(&self, reference: &str, value: &Value) {
        let Some(registry) = &self.registry else { return };
        let schema = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": reference });
        let options = jsonschema::options().with_registry(registry).should_validate_formats(true);
        let validator = options.build(&schema).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{reference}: {faults:#?} in {value:#}");
    }
}

fn registry(folder: PathBuf, ours: Value) -> Registry<'static> {
    let facets = std::fs::read_dir(folder.join("facets")).unwrap().map(|entry| read(entry.unwrap().path()));
    let schemas = facets.chain([read(folder.join("OpenLineage.json")), ours]);
    let mut registry = Registry::new();
    for schema in schemas {
        let id = text(&schema["$id"]).to_owned();
        registry = registry.add(id, schema).unwrap();
    }
    registry.prepare().unwrap()
}

fn read(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The keys that a schema, or a part of it, asks for.
fn required(schema: &Value, keys: &mut Vec<String>) {
    for part in schema.as_object().into_iter().flat_map(|parts| parts.values()) {
        let asked = part["required"].as_array().into_iter().flatten();
        keys.extend(asked.filter_map(Value::as_str).map(str::to_owned));
        for part in part["allOf"].as_array().into_iter().flatten() {
            let asked = part["required"].as_array().into_iter().flatten();
            keys.extend(asked.filter_map(Value::as_str).map(str::to_owned));
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text: {value:#}"))
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
