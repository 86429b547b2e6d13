//! What operators import into RabbitMQ: it is made of the topology, and each role can do its work with the rights that
//! it gives, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod boot;
mod files;
mod plant;
mod refusals;
mod roles;
mod tls;
