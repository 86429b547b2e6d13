//! Why something failed, and whether another try can help.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Another try may succeed: a lock held, a broker away. Retried with backoff.
    Transient,
    /// The same input fails again: a bad file, an unknown source. Recorded, announced, dead-lettered.
    Permanent,
    /// The process can't work as configured. It stops and says what to change.
    Fatal,
    /// Whoever asked took it back. Recorded and announced; nobody has to mend anything.
    Cancelled,
    /// It is loaded and held back: its rows are kept and nobody sees them until somebody releases or discards them.
    Quarantined,
}

impl FailureClass {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::Transient, Self::Permanent, Self::Fatal, Self::Cancelled, Self::Quarantined];

    /// As written in headers, tables and labels: `transient`, `permanent`, `fatal`, `cancelled`, `quarantined`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Fatal => "fatal",
            Self::Cancelled => "cancelled",
            Self::Quarantined => "quarantined",
        }
    }

    /// Takes a class as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }
}

/// A failure as people and other programs see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Whether another try can help.
    pub class: FailureClass,
    /// What happened, to what, and what to do. Holds no secret and no row contents.
    pub message: String,
}

impl Failure {
    /// Another try may succeed.
    pub fn transient(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Transient, message: message.into() }
    }

    /// The same input fails again.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Permanent, message: message.into() }
    }

    /// The process can't work as configured.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Fatal, message: message.into() }
    }

    /// Whoever asked took it back.
    pub fn cancelled(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Cancelled, message: message.into() }
    }

    /// It is loaded and held back.
    pub fn quarantined(message: impl Into<String>) -> Self {
        Self { class: FailureClass::Quarantined, message: message.into() }
    }

    /// The same failure, with what was being done in front of it.
    pub fn context(self, doing: impl AsRef<str>) -> Self {
        Self { message: format!("{}: {}", doing.as_ref(), self.message), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_read_as_it_is_written_and_as_messages_write_it() {
        for class in FailureClass::ALL {
            assert_eq!(FailureClass::parse(class.as_str()), Some(class));
            assert_eq!(serde_json::to_value(class).ok(), Some(class.as_str().into()));
        }
        assert_eq!(FailureClass::parse("odd"), None);
    }

    #[test]
    fn context_stands_in_front_and_changes_no_class() {
        let failure = Failure::transient("the lock is held").context("loading batches.csv");
        assert_eq!(failure.to_string(), "loading batches.csv: the lock is held");
        assert_eq!(failure.class, FailureClass::Transient);
        assert_eq!(Failure::permanent("x").class, FailureClass::Permanent);
        assert_eq!(Failure::fatal("x").class, FailureClass::Fatal);
        assert_eq!(Failure::cancelled("x").class, FailureClass::Cancelled);
        assert_eq!(Failure::quarantined("x").class, FailureClass::Quarantined);
    }
}
