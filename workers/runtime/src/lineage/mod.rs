//! Where data comes from: for people who ask ([`graph`], which `millrace trace` walks).

pub mod graph;
