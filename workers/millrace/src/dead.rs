//! `millrace dead`: messages that were given up.

use bus::{Bus, DeadLetter};
use messages::{Failure, Stage};
use runtime::Settings;
use serde::Serialize;

use crate::End;
use crate::cli::{Chosen, Dead};
use crate::output::{self, Output, counted};
use crate::platform;

/// More dead letters than anybody looks through.
const ALL: usize = 1_000_000;

#[derive(Serialize)]
struct Done {
    done: Vec<String>,
    unknown: Vec<String>,
}

pub async fn dead(settings: Settings, what: Dead, output: &Output) -> Result<End, Failure> {
    let bus = platform::open_bus(&settings, "dead").await?;
    match what {
        Dead::List { stage, limit } => list(bus.as_ref(), stage, limit, output).await,
        Dead::Show { id } => show(bus.as_ref(), &id, output).await,
        Dead::Replay(chosen) => {
            let ids = ids(bus.as_ref(), &chosen).await?;
            report(&Done::of(bus.replay(&ids).await?, ids), "replayed", output)
        }
        Dead::Purge(chosen) => {
            let ids = ids(bus.as_ref(), &chosen).await?;
            report(&Done::of(bus.purge(&ids).await?, ids), "purged", output)
        }
    }
}

impl Done {
    fn of(done: Vec<String>, mut asked: Vec<String>) -> Self {
        asked.retain(|id| !done.contains(id));
        Self { done, unknown: asked }
    }
}

async fn ids(bus: &dyn Bus, chosen: &Chosen) -> Result<Vec<String>, Failure> {
    if !chosen.all {
        return Ok(chosen.ids.clone());
    }
    Ok(bus.dead(None, ALL).await?.into_iter().map(|letter| letter.dead_id).collect())
}

fn report(done: &Done, verb: &str, output: &Output) -> Result<End, Failure> {
    output.value(done, |done| {
        output.note(&format!("{} {verb}", counted(done.done.len(), "dead letter")));
        for id in &done.unknown {
            output.note(&format!("{} no dead letter has the id {id}", output::bad("unknown:")));
        }
    })?;
    Ok(if done.unknown.is_empty() { End::Good } else { End::Bad })
}

async fn list(bus: &dyn Bus, stage: Option<Stage>, limit: usize, output: &Output) -> Result<End, Failure> {
    let letters = bus.dead(stage, limit).await?;
    output.value(&letters, |letters| {
        if letters.is_empty() {
            return output.note("no dead letters");
        }
        let rows = letters.iter().map(|letter| {
            vec![
                letter.dead_id.clone(),
                letter.stage.to_string(),
                letter.died_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                letter.attempts.to_string(),
                letter.load_id.as_ref().map_or_else(|| "?".into(), ToString::to_string),
                letter.cause.class.as_str().into(),
                letter.cause.message.clone(),
            ]
        });
        output.table(&["id", "stage", "died (UTC)", "tries", "LOAD_ID", "failure", "cause"], rows.collect());
        output.note(&output::faint("replay with `millrace dead replay ID…` once the cause is mended"));
    })?;
    Ok(End::Good)
}

async fn show(bus: &dyn Bus, id: &str, output: &Output) -> Result<End, Failure> {
    let letters = bus.dead(None, ALL).await?;
    let Some(letter) = letters.into_iter().find(|letter| letter.dead_id == id) else {
        return Err(Failure::permanent(format!("no dead letter has the id {id}: `millrace dead list` shows them")));
    };
    output.value(&letter, |letter| describe(letter, output))?;
    Ok(End::Good)
}

fn describe(letter: &DeadLetter, output: &Output) {
    let unknown = || "unknown".to_owned();
    let lines = [
        ("id", letter.dead_id.clone()),
        ("stage", letter.stage.to_string()),
        ("type", letter.message_type.clone().unwrap_or_else(unknown)),
        ("message", letter.message_id.map_or_else(unknown, |id| id.to_string())),
        ("LOAD_ID", letter.load_id.as_ref().map_or_else(unknown, ToString::to_string)),
        ("failure", letter.cause.class.as_str().into()),
        ("cause", output::bad(&letter.cause.message)),
        ("tries", letter.attempts.to_string()),
        ("worker", letter.worker.clone()),
        ("died", letter.died_at.to_rfc3339()),
        ("trace", letter.trace_id.clone().unwrap_or_else(unknown)),
    ];
    for (name, value) in lines {
        output.note(&format!("{name:<8} {value}"));
    }
    output.note(&format!("\n{}", letter.body));
}
