//! The published schemas are those of the types, and an independent validator agrees with the types.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use millrace_messages::schema::{asyncapi, examples, json_schemas};
use millrace_messages::{Envelope, Message};
use serde_json::{Value, json};

const CURE: &str = "run `cargo run -p millrace-messages --example schemas` and commit what it writes";

fn published(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn what_is_committed_is_made_from_the_types() {
    let mut names = BTreeSet::new();
    for (name, schema) in json_schemas() {
        let text = fs::read_to_string(published(&format!("schemas/{name}.json")));
        let committed: Value = serde_json::from_str(&text.unwrap_or("null".into())).unwrap();
        assert!(committed == schema, "schemas/{name}.json is stale: {CURE}");
        names.insert(format!("{name}.json"));
    }
    let there = fs::read_dir(published("schemas")).unwrap();
    let there: BTreeSet<_> = there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, names, "schemas/ holds more than the types: {CURE}");

    let text = fs::read_to_string(published("asyncapi.yaml")).unwrap_or("null".into());
    let committed: Value = serde_saphyr::from_str(&text).unwrap();
    assert!(committed == asyncapi(), "asyncapi.yaml is stale: {CURE}");
}

#[test]
fn there_is_an_example_of_each_type() {
    let examples = examples();
    let names: Vec<_> = examples.iter().map(|example| example.message.type_name()).collect();
    assert_eq!(names, Message::TYPES);
}

#[test]
fn the_examples_fit_their_schemas_and_no_other() {
    let examples = examples();
    for (name, schema) in json_schemas() {
        jsonschema::meta::validate(&schema).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let validator = jsonschema::validator_for(&schema).unwrap();
        for example in &examples {
            let body = value(example);
            let fits = example.message.type_name() == name;
            assert_eq!(validator.is_valid(&body), fits, "{name} and {body}");
        }
    }
}

/// Whatever an attribute or a field is replaced by or robbed of, the schema refuses what the types refuse.
#[test]
fn what_the_types_refuse_no_schema_allows() {
    for (example, (name, schema)) in examples().iter().zip(json_schemas()) {
        let options = jsonschema::options().should_validate_formats(true);
        let validator = options.build(&schema).unwrap();
        let mut refused = 0;
        for wrong in spoiled(&value(example)) {
            let read = Envelope::from_json(&serde_json::to_vec(&wrong).unwrap());
            if read.is_err() {
                refused += 1;
                let validates = validator.is_valid(&wrong);
                assert!(!validates, "{name}: {:?} and yet the schema allows {wrong}", read.err());
            }
        }
        assert!(refused >= 8, "{name}: only {refused} were refused");
    }
}

/// `value` with one attribute, or one field of its data, missing or of the wrong kind.
fn spoiled(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    for path in ["", "/data"] {
        let keys: Vec<_> = value.pointer(path).unwrap().as_object().unwrap().keys().collect();
        for key in keys {
            for wrong in [None, Some(json!({ "wrong": true })), Some(json!(-1)), Some(json!("no such thing"))] {
                let mut spoiled = value.clone();
                let object = spoiled.pointer_mut(path).unwrap().as_object_mut().unwrap();
                match wrong {
                    None => drop(object.remove(key)),
                    Some(wrong) => object[key] = wrong,
                }
                all.push(spoiled);
            }
        }
    }
    all
}

#[test]
fn other_attributes_are_allowed() {
    let (_, schema) = json_schemas().swap_remove(0);
    let mut body = value(&examples()[0]);
    body["dataschema"] = json!("https://example.org");
    body["data"]["later"] = json!([1]);
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&body));
    assert!(Envelope::from_json(&serde_json::to_vec(&body).unwrap()).is_ok());
}

#[test]
fn the_document_is_whole() {
    let document = asyncapi();
    assert_eq!(document["asyncapi"], "3.0.0");
    for required in ["title", "version"] {
        assert!(document["info"][required].is_string(), "info.{required}");
    }
    let mut refs = Vec::new();
    references(&document, &mut refs);
    for reference in refs {
        match reference.strip_prefix('#') {
            Some(pointer) => assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere"),
            None => assert!(published(&reference).is_file(), "{reference} is no file"),
        }
    }
    for channel in document["channels"].as_object().unwrap().values() {
        assert!(channel["address"].is_string());
        assert_eq!(channel["bindings"]["amqp"]["bindingVersion"], "0.3.0");
        assert_eq!(channel["bindings"]["amqp"]["is"], "routingKey");
        assert!(!channel["messages"].as_object().unwrap().is_empty());
    }
    for message in document["components"]["messages"].as_object().unwrap().values() {
        assert!(message["examples"][0]["payload"].is_object());
    }
}

#[test]
fn each_message_is_sent_and_received_by_somebody() {
    let document = asyncapi();
    for action in ["send", "receive"] {
        let mut spoken = BTreeSet::new();
        for operation in document["operations"].as_object().unwrap().values() {
            assert!(operation["channel"]["$ref"].is_string());
            if operation["action"] == action {
                for message in operation["messages"].as_array().unwrap() {
                    let reference = message["$ref"].as_str().unwrap();
                    spoken.insert(reference.rsplit('/').next().unwrap().to_owned());
                }
            }
        }
        let all: BTreeSet<String> = Message::TYPES.iter().map(|name| (*name).into()).collect();
        assert_eq!(spoken, all, "{action}");
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str).map(Into::into));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(array) => array.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn value(example: &Envelope) -> Value {
    serde_json::from_slice(&example.to_json().unwrap()).unwrap()
}
