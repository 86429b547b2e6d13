//! The published schemas, made from the types: `schemas/<type>.json` and `asyncapi.yaml`.
//!
//! `cargo run -p millrace-messages --example schemas` writes them; a test fails while they are stale.

mod asyncapi;
mod example;

use schemars::schema_for;
use serde_json::{Map, Value, json};

pub use asyncapi::asyncapi;
pub use example::examples;

use crate::envelope::Wire;
use crate::{Message, SCHEMA_VERSION};

/// The JSON Schema (draft 2020-12) of each type's envelope with its data, by the type's name.
pub fn json_schemas() -> Vec<(&'static str, Value)> {
    let data = Message::data_schemas().into_iter();
    data.map(|(name, data)| (name, envelope_schema(name, data.to_value()))).collect()
}

/// The envelope's schema with everything fixed that the type `name` fixes.
fn envelope_schema(name: &str, mut data: Value) -> Value {
    let mut schema = schema_for!(Wire).to_value();
    let title = data["title"].take();
    let mut definitions = definitions_of(&mut schema);
    definitions.extend(definitions_of(&mut data));
    if let Some(data) = data.as_object_mut() {
        data.remove("$schema");
        data.remove("title");
    }
    schema["title"] = title;
    schema["description"] = data["description"].clone();
    schema["properties"]["specversion"] = json!({ "const": "1.0" });
    schema["properties"]["type"] = json!({ "const": name });
    schema["properties"]["schemaversion"] = json!({ "const": SCHEMA_VERSION });
    schema["properties"]["data"] = data;
    if !definitions.is_empty() {
        schema["$defs"] = definitions.into();
    }
    schema
}

fn definitions_of(schema: &mut Value) -> Map<String, Value> {
    match schema.as_object_mut().and_then(|schema| schema.remove("$defs")) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    }
}
