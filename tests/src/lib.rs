//! What crosses rooms: end to end and faults
