//! `millrace release` and `millrace discard`: deciding about a load that is held back.

use std::time::Duration;

use messages::{
    Decision, Envelope, Failure, FailureClass, IngestDiscardRequested, IngestReleaseRequested, Message, MessageId,
};
use runtime::Settings;
use runtime::telemetry::context;
use serde::Serialize;
use tracing::Instrument;

use crate::End;
use crate::cli::Decide;
use crate::output::{self, Output};
use crate::platform;
use crate::trigger::{describe, wait};

/// How long the answer is waited for where nothing else is said: a decision that changed nothing must not go unseen.
const WAIT_SECS: u64 = 60;

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The load becomes current.
    Release,
    /// It is given up, and its rows removed.
    Discard,
}

#[derive(Serialize)]
struct Sent {
    load_id: String,
    command_id: MessageId,
    trace_id: String,
    decided_by: String,
    reason: String,
    /// The answer's type and data, if it was waited for.
    answer: Option<serde_json::Value>,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Discard => "discard",
        }
    }

    fn message(self, decision: Decision) -> Message {
        match self {
            Self::Release => IngestReleaseRequested(decision).into(),
            Self::Discard => IngestDiscardRequested(decision).into(),
        }
    }

    /// Whether the answer says that it was done as wanted.
    fn is_done(self, answer: &Message) -> bool {
        match (self, answer) {
            (Self::Release, Message::IngestCompleted(_)) => true,
            (Self::Discard, Message::IngestFailed(event)) => event.failure.class == FailureClass::Cancelled,
            _ => false,
        }
    }
}

/// Publishes the decision, and waits for what becomes of it.
pub async fn decide(settings: Settings, verdict: Verdict, asked: Decide, output: &Output) -> Result<End, Failure> {
    let decided_by = who(asked.by.as_deref())?;
    if asked.reason.trim().is_empty() {
        return Err(Failure::fatal("--reason is empty: say why, for whoever finds it so"));
    }
    let bus = platform::open_bus(&settings, verdict.name()).await?;
    let decision =
        Decision { load_id: asked.load_id.clone(), decided_by: decided_by.clone(), reason: asked.reason.clone() };
    let mut command = Envelope::new(format!("millrace/{}", verdict.name()), verdict.message(decision));
    let span = tracing::info_span!("decide", otel.name = verdict.name(), millrace.load_id = %asked.load_id);
    if let Some((trace, state)) = context::of_environment() {
        (command.trace, command.tracestate) = (trace, state);
        context::continue_from(&span, &mut command);
    }
    context::adopt(&span, &mut command);
    // Listen first: the answer may come before the next line is reached.
    let mut answers = bus.listen(&asked.load_id, &["ingest.completed", "ingest.failed"]).await?;
    bus.publish(&command).instrument(span).await?;
    let secs = asked.wait.unwrap_or(WAIT_SECS);
    let answer = tokio::time::timeout(Duration::from_secs(secs), wait(answers.as_mut(), command.id)).await;
    // The queue of the answers goes away with this process, and not later.
    drop(answers);
    bus.close().await;
    let answer = answer.map_err(|_| {
        Failure::transient(format!(
            "no answer for {} within {secs} s; it may still come: look with `millrace load`, and see that an ingest worker runs",
            asked.load_id
        ))
    })??;
    let is_done = verdict.is_done(&answer.message);
    if is_done && verdict == Verdict::Discard {
        output
            .note(&format!("{} its rows are gone, and what it would have replaced stays", output::warn("discarded:")));
    } else {
        output.note(&describe(&answer));
    }
    if is_done && verdict == Verdict::Release {
        output.note(&output::faint(&format!(
            "its models are built now; where newer data is current, that stays: `millrace load '{}'` shows how it goes on",
            asked.load_id
        )));
    }
    let wire = answer.to_json().and_then(|body| serde_json::from_slice::<serde_json::Value>(&body));
    let sent = Sent {
        load_id: asked.load_id.to_string(),
        command_id: command.id,
        trace_id: command.trace.trace_id(),
        decided_by,
        reason: asked.reason,
        answer: wire.ok(),
    };
    output.value(&sent, |_| {})?;
    Ok(if is_done { End::Good } else { End::Bad })
}

/// Who decides: as told, else the user who is logged in.
fn who(told: Option<&str>) -> Result<String, Failure> {
    let of_environment = || ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let who = told.map(str::to_owned).or_else(of_environment).map(|name| name.trim().to_owned());
    who.filter(|name| !name.is_empty())
        .ok_or_else(|| Failure::fatal("it is not known who decides: name them with --by"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::DateTime;
    use messages::{IngestCompleted, IngestFailed, LoadId};

    use super::*;

    /// Whoever releases what a newer command has taken over is not told that it was released.
    #[test]
    fn only_what_became_of_it_as_wanted_is_done() {
        let load_id = LoadId::new("run").unwrap();
        let completed: Message =
            IngestCompleted { load_id: load_id.clone(), as_of: DateTime::default(), tables: Vec::new() }.into();
        let failed = |failure: Failure| -> Message {
            IngestFailed { load_id: load_id.clone(), tables: Vec::new(), uri: None, failure }.into()
        };
        let taken_over = failed(Failure::cancelled("a newer command for run has taken over all of its files"));
        let too_late = failed(Failure::permanent("run is not held back any more"));
        assert!(Verdict::Release.is_done(&completed));
        assert!(!Verdict::Release.is_done(&taken_over) && !Verdict::Release.is_done(&too_late));
        assert!(Verdict::Discard.is_done(&failed(Failure::cancelled("discarded by jane: no"))));
        assert!(!Verdict::Discard.is_done(&completed) && !Verdict::Discard.is_done(&too_late));
    }
}
