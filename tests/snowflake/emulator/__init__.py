"""A stand-in for Snowflake, for tests: see README.md beside this package."""
