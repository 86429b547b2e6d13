//! The facets of OpenLineage that are told, each in the version of its schema that is named.

use messages::Failure;
use serde_json::{Map, Value, json};

use crate::telemetry::unquoted;

/// Who tells: this version of millrace.
pub(super) const PRODUCER: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/v", env!("CARGO_PKG_VERSION"));

/// What describes the facet of our own.
const OWN_SCHEMA: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/v",
    env!("CARGO_PKG_VERSION"),
    "/deploy/lineage/MillraceLoadRunFacet.json"
);

/// Facets by their names.
pub(super) type Facets = Map<String, Value>;

/// A facet of the specification: `body` and who tells it.
fn facet(version: &str, kind: &str, body: Value) -> Value {
    with_base(format!("https://openlineage.io/spec/facets/{version}/{kind}.json#/$defs/{kind}"), body)
}

fn with_base(schema: String, body: Value) -> Value {
    let mut facet = Map::new();
    facet.insert("_producer".into(), PRODUCER.into());
    facet.insert("_schemaURL".into(), schema.into());
    if let Value::Object(body) = body {
        facet.extend(body);
    }
    Value::Object(facet)
}

/// The run that a run is part of.
pub(super) fn parent(run_id: &str, namespace: &str, job: &str) -> Value {
    let body = json!({ "run": { "runId": run_id }, "job": { "namespace": namespace, "name": job } });
    facet("1-2-0", "ParentRunFacet", body)
}

/// The facet of our own, under the name `millrace_load`.
pub(super) fn load(body: Value) -> Value {
    with_base(OWN_SCHEMA.into(), body)
}

/// Why a run failed, without what others quoted of the data.
pub(super) fn error(failure: &Failure) -> Value {
    error_text(&failure.message)
}

/// The same of a text.
pub(super) fn error_text(message: &str) -> Value {
    // A warehouse says which value it can't take.
    let body = json!({ "message": unquoted(message), "programmingLanguage": "Rust" });
    facet("1-0-1", "ErrorMessageRunFacet", body)
}

/// The moment that a run is about.
pub(super) fn nominal_time(at: &str) -> Value {
    facet("1-0-1", "NominalTimeRunFacet", json!({ "nominalStartTime": at }))
}

/// What a job is.
pub(super) fn job_type(integration: &str, kind: &str) -> Value {
    let body = json!({ "processingType": "BATCH", "integration": integration, "jobType": kind });
    facet("2-0-4", "JobTypeJobFacet", body)
}

/// Where a dataset lies.
pub(super) fn data_source(name: &str, uri: &str) -> Value {
    facet("1-0-1", "DatasourceDatasetFacet", json!({ "name": name, "uri": uri }))
}

/// The columns of a dataset: name, type if it is known, and what they mean.
pub(super) fn schema<'a>(columns: impl Iterator<Item = (&'a str, Option<&'a str>, &'a str)>) -> Value {
    let field = |(name, kind, description): (&str, Option<&str>, &str)| {
        let mut field = json!({ "name": name });
        if let Some(kind) = kind {
            field["type"] = kind.into();
        }
        if !description.is_empty() {
            field["description"] = description.into();
        }
        field
    };
    facet("1-2-0", "SchemaDatasetFacet", json!({ "fields": columns.map(field).collect::<Vec<_>>() }))
}

/// What a dataset is.
pub(super) fn documentation(description: &str) -> Value {
    facet("1-1-0", "DocumentationDatasetFacet", json!({ "description": description }))
}

/// Who answers for a dataset.
pub(super) fn ownership(owner: &str) -> Value {
    facet("1-0-1", "OwnershipDatasetFacet", json!({ "owners": [{ "name": owner, "type": "OWNER" }] }))
}

/// Which state of a dataset it is.
pub(super) fn version(version: &str) -> Value {
    facet("1-0-1", "DatasetVersionDatasetFacet", json!({ "datasetVersion": version }))
}

/// That each column is that of the same name in another dataset.
pub(super) fn same_columns<'a>(columns: impl Iterator<Item = &'a str>, namespace: &str, name: &str) -> Value {
    let from = |column: &str| {
        let told = [json!({ "type": "DIRECT", "subtype": "IDENTITY" })];
        let field = json!({ "namespace": namespace, "name": name, "field": column, "transformations": told });
        (column.to_owned(), json!({ "inputFields": [field] }))
    };
    let fields: Map<String, Value> = columns.map(from).collect();
    facet("1-2-0", "ColumnLineageDatasetFacet", json!({ "fields": fields }))
}

/// What was read of a dataset.
pub(super) fn input_statistics(size_bytes: u64) -> Value {
    facet("1-0-0", "InputStatisticsInputDatasetFacet", json!({ "size": size_bytes, "fileCount": 1 }))
}

/// What was written to a dataset; its size is that of the files that were read for it.
pub(super) fn output_statistics(rows: u64, size_bytes: u64, files: u32) -> Value {
    let body = json!({ "rowCount": rows, "size": size_bytes, "fileCount": files });
    facet("1-0-2", "OutputStatisticsOutputDatasetFacet", body)
}

/// What was expected of a dataset, and whether it held.
pub(super) fn assertions(assertions: Vec<Value>) -> Value {
    facet("1-1-0", "DataQualityAssertionsDatasetFacet", json!({ "assertions": assertions }))
}

/// What was counted of a dataset.
pub(super) fn metrics(rows: Option<u64>, nulls: impl Iterator<Item = (String, u64)>) -> Value {
    let columns: Map<String, Value> = nulls.map(|(column, nulls)| (column, json!({ "nullCount": nulls }))).collect();
    let mut body = json!({ "columnMetrics": columns });
    if let Some(rows) = rows {
        body["rowCount"] = rows.into();
    }
    facet("1-0-3", "DataQualityMetricsInputDatasetFacet", body)
}
