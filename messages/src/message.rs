//! Every command and event, by its type.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    CancelRequested, DqCancelRequested, DqCompleted, DqDryRunCompleted, DqDryRunRequested, DqFailed, DqRequested,
    IngestCancelRequested, IngestCompleted, IngestDiscardRequested, IngestDryRunCompleted, IngestDryRunRequested,
    IngestFailed, IngestReleaseRequested, IngestRequested, LoadId, SourceFileDiscovered, SourceOverdue, Stage,
    TransformCancelRequested, TransformCompleted, TransformDryRunCompleted, TransformDryRunRequested, TransformFailed,
    TransformRequested,
};

/// Builds [`Message`] and what must be known of each kind, so that a new kind is one line here.
macro_rules! messages {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, to $stage:expr;)+) => {
        /// A command or an event. The type's name is also the first part of its routing key.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Message {
            $($(#[$doc])* $kind($kind),)+
        }

        impl Message {
            /// The names of all types.
            pub const TYPES: &'static [&'static str] = &[$($name),+];

            /// The type's name, such as `ingest.completed`.
            pub fn type_name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name,)+ }
            }

            /// The load that the message speaks of.
            pub fn load_id(&self) -> &LoadId {
                match self { $(Self::$kind(data) => &data.load_id,)+ }
            }

            /// The stage that must handle the message; `None` for an announcement that may go unheard.
            pub fn stage(&self) -> Option<Stage> {
                match self { $(Self::$kind(_) => $stage,)+ }
            }

            /// The data as JSON.
            pub(crate) fn data(&self) -> serde_json::Result<serde_json::Value> {
                match self { $(Self::$kind(data) => to_json(data),)+ }
            }

            /// Reads the data of the type `name`; `None` if no type has that name.
            pub(crate) fn from_data(name: &str, data: serde_json::Value) -> Option<serde_json::Result<Self>> {
                match name {
                    $($name => Some(from_json(data).map(Self::$kind)),)+
                    _ => None,
                }
            }

            /// The JSON Schema of each type's data.
            pub(crate) fn data_schemas() -> Vec<(&'static str, schemars::Schema)> {
                vec![$(($name, schemars::schema_for!($kind)),)+]
            }

            /// The stage that must handle messages of the type `name`.
            pub(crate) fn stage_of(name: &str) -> Option<Stage> {
                match name { $($name => $stage,)+ _ => None }
            }
        }

        $(impl From<$kind> for Message {
            fn from(data: $kind) -> Self {
                Self::$kind(data)
            }
        })+
    };
}

messages! {
    /// Command: load files.
    IngestRequested = "ingest.requested", to Some(Stage::Ingest);
    /// Event: a file is there to be loaded.
    SourceFileDiscovered = "source.file.discovered", to Some(Stage::Ingest);
    /// Event: a load's slices stand.
    IngestCompleted = "ingest.completed", to Some(Stage::Transform);
    /// Event: a load failed.
    IngestFailed = "ingest.failed", to None;
    /// Command: build models.
    TransformRequested = "transform.requested", to Some(Stage::Transform);
    /// Event: models are built.
    TransformCompleted = "transform.completed", to Some(Stage::Dq);
    /// Event: a build failed.
    TransformFailed = "transform.failed", to None;
    /// Command: judge data.
    DqRequested = "dq.requested", to Some(Stage::Dq);
    /// Event: the data is good enough.
    DqCompleted = "dq.completed", to None;
    /// Event: the data is not good enough.
    DqFailed = "dq.failed", to None;

    /// Command: load no more for another command.
    IngestCancelRequested = "ingest.cancel.requested", to Some(Stage::Ingest);
    /// Command: build no more for another command.
    TransformCancelRequested = "transform.cancel.requested", to Some(Stage::Transform);
    /// Command: judge no more for another command.
    DqCancelRequested = "dq.cancel.requested", to Some(Stage::Dq);

    /// Command: let a load that is held back become current.
    IngestReleaseRequested = "ingest.release.requested", to Some(Stage::Ingest);
    /// Command: give up a load that is held back.
    IngestDiscardRequested = "ingest.discard.requested", to Some(Stage::Ingest);
    /// Event: a source has not delivered when it should have.
    SourceOverdue = "source.overdue", to None;

    /// Command: tell what would be loaded.
    IngestDryRunRequested = "ingest.dry_run.requested", to Some(Stage::Ingest);
    /// Event: what would be loaded.
    IngestDryRunCompleted = "ingest.dry_run.completed", to None;
    /// Command: tell what would be built.
    TransformDryRunRequested = "transform.dry_run.requested", to Some(Stage::Transform);
    /// Event: what would be built.
    TransformDryRunCompleted = "transform.dry_run.completed", to None;
    /// Command: tell how the data is judged.
    DqDryRunRequested = "dq.dry_run.requested", to Some(Stage::Dq);
    /// Event: how the data is judged.
    DqDryRunCompleted = "dq.dry_run.completed", to None;
}

impl Message {
    /// Whether it asks for something, rather than tells of something.
    pub fn is_command(&self) -> bool {
        self.type_name().ends_with(".requested")
    }

    /// Whether it only asks what a command would do. Such a one changes nothing, and whatever it meets is part of its answer.
    pub fn is_dry_run(&self) -> bool {
        self.type_name().ends_with(".dry_run.requested")
    }

    /// The message that takes a command back at this stage.
    pub fn cancel(stage: Stage, cancel: CancelRequested) -> Self {
        match stage {
            Stage::Ingest => IngestCancelRequested(cancel).into(),
            Stage::Transform => TransformCancelRequested(cancel).into(),
            Stage::Dq => DqCancelRequested(cancel).into(),
        }
    }

    /// What it takes back, if it takes a command back.
    pub fn cancels(&self) -> Option<&CancelRequested> {
        match self {
            Self::IngestCancelRequested(cancel) => Some(cancel),
            Self::TransformCancelRequested(cancel) => Some(cancel),
            Self::DqCancelRequested(cancel) => Some(cancel),
            _ => None,
        }
    }
}

fn to_json<T: Serialize>(data: &T) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(data)
}

fn from_json<T: DeserializeOwned>(data: serde_json::Value) -> serde_json::Result<T> {
    serde_json::from_value(data)
}
