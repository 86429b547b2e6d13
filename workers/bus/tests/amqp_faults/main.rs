//! The RabbitMQ bus at a real broker, while broker and network fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alarm;
mod cancelled;
mod closed;
mod cut;
mod given_up;
mod lines;
mod login;
mod restart;
mod stall;
mod support;
mod tls;
mod unroutable;
