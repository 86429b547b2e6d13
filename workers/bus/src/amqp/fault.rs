//! What lapin's errors mean for people.

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
    BusError::Unavailable(format!("RabbitMQ at {address}: {}", cause(error)))
}

/// The error of a call on a channel.
pub(super) fn calling(error: &lapin::Error) -> BusError {
    match error.kind() {
        ErrorKind::ProtocolError(_) if is_taken(error) => {
            BusError::Unavailable(format!("somebody else looks at it at the moment ({}): try again", cause(error)))
        }
        ErrorKind::ProtocolError(_) if is_forbidden(error) => forbidden(&cause(error)),
        ErrorKind::ProtocolError(fault) if is_soft(error, AMQPSoftError::PRECONDITIONFAILED) => {
            BusError::Configuration(format!(
                "RabbitMQ has it otherwise ({}): delete that queue or exchange once it is empty, and start again",
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
    is_soft(error, AMQPSoftError::ACCESSREFUSED) && !is_taken(error)
}

/// Whether something that was asked for is not there.
pub(super) fn is_missing(error: &lapin::Error) -> bool {
    is_soft(error, AMQPSoftError::NOTFOUND)
}

/// Whether somebody else has it for himself at the moment. The same code as for a missing right: only the text differs.
pub(super) fn is_taken(error: &lapin::Error) -> bool {
    is_soft(error, AMQPSoftError::ACCESSREFUSED) && cause(error).contains("exclusive")
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
