//! `millrace cancel`: taking a command back.

use std::time::Duration;

use bus::{Bus, Consumer, QueueDepth};
use messages::{CancelRequested, Envelope, Failure, FailureClass, LoadId, Message, MessageId, Stage};
use runtime::Settings;
use runtime::telemetry::context;
use serde::Serialize;
use tracing::Instrument;
use warehouse::Ledger;

use crate::End;
use crate::cli::Cancel;
use crate::load::State;
use crate::output::{self, Output};
use crate::trigger::describe;
use crate::{dry_run, platform};

/// Who asks.
const SENDER: &str = "millrace/cancel";

#[derive(Serialize)]
struct Sent {
    load_id: LoadId,
    command_id: MessageId,
    /// Where it was taken back.
    stages: Vec<Stage>,
    reason: Option<String>,
    trace_id: String,
    /// How the command ended, if that was waited for: the answer's type and data.
    answer: Option<serde_json::Value>,
}

/// What is taken back, and where.
struct Target {
    command_id: MessageId,
    stages: Vec<Stage>,
}

/// Takes a command back, and waits for its end if asked to.
pub async fn cancel(settings: Settings, asked: &Cancel, output: &Output) -> Result<End, Failure> {
    let target = match asked.command {
        // Nothing needs to be known of it: a cancel may come before its command.
        Some(command_id) => Target { command_id, stages: asked.stage.map_or(Stage::ALL.to_vec(), |stage| vec![stage]) },
        None => find(&settings, asked).await?,
    };
    let bus = platform::open_bus(&settings, "cancel").await?;
    let answers = match asked.wait {
        Some(_) => Some(listen(&*bus, &asked.load_id, &target.stages).await?),
        None => None,
    };
    let trace_id = publish(&*bus, asked, &target).await?;
    tell(&*bus, asked, &target, output).await;
    let mut sent = Sent {
        load_id: asked.load_id.clone(),
        command_id: target.command_id,
        stages: target.stages.clone(),
        reason: asked.reason.clone(),
        trace_id,
        answer: None,
    };
    let mut end = End::Good;
    if let (Some(secs), Some(mut answers)) = (asked.wait, answers) {
        let answer = tokio::time::timeout(Duration::from_secs(secs), wait(answers.as_mut(), &target)).await;
        drop(answers);
        bus.close().await;
        let answer = answer.map_err(|_| {
            Failure::transient(format!(
                "{} has not ended within {secs} s; what had ended before is not told again: look with `millrace load`, and see with `millrace queues` that workers run",
                asked.load_id
            ))
        })??;
        end = if is_cancelled(&answer) { End::Good } else { End::Bad };
        sent.answer = answer.to_json().and_then(|body| serde_json::from_slice(&body)).ok();
        output.note(&describe(&answer));
        if end == End::Bad {
            output.note(&output::warn("it came too late: what was done by then stands"));
        }
    }
    output.value(&sent, |_| {})?;
    Ok(end)
}

/// The newest command of the load, and the stages that have something to do for it, from the audit.
async fn find(settings: &Settings, asked: &Cancel) -> Result<Target, Failure> {
    let load_id = &asked.load_id;
    let hint = "name the command with --command, as `millrace trigger`, Airflow's task log or the worker's log has it";
    let look = async {
        let ledger = Ledger::new(platform::open_to_look(settings).await?);
        let found = async { Ok::<_, Failure>((ledger.load_lines(load_id).await?, ledger.stage_lines(load_id).await?)) };
        let found = found.await;
        let _ = tokio::time::timeout(Duration::from_secs(5), ledger.warehouse().close()).await;
        found
    };
    let (files, stages) = look.await.map_err(|failure: Failure| Failure {
        message: format!("{failure}; the audit can't say which command it is: {hint}"),
        ..failure
    })?;
    let state = State::of(&files, &stages).as_str();
    let Some(command_id) = files.iter().map(|line| line.command_id).max() else {
        return Err(Failure::permanent(match stages.is_empty() {
            true => format!("the audit knows nothing of {load_id} yet: if its message waits in a queue, {hint}"),
            false => format!("{load_id} is {state}, and the audit knows of no command that is not done: {hint}"),
        }));
    };
    let open = State::open_stages(&files, &stages);
    let stages: Vec<Stage> =
        open.iter().copied().filter(|stage| asked.stage.is_none_or(|only| only == *stage)).collect();
    if stages.is_empty() {
        let at = asked.stage.map(|stage| format!(" at {stage}")).unwrap_or_default();
        return Err(Failure::permanent(format!(
            "{load_id} is {state}: there is nothing to cancel{at}; if you mean another command for it, {hint}"
        )));
    }
    Ok(Target { command_id, stages })
}

