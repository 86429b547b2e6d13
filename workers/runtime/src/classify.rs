//! What may be done about a delivery that can't be read.

use messages::{DecodeError, Failure};

/// Says what may be done about a failure that is on its way to a queue. A delivery that can't be read never gets
/// better.
pub fn classify(error: DecodeError) -> Failure {
    Failure::permanent(error.to_string())
}
