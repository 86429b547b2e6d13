//! A bus and a warehouse that are watched pass what every bus and every warehouse must.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bus;
mod warehouse;
