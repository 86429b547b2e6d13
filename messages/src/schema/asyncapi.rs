//! `asyncapi.yaml`: who sends what to whom, and how it travels over RabbitMQ.

use serde_json::{Map, Value, json};

use super::examples;
use crate::{COMMANDS_EXCHANGE, EVENTS_EXCHANGE, Envelope, Message, Stage};

const BINDING_VERSION: &str = "0.3.0";

const DESCRIPTION: &str = "\
The messages of millrace: commands ask for something, events tell that something has happened. Every message is \
a CloudEvents 1.0 envelope in structured JSON mode (application/cloudevents+json): the AMQP body is the whole \
envelope. The AMQP binding of CloudEvents is written for AMQP 1.0 and RabbitMQ's exchanges are AMQP 0-9-1, so its \
binary mode is not used. Delivery is at least once: whoever handles a message does so such that a second time \
changes nothing. Messages larger than 1 MiB are refused.";

/// Those outside the mill who may ask: Airflow, `millrace trigger`, any other program.
const REQUESTER: &str = "requester";

/// One who sends or receives, and in which words.
struct Role {
    name: &'static str,
    sends: fn(&str) -> bool,
    receives: fn(&str) -> bool,
}

const ROLES: [Role; 5] = [
    Role {
        name: REQUESTER,
        sends: |name| name.ends_with(".requested"),
        receives: |name| name.ends_with(".completed") || name.ends_with(".failed") || name == "source.overdue",
    },
    Role { name: "watcher", sends: |name| name.starts_with("source."), receives: |_| false },
    Role {
        name: "ingest",
        sends: |name| {
            // A run over many files is shared out: one discovery for each file.
            name == "source.file.discovered" || tells(name, "ingest")
        },
        receives: |name| Message::stage_of(name) == Some(Stage::Ingest),
    },
    Role {
        name: "transform",
        sends: |name| tells(name, "transform"),
        receives: |name| Message::stage_of(name) == Some(Stage::Transform),
    },
    Role { name: "dq", sends: |name| tells(name, "dq"), receives: |name| Message::stage_of(name) == Some(Stage::Dq) },
];

/// Whether the worker of `stage` tells events of this type.
fn tells(name: &str, stage: &str) -> bool {
    name.split('.').next() == Some(stage) && !name.ends_with(".requested")
}

/// The AsyncAPI 3.0 document.
pub fn asyncapi() -> Value {
    let examples = examples();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "millrace",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "commands": channel(COMMANDS_EXCHANGE, "Commands, from those who may ask.", true),
            "events": channel(EVENTS_EXCHANGE, "Events, each told once as far as anybody can tell.", false),
        },
        "operations": operations(),
        "components": {
            "messages": examples.iter().map(message).collect::<Map<_, _>>(),
        },
    })
}

fn channel(exchange: &str, description: &str, commands: bool) -> Value {
    let messages: Map<String, Value> =
        types(commands).map(|name| (name.into(), json!({ "$ref": format!("#/components/messages/{name}") }))).collect();
    json!({
        "address": "{type}.{load}",
        "description": description,
        "parameters": {
            "type": {
                "description": "The message's type.",
                "enum": types(commands).collect::<Vec<_>>(),
            },
            "load": {
                "description": "The first 16 hexadecimal digits of the SHA-256 of the LOAD_ID: short enough for a \
                                routing key, and one run's answers can be listened for.",
            },
        },
        "messages": messages,
        "bindings": { "amqp": {
            "is": "routingKey",
            "exchange": { "name": exchange, "type": "topic", "durable": true, "autoDelete": false, "vhost": "/" },
            "bindingVersion": BINDING_VERSION,
        } },
    })
}

fn operations() -> Value {
    let mut operations = Map::new();
    for role in &ROLES {
        for (channel, commands) in [("commands", true), ("events", false)] {
            for (action, speaks) in [("send", role.sends), ("receive", role.receives)] {
                let names: Vec<_> = types(commands).filter(|name| speaks(name)).collect();
                if !names.is_empty() {
                    let key = format!("{}.{action}.{channel}", role.name);
                    operations.insert(key, operation(role, action, channel, &names));
                }
            }
        }
    }
    operations.into()
}

fn operation(role: &Role, action: &str, channel: &str, names: &[&str]) -> Value {
    let messages: Vec<_> =
        names.iter().map(|name| json!({ "$ref": format!("#/channels/{channel}/messages/{name}") })).collect();
    let binding = match action {
        // Persistent, and refused if no queue takes it, so that nothing is lost between the two.
        "send" => json!({ "deliveryMode": 2, "mandatory": true, "bindingVersion": BINDING_VERSION }),
        _ => json!({ "ack": true, "bindingVersion": BINDING_VERSION }),
    };
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{channel}") },
        "summary": summary(role.name, action, channel),
        "messages": messages,
        "bindings": { "amqp": binding },
    })
}

fn summary(role: &str, action: &str, channel: &str) -> String {
    match (role, action) {
        (REQUESTER, "send") => "Airflow, `millrace trigger` and other programs ask.".into(),
        (REQUESTER, _) => "Who asked may listen for the answers of its load, in a queue of its own.".into(),
        (_, "receive") => format!("The stage {role} takes {channel} from its queue millrace.{role}."),
        _ => format!("The {role} worker tells what happened."),
    }
}

fn message(example: &Envelope) -> (String, Value) {
    let name = example.message.type_name();
    let document = json!({
        "name": name,
        "title": name,
        "contentType": "application/cloudevents+json",
        "payload": { "$ref": format!("./schemas/{name}.json") },
        "correlationId": {
            "description": "The id of the command that led to it, repeated along the whole way.",
            "location": "$message.payload#/correlationid",
        },
        "examples": [{ "name": "example", "payload": payload(example) }],
        "bindings": { "amqp": { "messageType": name, "bindingVersion": BINDING_VERSION } },
    });
    (name.into(), document)
}

/// An example holds no number that JSON can't, so it is never empty; a test sees to it.
fn payload(example: &Envelope) -> Value {
    example.to_json().ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or(Value::Null)
}

fn types(commands: bool) -> impl Iterator<Item = &'static str> {
    Message::TYPES.iter().copied().filter(move |name| name.ends_with(".requested") == commands)
}
