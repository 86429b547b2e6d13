//! The published schemas, made from the types.
