//! Where data comes from: for people who ask ([`graph`], which `millrace trace` walks), and for programs that keep it
//! ([`openlineage`]).

pub mod graph;
pub mod openlineage;
