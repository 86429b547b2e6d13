//! The bus and the warehouse, watched from outside: every call is a span and a measured time, whatever the implementation.

mod bus;
mod summary;
mod warehouse;

pub use bus::ObservedBus;
pub use warehouse::ObservedWarehouse;
