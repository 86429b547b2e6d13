//! File to slice
