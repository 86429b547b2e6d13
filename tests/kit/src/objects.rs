//! What tests ask the management API for most.

use base64::Engine;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::management::Management;

impl Management {
    /// A queue with its numbers (`messages_ready`, `messages_unacknowledged`, `consumers`, `arguments`, `type`, …).
    #[track_caller]
    pub fn queue(&self, vhost: &str, name: &str) -> Option<Value> {
        self.find(&format!("queues/{}/{}", escape(vhost), escape(name)))
    }

    /// All queues of a vhost.
    #[track_caller]
    pub fn queues(&self, vhost: &str) -> Vec<Value> {
        self.list(&format!("queues/{}", escape(vhost)))
    }

    /// All consumers of a vhost (`queue.name`, `consumer_tag`, `prefetch_count`, `active`, …).
    #[track_caller]
    pub fn consumers(&self, vhost: &str) -> Vec<Value> {
        self.list(&format!("consumers/{}", escape(vhost)))
    }

    /// All connections to a vhost (`name`, `user`, `state`, `client_properties`, …).
    #[track_caller]
    pub fn connections(&self, vhost: &str) -> Vec<Value> {
        self.list(&format!("vhosts/{}/connections", escape(vhost)))
    }

    /// Has RabbitMQ close all connections to a vhost that it knows of, and answers how many they were.
    #[track_caller]
    pub fn close_connections(&self, vhost: &str) -> usize {
        let all = self.connections(vhost);
        // One may have gone since it was listed.
        all.iter().filter(|one| self.delete(&format!("connections/{}", escape(text(one, "name"))))).count()
    }

    /// Deletes a queue, and answers whether it was there.
    #[track_caller]
    pub fn delete_queue(&self, vhost: &str, name: &str) -> bool {
        self.delete(&format!("queues/{}/{}", escape(vhost), escape(name)))
    }

    /// Loads definitions (users, vhosts, queues, policies, …), as RabbitMQ exports them, into the whole broker.
    #[track_caller]
    pub fn import_definitions(&self, definitions: &Value) {
        self.post("definitions", definitions);
    }

    /// Sets a user's password, and makes the user, without any permission, if there is none.
    #[track_caller]
    pub fn set_password(&self, user: &str, password: &str) {
        let path = format!("users/{}", escape(user));
        let tags = self.find(&path).map_or(json!(""), |known| known["tags"].clone());
        self.put(&path, &json!({"password": password, "tags": tags}));
    }

    /// Lets a user do everything in a vhost.
    #[track_caller]
    pub fn permit(&self, vhost: &str, user: &str) {
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        self.put(&format!("permissions/{}/{}", escape(vhost), escape(user)), &all);
    }

    /// Publishes a message, and answers whether it reached a queue. The exchange `""` is the default one.
    ///
    /// Properties are those of the API: `{"delivery_mode": 2, "message_id": "…", "headers": {…}}`.
    #[track_caller]
    pub fn publish(&self, vhost: &str, exchange: &str, key: &str, payload: &[u8], properties: Value) -> bool {
        let exchange = if exchange.is_empty() { "amq.default" } else { exchange };
        let body = json!({
            "properties": properties,
            "routing_key": key,
            "payload": base64::engine::general_purpose::STANDARD.encode(payload),
            "payload_encoding": "base64",
        });
        let answer = self.post(&format!("exchanges/{}/{}/publish", escape(vhost), escape(exchange)), &body);
        answer["routed"].as_bool().unwrap_or_else(|| panic!("unexpected answer: {answer}"))
    }

    #[track_caller]
    fn list(&self, path: &str) -> Vec<Value> {
        match self.get(path) {
            Value::Array(all) => all,
            other => panic!("GET {path}: expected a list, not {other}"),
        }
    }
}

/// Escapes one segment of a path.
pub(crate) fn escape(segment: &str) -> String {
    utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is missing in {value}"))
}
