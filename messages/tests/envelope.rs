//! What is written is read again, and what is not ours is refused with a word about why.
#![allow(clippy::unwrap_used)]

mod support;

use millrace_messages::schema::{examples, json_schemas};
use millrace_messages::{DecodeError, Envelope, MAX_BODY_BYTES, Message, SCHEMA_VERSION};
use proptest::prelude::*;
use serde_json::{Value, json};

fn example() -> Value {
    serde_json::from_slice(&examples()[0].to_json().unwrap()).unwrap()
}

fn read(body: &Value) -> Result<Envelope, DecodeError> {
    Envelope::from_json(&serde_json::to_vec(body).unwrap())
}

/// The error's text, for an example with `key` set to `value`.
fn refusal(key: &str, value: Value) -> String {
    let mut body = example();
    body[key] = value;
    read(&body).unwrap_err().to_string()
}

proptest! {
    #[test]
    fn every_message_is_read_as_it_was_written(envelope in support::envelope()) {
        let body = envelope.to_json().unwrap();
        prop_assert_eq!(Envelope::from_json(&body).unwrap(), envelope);
    }

    #[test]
    fn every_message_fits_its_published_schema(envelope in support::envelope()) {
        thread_local! {
            static VALIDATORS: Vec<(&'static str, jsonschema::Validator)> = json_schemas()
                .into_iter()
                .map(|(name, schema)| (name, jsonschema::validator_for(&schema).unwrap()))
                .collect();
        }
        let body: Value = serde_json::from_slice(&envelope.to_json().unwrap()).unwrap();
        VALIDATORS.with(|validators| {
            let mut of_type = validators.iter().filter(|(name, _)| *name == envelope.message.type_name());
            let (_, validator) = of_type.next().unwrap();
            validator.validate(&body).map_err(|error| TestCaseError::fail(error.to_string()))
        })?;
    }

    #[test]
    fn bytes_never_panic(body in any::<Vec<u8>>()) {
        prop_assert!(Envelope::from_json(&body).is_err());
    }

    /// A message with a byte changed is read or refused, never worse.
    #[test]
    fn a_damaged_message_never_panics(
        envelope in support::envelope(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut body = envelope.to_json().unwrap();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = Envelope::from_json(&body);
        let _ = Envelope::from_json(&body[..at]);
    }
}

#[test]
fn what_others_add_is_tolerated() {
    let mut body = example();
    body["dataschema"] = json!("https://example.org/schema");
    body["partitionkey"] = json!("7");
    body["data"]["priority"] = json!({ "later": "versions" });
    assert_eq!(read(&body).unwrap(), examples()[0]);
}

#[test]
fn what_may_be_left_out_has_a_default() {
    let mut body = example();
    for key in ["subject", "datacontenttype", "schemaversion", "correlationid", "tracestate"] {
        body.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(read(&body).unwrap(), examples()[0]);
}

#[test]
fn an_unknown_type_is_told_with_those_that_are_known() {
    let error = refusal("type", json!("ingest.paused"));
    assert!(error.contains("ingest.paused") && error.contains("dq.failed"), "{error}");
}

#[test]
fn another_version_is_told_with_the_cure() {
    let error = refusal("schemaversion", json!(SCHEMA_VERSION + 1));
    assert!(error.contains("version 2") && error.contains("update this worker"), "{error}");
    let error = refusal("specversion", json!("0.3"));
    assert!(error.contains("0.3") && error.contains("only 1.0"), "{error}");
}

#[test]
fn data_that_does_not_fit_is_told_by_field() {
    let error = refusal("data", json!({ "sources": [] }));
    assert!(error.contains("ingest.requested") && error.contains("load_id"), "{error}");
    let error = refusal("data", json!({ "load_id": "" }));
    assert!(error.contains("must not be empty"), "{error}");
}

#[test]
fn what_is_no_envelope_is_told() {
    for body in ["", "null", "[]", "{}", "\"text\"", "{\"specversion\":\"1.0\"", "\u{feff}{}"] {
        let error = Envelope::from_json(body.as_bytes()).unwrap_err();
        assert!(matches!(error, DecodeError::Envelope(_)), "{body}: {error}");
    }
    assert!(refusal("id", json!("42")).contains("UUID"), "names the kind of id that it wants");
}

#[test]
fn a_deep_or_long_body_is_refused() {
    let deep = "[".repeat(100_000);
    assert!(Envelope::from_json(deep.as_bytes()).is_err());
    let long = vec![b' '; MAX_BODY_BYTES + 1];
    assert!(matches!(Envelope::from_json(&long), Err(DecodeError::TooLarge(_))));
}

#[test]
fn telemetry_never_refuses_work() {
    let mut body = example();
    body["tracestate"] = json!("vendor=1");
    assert_eq!(read(&body).unwrap().tracestate.as_deref(), Some("vendor=1"));
    for traceparent in [json!("no trace"), Value::Null] {
        body["traceparent"] = traceparent;
        let read = read(&body).unwrap();
        assert_ne!(read.trace, examples()[0].trace);
        // It belonged to the trace that could not be read.
        assert_eq!(read.tracestate, None);
    }
}

#[test]
fn what_follows_keeps_trace_and_correlation_and_is_said_once() {
    let all = examples();
    let (command, discovered, completed) = (&all[0], &all[1], &all[2]);
    let first = command.leads_to("millrace/ingest", discovered.message.clone());
    let again = command.leads_to("millrace/ingest", discovered.message.clone());
    assert_eq!(first.id, again.id);
    assert_eq!(first.trace.trace_id(), command.trace.trace_id());
    assert_ne!(first.trace, command.trace);
    assert_eq!(first.correlation_id, Some(command.id));
    let last = first.leads_to("millrace/ingest", completed.message.clone());
    assert_eq!(last.correlation_id, Some(command.id));
    assert_ne!(last.id, first.id);
}

#[test]
fn a_time_that_json_cannot_hold_is_an_error() {
    let mut built = examples().swap_remove(5);
    let Message::TransformCompleted(data) = &mut built.message else { panic!("another example") };
    data.nodes[0].elapsed_secs = f64::INFINITY;
    let error = built.to_json().unwrap_err().to_string();
    assert!(error.contains("inf"), "{error}");
}

#[test]
fn what_nobody_would_read_is_not_written() {
    let mut built = examples().swap_remove(0);
    let Message::IngestRequested(data) = &mut built.message else { panic!("another example") };
    data.files = vec!["f".repeat(1_000); 1_100];
    let error = built.to_json().unwrap_err().to_string();
    assert!(error.contains("more than the 1048576"), "{error}");
}
