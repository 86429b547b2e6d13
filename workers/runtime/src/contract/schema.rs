//! The contract's JSON Schema, with which editors complete and check it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema as schema};
use warehouse::MAX_REJECTED_ROWS;

use super::Contract;

/// The schema that `data/sources/contract.schema.json` holds. What one field means for another (that `duplicate_key` needs
/// `keys`, that names are free) only `millrace check` knows, and the parameters of checks too.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Contract).to_value();
    schema["title"] = "A contract of millrace: one source of data".into();
    schema.sort_all_objects();
    schema
}

/// How a source delivers.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
pub(super) enum Mode {
    /// Each delivery is the whole truth.
    Snapshot,
    /// Each file adds.
    Increment,
}

/// What files call a column: a text that is not blank, or several.
pub(super) fn header(_: &mut SchemaGenerator) -> Schema {
    let one = serde_json::json!({ "type": "string", "pattern": r"\S" });
    schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
}

/// A policy with these words, what each does, and how they may be said.
fn words(words: &[(&str, &str)]) -> Vec<serde_json::Value> {
    words.iter().map(|(word, meaning)| serde_json::json!({ "const": word, "description": meaning })).collect()
}

const QUARANTINE_FILE: (&str, &str) = ("quarantine", "Load it, and hold it back until somebody decides.");
const REJECT: (&str, &str) = ("reject", "Refuse the file.");

pub(super) fn new_column(_: &mut SchemaGenerator) -> Schema {
    schema!({ "oneOf": words(&[
        ("accept", "Leave it out."),
        ("evolve", "Add it to the table."),
        QUARANTINE_FILE,
        REJECT,
    ]) })
}

pub(super) fn missing_column(_: &mut SchemaGenerator) -> Schema {
    schema!({ "oneOf": words(&[("accept", "Leave it empty."), QUARANTINE_FILE, REJECT]) })
}

pub(super) fn of_file(_: &mut SchemaGenerator) -> Schema {
    schema!({ "oneOf": words(&[("accept", "Load it."), QUARANTINE_FILE, REJECT]) })
}

const SET_ASIDE: (&str, &str) = ("quarantine", "Set the row aside, and load the others.");

pub(super) fn bad_row(_: &mut SchemaGenerator) -> Schema {
    of_rows(&[SET_ASIDE, REJECT])
}

pub(super) fn duplicate_key(_: &mut SchemaGenerator) -> Schema {
    of_rows(&[("accept", "Load them all."), SET_ASIDE, REJECT])
}

fn of_rows(allowed: &[(&str, &str)]) -> Schema {
    let policy = serde_json::json!({ "oneOf": words(allowed) });
    schema!({ "anyOf": [policy, {
        "type": "object",
        "properties": {
            "policy": policy,
            "max_rows": {
                "description": "Rows of one file that may be set aside; 1,000 if absent.",
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_REJECTED_ROWS,
            },
            "max_share": {
                "description": "The share of a file's rows that may be set aside; 0.05 if absent.",
                "type": "number",
                "minimum": 0,
                "maximum": 1,
            },
        },
        "required": ["policy"],
        "additionalProperties": false,
    }] })
}

#[cfg(test)]
mod tests;
