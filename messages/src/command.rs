//! What may be asked of the platform. Airflow and `millrace trigger` publish these.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LoadId;

/// Load the files of these sources as one load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IngestRequested {
    /// The load. Asking twice for one LOAD_ID loads it again and replaces only its own slice.
    pub load_id: LoadId,
    /// Sources by the names of their contracts; none means all.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Only these files (paths below the raw folder); none means all files of the sources.
    #[serde(default)]
    pub files: Vec<String>,
    /// How new the data is (Airflow: the logical date); the command's own time if absent. The load with
    /// the greatest value is the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<DateTime<Utc>>,
}

/// Build the models that depend on these sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransformRequested {
    /// The load or run that this belongs to.
    pub load_id: LoadId,
    /// Sources by the names of their contracts; none means everything.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Rebuild incremental models from nothing.
    #[serde(default)]
    pub full_refresh: bool,
}

/// Judge the data of these sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DqRequested {
    /// The load or run that this belongs to.
    pub load_id: LoadId,
    /// Sources by the names of their contracts; none means all.
    #[serde(default)]
    pub sources: Vec<String>,
}
