//! Why there is no build, and whether another try can help.

use messages::Failure;

use super::BuildReport;
use super::cause::{self, Cause, HELD};

/// What the sidecar and the cold driver say of a selection that matches nothing.
const NOTHING: &str = "nothing to build";

/// A build that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DbtError {
    /// Python, dbt or the project is not there.
    #[error("{message}")]
    Missing {
        /// What is missing, and where to get it.
        message: String,
    },
    /// The project does not parse, or its profile is wrong.
    #[error("dbt can't build the project: {message}")]
    Project {
        /// dbt's words: the model, its file and the cause.
        message: String,
    },
    /// The project parses, and nothing in it matches the selection.
    #[error("dbt has {message}")]
    NothingSelected {
        /// The selection.
        message: String,
    },
    /// Models failed. The others were built.
    #[error("{message}")]
    Failed {
        /// All nodes, those that went well too.
        report: Box<BuildReport>,
        /// The models that failed, and why the first one did.
        message: String,
    },
    /// The warehouse does not let dbt in.
    #[error("dbt can't log in to the warehouse: {message}; mend the SNOWFLAKE_ variables, then start again")]
    Refused {
        /// The warehouse's words.
        message: String,
    },
    /// The warehouse was held by somebody else or away, or dbt died.
    #[error("dbt could not build now: {message}")]
    Transient {
        /// What was in the way.
        message: String,
    },
    /// The build was broken off because whoever asked for it did not want it any more.
    #[error("the build was broken off; the models that dbt had built by then stand")]
    Stopped,
    /// The build was killed.
    #[error("dbt was still building after {timeout_secs} s and was ended; allow it more time or find the slow model")]
    TimedOut {
        /// The limit it ran into, in seconds.
        timeout_secs: u64,
    },
}

impl DbtError {
    /// Whether another program holds the warehouse at the moment.
    pub(crate) fn is_held(&self) -> bool {
        let held = |message: &str| HELD.iter().any(|words| message.to_lowercase().contains(words));
        matches!(self, Self::Transient { message } if held(message))
    }

    /// An error that dbt told in words, where nothing was built.
    pub(super) fn of_text(text: &str) -> Self {
        let message = one_paragraph(text);
        match cause::of(text) {
            Cause::Refused => Self::Refused { message },
            Cause::Passing => Self::Transient { message },
            Cause::Lasting if message.starts_with(NOTHING) => Self::NothingSelected { message },
            Cause::Lasting => Self::Project { message },
        }
    }

    /// An error in words of a dry run, which may have told its nodes before: one of them does not compile, then.
    pub(super) fn of_plan(report: BuildReport, text: &str) -> Self {
        match Self::of_text(text) {
            Self::Project { message } if !report.nodes.is_empty() => {
                let message = format!("dbt could not compile what it would build: {message}");
                Self::Failed { report: Box::new(report), message }
            }
            error => error,
        }
    }

    /// The error of a report in which models failed: transient if every one of them failed for a passing reason.
    pub(super) fn of_failed(report: BuildReport) -> Self {
        let said = |message: &Option<String>| message.clone().unwrap_or_default();
        let first = report.errors().next().map(|node| one_paragraph(&said(&node.message))).unwrap_or_default();
        let causes: Vec<Cause> = report.errors().map(|node| cause::of(&said(&node.message))).collect();
        if causes.contains(&Cause::Refused) {
            return Self::Refused { message: first };
        }
        if causes.iter().all(|cause| *cause == Cause::Passing) {
            return Self::Transient { message: first };
        }
        let names: Vec<&str> = report.errors().map(|node| node.name.as_str()).collect();
        let message = format!("dbt could not build {}: {first}", names.join(", "));
        Self::Failed { report: Box::new(report), message }
    }
}

impl From<DbtError> for Failure {
    fn from(error: DbtError) -> Self {
        let message = error.to_string();
        match error {
            DbtError::Missing { .. } | DbtError::Refused { .. } => Self::fatal(message),
            DbtError::Project { .. } | DbtError::NothingSelected { .. } | DbtError::Failed { .. } => {
                Self::permanent(message)
            }
            DbtError::Transient { .. } | DbtError::TimedOut { .. } => Self::transient(message),
            DbtError::Stopped => Self::cancelled(message),
        }
    }
}

/// dbt breaks and indents its messages for terminals.
fn one_paragraph(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use messages::FailureClass;

    use super::*;
    use crate::dbt::{How, NodeResult, NodeStatus};

    fn report(messages: &[&str]) -> BuildReport {
        let node = |(at, message): (usize, &&str)| NodeResult {
            unique_id: format!("model.millrace.m{at}"),
            name: format!("m{at}"),
            resource_type: "model".into(),
            materialization: None,
            relation: None,
            status: NodeStatus::Error,
            started_at: None,
            finished_at: None,
            message: Some((*message).into()),
            failures: None,
            tested: None,
            is_warning: false,
        };
        let nodes = messages.iter().enumerate().map(node).collect();
        BuildReport { invocation_id: "i".into(), elapsed_secs: 0.0, nodes, how: How::Warm }
    }

    #[test]
    fn a_lock_passes_and_a_typing_error_does_not() {
        let lock = "Runtime Error\n  IO Error: Could not set lock on file \"x\": Conflicting lock is held";
        assert_eq!(Failure::from(DbtError::of_text(lock)).class, FailureClass::Transient);
        let typing = DbtError::of_text("Compilation Error\n  Model 'm' depends on 'n'");
        assert_eq!(Failure::from(typing).class, FailureClass::Permanent);
    }

    #[test]
    fn one_model_with_a_lasting_fault_makes_the_build_fail_for_good() {
        let conflict = "TransactionContext Error: Failed to commit";
        assert!(matches!(DbtError::of_failed(report(&[conflict, conflict])), DbtError::Transient { .. }));
        let error = DbtError::of_failed(report(&[conflict, "Binder Error"]));
        assert!(matches!(&error, DbtError::Failed { report, .. } if report.nodes.len() == 2));
        assert_eq!(error.to_string(), format!("dbt could not build m0, m1: {conflict}"));
    }
}
