//! What can go wrong with a warehouse.

use messages::{Failure, FailureClass};

/// A warehouse did not do what it was asked to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WarehouseError {
    /// The address or a setting can't be used. The text says what to change.
    #[error("{0}")]
    Configuration(String),
    /// It can't be reached, or its disk is full. Trying again may help.
    #[error("{0}")]
    Unavailable(String),
    /// Another process has it, and did not give it up in time. The text names that process.
    #[error("{0}")]
    Held(String),
    /// It refused a statement. The same one fails again.
    #[error("{0}")]
    Statement(String),
    /// The rows' source failed; nothing of them is visible.
    #[error("{0}")]
    Source(Failure),
}

impl WarehouseError {
    /// What may be done about it.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Configuration(_) => FailureClass::Fatal,
            Self::Unavailable(_) | Self::Held(_) => FailureClass::Transient,
            Self::Statement(_) => FailureClass::Permanent,
            Self::Source(failure) => failure.class,
        }
    }
}

impl From<WarehouseError> for Failure {
    fn from(error: WarehouseError) -> Self {
        Self { class: error.class(), message: error.to_string() }
    }
}
