//! When a source is expected to deliver.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When deliveries are expected. Who does not deliver in time is told of: an event and a metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// A delivery is expected within so many hours of the one before.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub every_hours: f64,
    /// So many hours late is not late yet; none if absent.
    #[serde(default)]
    #[schemars(extend("minimum" = 0))]
    pub grace_hours: f64,
}
