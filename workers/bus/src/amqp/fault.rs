//! What lapin's errors mean for people.

use std::sync::Arc;

use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

use super::address::Address;
use crate::BusError;

/// Why a connection could not be had. What another try can't mend is `Configuration`.
pub(super) fn connecting(error: &lapin::Error, address: &Address) -> BusError {
    if is_soft(error, AMQPSoftError::ACCESSREFUSED) {
        return BusError::Configuration(format!(
            "RabbitMQ at {address} refuses the login: check user and password in bus.url (or the client's certificate)"
        ));
    }
    if is(error, &AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED)) {
        return BusError::Configuration(format!(
            "RabbitMQ at {address} refuses the vhost: make it and give the user rights in it (deploy/rabbitmq), or mend the end of bus.url"
        ));
    }
    if is_untrusted(error) {
        return BusError::Configuration(format!(
            "RabbitMQ at {address} shows a certificate that can't be trusted ({}): name the authority that signed it in bus.ca_file",
            cause(error)
        ));
    }
    BusError::Unavailable(format!("RabbitMQ at {address}: {}", cause(error)))
}

/// Why the broker can't be used although the login succeeded.
pub(super) fn preparing(error: BusError, address: &Address) -> BusError {
    match error {
        BusError::Configuration(text) => BusError::Configuration(format!("at {address} {text}")),
        BusError::Unavailable(text) => BusError::Unavailable(format!("RabbitMQ at {address}: {text}")),
        other => other,
    }
}

/// Our side's verdict on the broker's certificate. rustls, which has no type of its own here, hands it through as text.
fn is_untrusted(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::IOError(error) if error.to_string().contains("invalid peer certificate"))
}

/// The error of a call on a channel.
pub(super) fn calling(error: &lapin::Error) -> BusError {
    match error.kind() {
        ErrorKind::ProtocolError(_) if is_forbidden(error) => forbidden(&cause(error)),
        ErrorKind::ProtocolError(fault) if is_soft(error, AMQPSoftError::PRECONDITIONFAILED) => {
            BusError::Configuration(format!(
                "RabbitMQ has a queue or exchange otherwise ({}): delete that one once it is empty, and start again",
                fault.get_message()
            ))
        }
        _ => BusError::Unavailable(cause(error)),
    }
}

/// A right is missing, which no other try mends. `why` is what the broker said.
pub(super) fn forbidden(why: &str) -> BusError {
    BusError::Configuration(format!(
        "RabbitMQ refuses a right ({why}): give the user the rights that deploy/rabbitmq lists for its role"
    ))
}

/// Whether the user lacks a right.
pub(super) fn is_forbidden(error: &lapin::Error) -> bool {
    is_soft(error, AMQPSoftError::ACCESSREFUSED)
}

/// Whether something that was asked for is not there.
pub(super) fn is_missing(error: &lapin::Error) -> bool {
    is_soft(error, AMQPSoftError::NOTFOUND)
}

/// Whether another connection has it for itself at the moment.
pub(super) fn is_taken(error: &lapin::Error) -> bool {
    is_soft(error, AMQPSoftError::RESOURCELOCKED)
}

/// Why a call ended that was under way when its connection was lost.
pub(super) fn lost() -> lapin::Error {
    other("the connection was lost")
}

/// An error of our own where lapin's are expected.
pub(super) fn other(text: &str) -> lapin::Error {
    ErrorKind::IOError(Arc::new(std::io::Error::other(text))).into()
}

/// Why, in a line.
pub(super) fn cause(error: &lapin::Error) -> String {
    match error.kind() {
        ErrorKind::IOError(error) => error.to_string(),
        ErrorKind::ProtocolError(fault) => fault.get_message().to_string(),
        ErrorKind::MissingHeartbeatError => "it was not heard of for too long".into(),
        _ => error.to_string(),
    }
}

fn is_soft(error: &lapin::Error, soft: AMQPSoftError) -> bool {
    is(error, &AMQPErrorKind::Soft(soft))
}

fn is(error: &lapin::Error, kind: &AMQPErrorKind) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(fault) if fault.kind() == kind)
}
