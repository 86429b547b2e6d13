//! Stages, exchanges and routing keys: who hears what.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LoadId, Message};

/// The topic exchange for commands.
pub const COMMANDS_EXCHANGE: &str = "millrace.commands";
/// The topic exchange for events.
pub const EVENTS_EXCHANGE: &str = "millrace.events";

/// A stage of the mill: one queue, one kind of worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// File to slice.
    Ingest,
    /// Slices to marts.
    Transform,
    /// Marts to verdict.
    Dq,
}

impl Stage {
    /// Every stage, in the order of the way.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Transform, Self::Dq];

    /// The stage's name in commands, queues and audits.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Transform => "transform",
            Self::Dq => "dq",
        }
    }

    /// The stage's queue.
    pub fn queue(self) -> String {
        format!("millrace.{self}")
    }

    /// The types of message that its queue takes.
    pub fn takes(self) -> impl Iterator<Item = &'static str> {
        Message::TYPES.iter().copied().filter(move |name| Message::stage_of(name) == Some(self))
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Stage {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.as_str() == text)
            .ok_or_else(|| format!("unknown stage {text:?}: it is one of ingest, transform, dq"))
    }
}

/// `<type>.<hash of the LOAD_ID>`, such as `ingest.completed.0123456789abcdef`: short enough for every
/// broker, and narrow enough that one run's answers can be listened for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoutingKey(String);

impl RoutingKey {
    /// The key of messages of the type `type_name` about `load_id`.
    pub fn new(type_name: &str, load_id: &LoadId) -> Self {
        Self(format!("{type_name}.{}", load_id.short_hash()))
    }

    /// The pattern of the keys of all messages of the type `type_name`, to bind a queue by.
    pub fn any(type_name: &str) -> Self {
        Self(format!("{type_name}.*"))
    }

    /// The key that `message` travels under.
    pub fn of(message: &Message) -> Self {
        Self::new(message.type_name(), message.load_id())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoutingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_stage_is_read_as_it_is_written() {
        for stage in Stage::ALL {
            assert_eq!(stage.as_str().parse(), Ok(stage));
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.as_str());
        }
        assert!("watcher".parse::<Stage>().unwrap_err().contains("ingest, transform, dq"));
    }

    #[test]
    fn each_stage_takes_its_commands_and_the_event_before_it() {
        for (stage, own) in [
            (
                Stage::Ingest,
                &["ingest.requested", "source.file.discovered", "ingest.release.requested", "ingest.discard.requested"]
                    [..],
            ),
            (Stage::Transform, &["ingest.completed", "transform.requested"]),
            (Stage::Dq, &["transform.completed", "dq.requested"]),
        ] {
            let also = [format!("{stage}.cancel.requested"), format!("{stage}.dry_run.requested")];
            let mut expected: Vec<&str> = own.iter().copied().chain(also.iter().map(String::as_str)).collect();
            expected.sort_unstable();
            let mut takes: Vec<_> = stage.takes().collect();
            takes.sort_unstable();
            assert_eq!(takes, expected);
        }
    }

    /// RabbitMQ and AMQP 0-9-1 end a routing key at 255 bytes.
    #[test]
    fn a_key_is_short_for_the_longest_load() {
        let longest = LoadId::new("🏭".repeat(crate::MAX_LOAD_ID_CHARS)).unwrap();
        for name in Message::TYPES {
            assert!(RoutingKey::new(name, &longest).as_str().len() < 64);
        }
        let key = RoutingKey::new("ingest.completed", &LoadId::new("a").unwrap());
        assert_eq!(key.to_string(), "ingest.completed.ca978112ca1bbdca");
    }
}
