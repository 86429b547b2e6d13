//! The list of all that is sent.