async fn listen(bus: &dyn Bus, load_id: &LoadId, stages: &[Stage]) -> Result<Box<dyn Consumer>, Failure> {
    let answers = |stage: &Stage| ["completed", "failed", "dry_run.completed"].map(|end| format!("{stage}.{end}"));
    let types: Vec<String> = stages.iter().flat_map(answers).collect();
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    Ok(bus.listen(load_id, &types).await?)
}

/// Says it to each stage; the answer is the trace's id. The last stage first: whatever goes on meanwhile meets it there.
async fn publish(bus: &dyn Bus, asked: &Cancel, target: &Target) -> Result<String, Failure> {
    let span = tracing::info_span!("cancel", otel.name = "cancel", millrace.load_id = %asked.load_id);
    let mut trace_id = String::new();
    for stage in target.stages.iter().rev() {
        let cancel = CancelRequested {
            load_id: asked.load_id.clone(),
            command_id: target.command_id,
            reason: asked.reason.clone(),
        };
        let mut envelope = Envelope::new(SENDER, Message::cancel(*stage, cancel));
        if trace_id.is_empty()
            && let Some((trace, state)) = context::of_environment()
        {
            (envelope.trace, envelope.tracestate) = (trace, state);
            context::continue_from(&span, &mut envelope);
        }
        context::adopt(&span, &mut envelope);
        bus.publish(&envelope).instrument(span.clone()).await?;
        trace_id = envelope.trace.trace_id();
    }
    Ok(trace_id)
}

/// What was done, and what may keep it from having an effect at once.
async fn tell(bus: &dyn Bus, asked: &Cancel, target: &Target, output: &Output) {
    let stages: Vec<&str> = target.stages.iter().map(|stage| stage.as_str()).collect();
    output.note(&format!(
        "command {} of {} is taken back at {}: what waits is not begun, what is in hand is broken off where it can be, and what is done stays done",
        target.command_id,
        asked.load_id,
        stages.join(", ")
    ));
    // A look that fails takes nothing from what was done.
    let depths = bus.depths().await.unwrap_or_default();
    for depth in depths.iter().filter(|depth| target.stages.contains(&depth.stage)) {
        if let Some(hint) = hint(depth) {
            output.note(&output::warn(&hint));
        }
    }
    output.note(&output::faint(&format!("`millrace load '{}'` shows how it ends", asked.load_id)));
}

fn hint(depth: &QueueDepth) -> Option<String> {
    let stage = depth.stage;
    if depth.consumers == Some(0) {
        return Some(format!("no {stage} worker runs: it holds as soon as one does"));
    }
    depth.paused.then(|| {
        format!("{stage} is paused: what waits there is cancelled once `millrace resume {stage}` lets it go on")
    })
}

/// The command's end: a failure of any class, the last of its stages done, or what a dry run found out.
async fn wait(answers: &mut dyn Consumer, target: &Target) -> Result<Envelope, Failure> {
    let last = target.stages.last().map(|stage| format!("{stage}.completed"));
    loop {
        let delivery = answers.next().await?;
        let envelope = delivery.envelope();
        delivery.ack().await?;
        let Ok(envelope) = envelope else { continue };
        let kind = envelope.message.type_name();
        let is_end =
            kind.ends_with(".failed") || last.as_deref() == Some(kind) || dry_run::is_answer(&envelope.message);
        if is_end && envelope.correlation_id == Some(target.command_id) {
            return Ok(envelope);
        }
    }
}

fn is_cancelled(answer: &Envelope) -> bool {
    let failure = match &answer.message {
        Message::IngestFailed(event) => &event.failure,
        Message::TransformFailed(event) => &event.failure,
        Message::DqFailed(event) => &event.failure,
        other => match dry_run::failure(other) {
            Some(failure) => failure,
            None => return false,
        },
    };
    failure.class == FailureClass::Cancelled
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bus::embedded::EmbeddedBus;
    use messages::{DqDryRunCompleted, DqDryRunRequested, DqRequested};

    use super::*;

    #[tokio::test]
    async fn a_dry_run_that_was_taken_back_has_its_answer_for_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let bus = EmbeddedBus::open(&folder.path().join("bus.sqlite"), "test").await.unwrap();
        let load_id = LoadId::new("a").unwrap();
        let asked = DqDryRunRequested(DqRequested { load_id: load_id.clone(), sources: Vec::new() });
        let asked = Envelope::new("test", asked);
        let target = Target { command_id: asked.id, stages: Stage::ALL.to_vec() };
        let mut answers = listen(&bus, &load_id, &target.stages).await.unwrap();
        let failure = Some(Failure::cancelled("cancelled: a typo"));
        let told = DqDryRunCompleted { load_id, verdict: None, checks: Vec::new(), failure };
        bus.publish(&asked.leads_to("test", told)).await.unwrap();
        let end = tokio::time::timeout(Duration::from_secs(20), wait(answers.as_mut(), &target)).await.unwrap();
        assert!(is_cancelled(&end.unwrap()));
    }
}
