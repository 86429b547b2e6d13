//! The bus and the warehouse, watched from outside: every call is a span and a measured time, whatever the implementation.

mod bus;
mod summary;
mod warehouse;

use opentelemetry::KeyValue;
use tracing::Span;

use crate::telemetry::{labels, span as spans};

pub use bus::ObservedBus;
pub use warehouse::ObservedWarehouse;

/// Says in the span and in the labels of its time that a call failed, and of which kind the fault is.
fn failed(span: &Span, told: &mut Vec<KeyValue>, error: &impl std::fmt::Display, kind: &'static str) {
    spans::fail(span, error.to_string());
    spans::set(span, "error.type", kind);
    told.push(labels::label("error.type", kind));
}
