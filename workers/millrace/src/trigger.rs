//! `millrace trigger`: asking for a run by publishing a command, as Airflow does.

use std::time::Duration;

use bus::Consumer;
use messages::{DqRequested, Envelope, Failure, FailureClass, IngestRequested, Message, MessageId, TransformRequested};
use runtime::Settings;
use runtime::telemetry::context;
use serde::Serialize;
use tracing::Instrument;

use crate::End;
use crate::cli::{Asked, Trigger};
use crate::output::{self, Output};
use crate::{dry_run, platform};

/// Who asks.
const SENDER: &str = "millrace/trigger";

/// How long the answer of a dry run is waited for where nothing else is said.
const DRY_RUN_WAIT_SECS: u64 = 60;

#[derive(Serialize)]
struct Sent {
    load_id: String,
    command_id: MessageId,
    trace_id: String,
    /// The answer's type and data, if it was waited for.
    answer: Option<serde_json::Value>,
}

/// Publishes the command, and waits for its answer if asked to.
pub async fn trigger(settings: Settings, asked: Trigger, output: &Output) -> Result<End, Failure> {
    let contracts = platform::read_contracts(&settings)?;
    // Said at once, rather than by a worker later.
    contracts.named(&asked.sources).map_err(|failure| Failure::fatal(failure.message))?;
    let bus = platform::open_bus(&settings, "trigger").await?;
    let mut command = Envelope::new(SENDER, message(&asked)?);
    let span = tracing::info_span!(
        "trigger",
        otel.name = format!("trigger {}", asked.stage.name()),
        millrace.load_id = %asked.load_id,
    );
    if let Some((trace, state)) = context::of_environment() {
        (command.trace, command.tracestate) = (trace, state);
        context::continue_from(&span, &mut command);
    }
    context::adopt(&span, &mut command);
    let stage = asked.stage.name();
    let answered_by = match asked.dry_run {
        true => vec![format!("{stage}.dry_run.completed")],
        false => vec![format!("{stage}.completed"), format!("{stage}.failed")],
    };
    // Nobody keeps what a dry run tells.
    let patience = asked.wait.or(asked.dry_run.then_some(DRY_RUN_WAIT_SECS));
    let answers = match patience {
        // Listen first: the answer may come before the next line is reached.
        Some(_) => {
            let types: Vec<&str> = answered_by.iter().map(String::as_str).collect();
            Some(bus.listen(&asked.load_id, &types).await?)
        }
        None => None,
    };
    bus.publish(&command).instrument(span).await?;
    let mut sent = Sent {
        load_id: asked.load_id.to_string(),
        command_id: command.id,
        trace_id: command.trace.trace_id(),
        answer: None,
    };
    let mut end = End::Good;
    if let (Some(secs), Some(mut answers)) = (patience, answers) {
        let answer = tokio::time::timeout(Duration::from_secs(secs), wait(answers.as_mut(), command.id)).await;
        // The queue of the answers goes away with this process, and not later.
        drop(answers);
        bus.close().await;
        let answer = answer.map_err(|_| {
            let look = if asked.dry_run { "ask again" } else { "look with `millrace load`" };
            Failure::transient(format!(
                "no answer for {} within {secs} s; it may still come: {look}, and see that a {stage} worker runs",
                asked.load_id
            ))
        })??;
        if is_bad(&answer.message) {
            end = End::Bad;
        }
        let wire = answer.to_json().and_then(|body| serde_json::from_slice::<serde_json::Value>(&body));
        sent.answer = wire.ok();
        output.note(&describe(&answer));
    }
    output.value(&sent, |sent| {
        output.note(&output::faint(&format!(
            "{stage} {} for {}: command {}, trace {}",
            if asked.dry_run { "dry run" } else { "requested" },
            sent.load_id,
            sent.command_id,
            sent.trace_id
        )));
    })?;
    Ok(end)
}

fn message(asked: &Trigger) -> Result<Message, Failure> {
    let refuse = |option: &str, stage: &str| {
        Failure::fatal(format!("{option} belongs to `millrace trigger {stage}` only; leave it away"))
    };
    if asked.stage != Asked::Ingest && (asked.as_of.is_some() || !asked.files.is_empty()) {
        return Err(refuse("--as-of or --file", "ingest"));
    }
    if asked.stage != Asked::Transform && asked.full_refresh {
        return Err(refuse("--full-refresh", "transform"));
    }
    let (load_id, sources) = (asked.load_id.clone(), asked.sources.clone());
    let message: Message = match asked.stage {
        Asked::Ingest => IngestRequested { load_id, sources, files: asked.files.clone(), as_of: asked.as_of }.into(),
        Asked::Transform => TransformRequested { load_id, sources, full_refresh: asked.full_refresh }.into(),
        Asked::Dq => DqRequested { load_id, sources }.into(),
    };
    Ok(if asked.dry_run { dry_run::of(message) } else { message })
}

/// The answer to this command; answers to others about the same load are passed over.
pub async fn wait(answers: &mut dyn Consumer, command: MessageId) -> Result<Envelope, Failure> {
    loop {
        let delivery = answers.next().await?;
        let envelope = delivery.envelope();
        delivery.ack().await?;
        match envelope {
            Ok(envelope) if envelope.correlation_id == Some(command) => return Ok(envelope),
            _ => {}
        }
    }
}

/// Whether it tells of a failure, or of one that there would be.
fn is_bad(answer: &Message) -> bool {
    matches!(answer, Message::IngestFailed(_) | Message::TransformFailed(_) | Message::DqFailed(_))
        || dry_run::failure(answer).is_some()
}

/// How a command ended that did not do what it asked for.
fn failed(stage: &str, failure: &Failure) -> String {
    match failure.class {
        FailureClass::Cancelled => format!("{} {failure}", output::warn(&format!("{stage}:"))),
        FailureClass::Quarantined => format!("{} {failure}", output::warn(&format!("{stage} held back:"))),
        _ => format!("{} {failure}", output::bad(&format!("{stage} failed:"))),
    }
}

/// An answer in words.
pub fn describe(answer: &Envelope) -> String {
    if let Some(told) = dry_run::describe(&answer.message) {
        return told;
    }
    match &answer.message {
        Message::IngestCompleted(event) => {
            let tables = event
                .tables
                .iter()
                .map(|table| format!("{} {} rows", table.table, output::thousands(table.rows_loaded)));
            format!("{} {}", output::good("ingest completed:"), tables.collect::<Vec<_>>().join(", "))
        }
        Message::TransformCompleted(event) => {
            format!("{} {}", output::good("transform completed:"), output::counted(event.nodes.len(), "node"))
        }
        Message::DqCompleted(event) => {
            format!(
                "{} {} over {}",
                output::good("dq completed:"),
                output::status(event.verdict.as_str()),
                output::counted(event.checks.len(), "check")
            )
        }
        Message::IngestFailed(event) => failed("ingest", &event.failure),
        Message::TransformFailed(event) => failed("transform", &event.failure),
        Message::DqFailed(event) => failed("dq", &event.failure),
        other => other.type_name().into(),
    }
}
