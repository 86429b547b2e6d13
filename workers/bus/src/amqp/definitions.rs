//! What an operator imports into RabbitMQ, as it reads definitions: the topology, limits, and who may do what.
//!
//! Users lie in a file of their own: an import sets the password of every user that it names, so the file that changes
//! with releases must name none.

use serde_json::{Map, Value, json};

use super::roles::{Role, roles};
use super::topology::{Argument, EXCHANGES, Queue, queues};

/// The vhost that everything lies in.
pub const VHOST: &str = "millrace";

/// How often RabbitMQ hands a message out before it gives it up by itself. A worker gives it up earlier
/// (`retry.max_attempts`), and records why; this is for what kills workers before they can. The default of RabbitMQ
/// 4 is 20, which leaves less room for whoever raises `retry.max_attempts`.
const DELIVERY_LIMIT: u32 = 50;

/// How long a delivery may be in hand, in milliseconds: longer than `transform.timeout_secs` and what waits before it.
const CONSUMER_TIMEOUT_MILLIS: u32 = 4 * 3600 * 1000;

const STAGE_QUEUES: &str = r"^millrace\.(ingest|transform|dq)$";

/// The files of `deploy/rabbitmq` that are made of this, by name.
pub fn files() -> [(&'static str, Value); 3] {
    [("definitions.json", definitions()), ("users.json", users()), ("policies-3.12.json", policies_since_3_12())]
}

/// As text: a line per object, so that a change is a line's.
pub fn text(file: &Value) -> String {
    let section = |(name, all): (&String, &Value)| {
        let lines: Vec<_> = all.as_array().into_iter().flatten().map(|one| format!("\n    {one}")).collect();
        format!("  {}: [{}\n  ]", json!(name), lines.join(","))
    };
    let sections: Vec<_> = file.as_object().into_iter().flatten().map(section).collect();
    format!("{{\n{}\n}}\n", sections.join(",\n"))
}

fn definitions() -> Value {
    let (queues, roles) = (queues(), roles());
    json!({
        "vhosts": [{ "name": VHOST }],
        "exchanges": EXCHANGES.map(exchange),
        "queues": queues.iter().map(queue).collect::<Vec<_>>(),
        "bindings": queues.iter().flat_map(bindings).collect::<Vec<_>>(),
        "policies": [policy("millrace-stages", 0, json!({ "delivery-limit": DELIVERY_LIMIT }))],
        "permissions": roles.iter().map(permission).collect::<Vec<_>>(),
        "topic_permissions": roles.iter().flat_map(topic_permissions).collect::<Vec<_>>(),
    })
}

/// An empty hash fits no password: nobody can log in until the operator sets one.
fn users() -> Value {
    let user = |role: Role| {
        json!({
            "name": role.user,
            "password_hash": "",
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": role.tags,
        })
    };
    json!({ "users": roles().into_iter().map(user).collect::<Vec<_>>() })
}

/// Of the policies that match a queue only the one of the highest priority holds, so this one has all limits.
fn policies_since_3_12() -> Value {
    let limits = json!({ "delivery-limit": DELIVERY_LIMIT, "consumer-timeout": CONSUMER_TIMEOUT_MILLIS });
    json!({ "policies": [policy("millrace-stages-3.12", 1, limits)] })
}

fn exchange(name: &str) -> Value {
    json!({
        "name": name, "vhost": VHOST, "type": "topic", "durable": true, "auto_delete": false, "internal": false,
        "arguments": {},
    })
}

fn queue(queue: &Queue) -> Value {
    let mut arguments = Map::new();
    for (name, value) in &queue.arguments {
        let value = match value {
            Argument::Text(text) => json!(text),
            Argument::Number(number) => json!(number),
            Argument::Flag(flag) => json!(flag),
        };
        arguments.insert((*name).to_owned(), value);
    }
    json!({ "name": queue.name, "vhost": VHOST, "durable": true, "auto_delete": false, "arguments": arguments })
}

fn bindings(queue: &Queue) -> impl Iterator<Item = Value> {
    queue.bindings.iter().map(|(exchange, key)| {
        json!({
            "source": exchange, "vhost": VHOST, "destination": queue.name, "destination_type": "queue",
            "routing_key": key, "arguments": {},
        })
    })
}

fn policy(name: &str, priority: u32, definition: Value) -> Value {
    json!({
        "vhost": VHOST, "name": name, "pattern": STAGE_QUEUES, "apply-to": "queues", "priority": priority,
        "definition": definition,
    })
}

fn permission(role: &Role) -> Value {
    json!({
        "user": role.user, "vhost": VHOST,
        "configure": role.configure, "write": role.write, "read": role.read,
    })
}

fn topic_permissions(role: &Role) -> impl Iterator<Item = Value> {
    let of = |exchange: &&'static str, write: &str, read: &str| json!({ "user": role.user, "vhost": VHOST, "exchange": exchange, "write": write, "read": read });
    let said = role.keys.iter().map(move |(exchange, keys)| of(exchange, keys, ".*"));
    said.chain(role.hears.iter().map(move |(exchange, keys)| of(exchange, "^$", keys)))
}
