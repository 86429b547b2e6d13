//! Slices to marts, by dbt
