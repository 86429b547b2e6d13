//! The suite that every warehouse must pass.
