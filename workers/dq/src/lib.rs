//! Checks on the data, logged to DATA_QUALITY_AUDIT
