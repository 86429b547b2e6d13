//! What version 0.1 wrote is read for ever.
//!
//! The files in `golden/v1` must never be regenerated: they stand for messages that lie in queues and dead letters, and for
//! senders that nobody has updated. If one of them is not read any more, the reader is at fault, or `SCHEMA_VERSION` must
//! rise and version 1 be read all the same.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use millrace_messages::{DecodeError, Envelope};
use serde_json::Value;

/// The types that version 0.1 had. Fixed here: the list of today's types may grow.
const TYPES: [&str; 22] = [
    "ingest.requested",
    "source.file.discovered",
    "ingest.completed",
    "ingest.failed",
    "transform.requested",
    "transform.completed",
    "transform.failed",
    "dq.requested",
    "dq.completed",
    "dq.failed",
    "ingest.cancel.requested",
    "transform.cancel.requested",
    "dq.cancel.requested",
    "ingest.dry_run.requested",
    "ingest.dry_run.completed",
    "transform.dry_run.requested",
    "transform.dry_run.completed",
    "dq.dry_run.requested",
    "dq.dry_run.completed",
    "ingest.release.requested",
    "ingest.discard.requested",
    "source.overdue",
];

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v1/{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn read(body: &Value) -> Result<Envelope, DecodeError> {
    Envelope::from_json(&serde_json::to_vec(body).unwrap())
}

/// Whether `new` says all that `old` says; it may say more.
fn keeps(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            old.iter().all(|(key, value)| new.get(key).is_some_and(|new| keeps(value, new)))
        }
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| keeps(old, new))
        }
        _ => old == new,
    }
}

#[test]
fn nothing_that_was_written_is_lost() {
    for name in TYPES {
        let body = golden(name);
        let envelope = read(&body).unwrap();
        assert_eq!(envelope.message.type_name(), name);
        let again: Value = serde_json::from_slice(&envelope.to_json().unwrap()).unwrap();
        assert!(keeps(&body, &again), "{name}: {body:#} became {again:#}");
    }
}

#[test]
fn what_may_be_left_out_may_still_be_left_out() {
    for name in TYPES {
        let body = golden(&format!("{name}.least"));
        let envelope = read(&body).unwrap();
        assert_eq!(envelope.load_id().as_str(), body["data"]["load_id"]);
        assert_eq!(envelope.correlation_id, None);
        let again: Value = serde_json::from_slice(&envelope.to_json().unwrap()).unwrap();
        assert!(keeps(&body, &again), "{name}: {body:#} became {again:#}");
    }
}

#[test]
fn what_is_unknown_changes_nothing() {
    for name in TYPES {
        assert_eq!(read(&golden(&format!("{name}.more"))).unwrap(), read(&golden(name)).unwrap());
    }
}

#[test]
fn version_2_is_refused_with_the_cure() {
    for name in TYPES {
        let mut body = golden(name);
        body["schemaversion"] = 2.into();
        // Whatever the shape of its data: version 2 is told by its number, not by what does not fit.
        body["data"] = serde_json::json!({ "load": ["a::b"] });
        let error = read(&body).unwrap_err();
        assert!(matches!(&error, DecodeError::SchemaVersion { found: 2, .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains(name) && error.contains("version 2") && error.contains("update this worker"), "{error}");
    }
}
