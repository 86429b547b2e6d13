//! What may be asked of the platform. Airflow and `millrace trigger` publish these.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LoadId, MessageId};

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

/// Take a command back, and whatever followed from it.
///
/// What waits is not begun any more, what is in hand is broken off where that can be done, and what is done stays done. The
/// stage answers the command, and not this: with its `failed` event, of the class `cancelled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelRequested {
    /// The load that the command is about.
    pub load_id: LoadId,
    /// The command. Others for the same load go on.
    pub command_id: MessageId,
    /// Why, for those who find it cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Types of their own for what has the shape of something else.
macro_rules! shaped_as {
    ($($(#[$doc:meta])* $name:ident($shape:ident);)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            pub struct $name(pub $shape);

            impl Deref for $name {
                type Target = $shape;

                fn deref(&self) -> &$shape {
                    &self.0
                }
            }
        )+
    };
}

shaped_as! {
    /// Take a command back at the stage that loads.
    IngestCancelRequested(CancelRequested);
    /// Take a command back at the stage that builds.
    TransformCancelRequested(CancelRequested);
    /// Take a command back at the stage that judges.
    DqCancelRequested(CancelRequested);
    /// Tell what this command would load, and load nothing. A type of its own: a worker that does not know it refuses it, where a
    /// flag that it does not know would make it load.
    IngestDryRunRequested(IngestRequested);
    /// Tell what this command would build, and build nothing.
    TransformDryRunRequested(TransformRequested);
    /// Judge, and record nothing.
    DqDryRunRequested(DqRequested);
}
