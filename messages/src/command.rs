//! What may be asked of the platform. Airflow and `millrace trigger` publish these.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Envelope, Failure, LoadId, MessageId};

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

/// What somebody decides about a load that is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The load that is held back.
    pub load_id: LoadId,
    /// Who decides, for the audit: a person or a program.
    pub decided_by: String,
    /// Why, for whoever finds it so.
    pub reason: String,
}

impl CancelRequested {
    /// Whether it takes this message back: the command itself, or what followed from it. Another command for the same load
    /// goes on, and nothing takes a cancel back.
    pub fn concerns(&self, envelope: &Envelope) -> bool {
        envelope.message.cancels().is_none()
            && *envelope.load_id() == self.load_id
            && envelope.commands().any(|id| id == self.command_id)
    }

    /// How what it takes back ends.
    pub fn failure(&self) -> Failure {
        match self.reason.as_deref().map(str::trim) {
            Some(reason) if !reason.is_empty() => Failure::cancelled(format!("cancelled: {reason}")),
            _ => Failure::cancelled("cancelled by whoever asked for it, without a reason"),
        }
    }
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
    /// Let a load that is held back become current, as if no gate had stopped it.
    IngestReleaseRequested(Decision);
    /// Give up a load that is held back, and remove its rows.
    IngestDiscardRequested(Decision);
    /// Judge, and record nothing.
    DqDryRunRequested(DqRequested);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::FailureClass;

    fn requested(load_id: &str) -> Envelope {
        let load_id = LoadId::new(load_id).unwrap();
        Envelope::new("test", DqRequested { load_id, sources: Vec::new() })
    }

    fn cancel(of: &Envelope, load_id: &str) -> CancelRequested {
        CancelRequested { load_id: LoadId::new(load_id).unwrap(), command_id: of.id, reason: None }
    }

    #[test]
    fn it_concerns_the_command_and_what_followed_and_nothing_else() {
        let asked = requested("a");
        let cancel_of_it = cancel(&asked, "a");
        assert!(cancel_of_it.concerns(&asked));
        let followed = asked.leads_to(
            "test",
            TransformRequested { load_id: asked.load_id().clone(), sources: Vec::new(), full_refresh: false },
        );
        assert_ne!(followed.id, asked.id);
        assert!(cancel_of_it.concerns(&followed));
        assert!(!cancel_of_it.concerns(&requested("a")), "another command for the same load");
        assert!(!cancel(&asked, "b").concerns(&asked), "another load");
        let mut told_to_stop = asked.leads_to("test", DqCancelRequested(cancel_of_it.clone()));
        assert!(!cancel_of_it.concerns(&told_to_stop));
        told_to_stop.id = asked.id;
        assert!(!cancel_of_it.concerns(&told_to_stop));
    }

    #[test]
    fn a_file_belongs_to_the_command_that_it_names() {
        let asked = requested("a");
        let file = crate::SourceFileDiscovered {
            load_id: asked.load_id().clone(),
            source: None,
            uri: "a.csv".into(),
            file_id: None,
            size_bytes: 1,
            modified_at: Utc::now(),
            as_of: Utc::now(),
            command_id: asked.id,
            run_files: 1,
            table_files: 1,
        };
        assert!(cancel(&asked, "a").concerns(&Envelope::new("test", file)));
    }

    #[test]
    fn its_reason_is_how_things_end() {
        let asked = requested("a");
        let with = |reason: Option<&str>| CancelRequested { reason: reason.map(Into::into), ..cancel(&asked, "a") };
        assert_eq!(with(Some("wrong day")).failure().message, "cancelled: wrong day");
        for none in [None, Some("  ")] {
            let failure = with(none).failure();
            assert_eq!(failure.class, FailureClass::Cancelled);
            assert!(failure.message.contains("without a reason"), "{failure}");
        }
    }
}
