//! What can go wrong with a bus.

use messages::{Failure, FailureClass};

/// A bus did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus's address can't be used. The text says what to change.
    #[error("{0}")]
    Configuration(String),
    /// It can't be reached, or answered in time, or its disk is full. Trying again may help.
    #[error("the bus is not available: {0}")]
    Unavailable(String),
    /// A message that must be handled has no queue to go to.
    #[error("no queue takes {type_name}: start a worker once so that it declares its queue")]
    Unroutable {
        /// The message's type.
        type_name: String,
    },
    /// A message that can't be put into its envelope.
    #[error("the message can't be written as JSON: {0}")]
    Encode(#[from] serde_json::Error),
}

impl BusError {
    /// What may be done about it.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Configuration(_) => FailureClass::Fatal,
            Self::Unavailable(_) | Self::Unroutable { .. } => FailureClass::Transient,
            Self::Encode(_) => FailureClass::Permanent,
        }
    }
}

impl From<BusError> for Failure {
    fn from(error: BusError) -> Self {
        Self { class: error.class(), message: error.to_string() }
    }
}
