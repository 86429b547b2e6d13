//! DuckDB: one file, one writing process at a time.
