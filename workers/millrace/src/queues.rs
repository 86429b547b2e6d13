//! `millrace queues`, `pause` and `resume`: how the stages stand, and who may work on them.

use bus::QueueDepth;
use messages::{Failure, Stage};
use runtime::Settings;
use serde::Serialize;

use crate::End;
use crate::cli::Queues;
use crate::output::{self, Output, age, counted, thousands};
use crate::platform;

/// A stage's queue, and what that means.
#[derive(Serialize)]
struct Queue {
    #[serde(flatten)]
    depth: QueueDepth,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Running,
    /// Nobody is there, and nothing waits.
    Idle,
    Paused,
    /// Messages wait, and nobody is there to take them.
    NoWorker,
}

/// What a pause or its end led to.
#[derive(Serialize)]
struct Set {
    stage: Stage,
    paused: bool,
    /// `false`: it was so already.
    changed: bool,
}

pub async fn queues(settings: Settings, options: &Queues, output: &Output) -> Result<End, Failure> {
    let bus = platform::open_bus(&settings, "queues").await?;
    let mut depths = bus.depths().await?;
    for depth in depths.iter_mut().filter(|depth| options.oldest && depth.ready > 0 && depth.oldest_secs.is_none()) {
        depth.oldest_secs = bus.oldest_secs(depth.stage).await?;
    }
    let queues: Vec<Queue> = depths.into_iter().map(Queue::of).collect();
    output.value(&queues, |queues| {
        let header = ["stage", "state", "ready", "delayed", "in hand", "dead", "oldest", "consumers", "in/s", "out/s"];
        output.table(&header, queues.iter().map(Queue::row).collect());
        for hint in queues.iter().flat_map(Queue::hints) {
            output.note(&hint);
        }
    })?;
    Ok(End::Good)
}

pub async fn set_paused(settings: Settings, stage: Stage, paused: bool, output: &Output) -> Result<End, Failure> {
    let bus = platform::open_bus(&settings, "queues").await?;
    let set = Set { stage, paused, changed: bus.set_paused(stage, paused).await? };
    output.value(&set, |set| {
        output.note(&match (set.paused, set.changed) {
            (true, true) => {
                format!("{stage} is paused: what is in hand is finished, the rest waits for `millrace resume {stage}`")
            }
            (true, false) => format!("{stage} was paused already: `millrace resume {stage}` lets it go on"),
            (false, true) => format!("{stage} goes on"),
            (false, false) => format!("{stage} was not paused"),
        });
    })?;
    Ok(End::Good)
}

/// What to do about a paused stage.
pub fn paused_hint(depth: &QueueDepth) -> String {
    let waiting = counted(usize::try_from(depth.ready + depth.delayed).unwrap_or(usize::MAX), "message");
    let stage = depth.stage;
    format!(
        "{} {stage} is paused and {waiting} in it wait: `millrace resume {stage}` lets it go on",
        output::warn("paused:")
    )
}

impl Queue {
    fn of(depth: QueueDepth) -> Self {
        let state = match depth.consumers {
            _ if depth.paused => State::Paused,
            Some(0) if depth.ready + depth.delayed > 0 => State::NoWorker,
            Some(0) => State::Idle,
            _ => State::Running,
        };
        Self { depth, state }
    }

    fn row(&self) -> Vec<String> {
        let depth = &self.depth;
        vec![
            depth.stage.to_string(),
            match self.state {
                State::Running => output::good("running"),
                State::Idle => output::faint("idle"),
                State::Paused => output::warn("paused"),
                State::NoWorker => output::bad("no worker"),
            },
            thousands(depth.ready),
            thousands(depth.delayed),
            thousands(depth.in_hand),
            thousands(depth.dead),
            or_dash(depth.oldest_secs, age),
            or_dash(depth.consumers, thousands),
            or_dash(depth.published_per_sec, rate),
            or_dash(depth.acknowledged_per_sec, rate),
        ]
    }

    fn hints(&self) -> Vec<String> {
        let stage = self.depth.stage;
        let mut hints = Vec::new();
        match self.state {
            State::Running | State::Idle => {}
            State::Paused => hints.push(paused_hint(&self.depth)),
            State::NoWorker => hints.push(format!(
                "{} nobody takes what waits in {stage}: start `millrace {stage}`, or `millrace up` for every role",
                output::bad("no worker:")
            )),
        }
        if self.depth.dead > 0 {
            let dead = counted(usize::try_from(self.depth.dead).unwrap_or(usize::MAX), "dead letter");
            hints.push(format!(
                "{} {stage} has {dead}: `millrace dead list --stage {stage}` tells why, `millrace dead replay ID` tries again",
                output::bad("dead:")
            ));
        }
        hints
    }
}

/// `-` for what the bus can't tell.
fn or_dash<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".into(), show)
}

/// Two digits that say something.
fn rate(per_sec: f64) -> String {
    match per_sec {
        0.0 => "0".into(),
        few if few < 10.0 => format!("{few:.2}"),
        many => format!("{many:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(ready: u64, consumers: Option<u64>, paused: bool) -> Queue {
        Queue::of(QueueDepth {
            stage: Stage::Dq,
            ready,
            delayed: 0,
            in_hand: 0,
            dead: 0,
            oldest_secs: None,
            consumers,
            published_per_sec: None,
            acknowledged_per_sec: Some(0.25),
            paused,
        })
    }

    #[test]
    fn a_state_says_what_is_off() {
        assert_eq!(queue(1, Some(1), false).state, State::Running);
        assert_eq!(queue(0, Some(0), false).state, State::Idle);
        assert_eq!(queue(1, None, false).state, State::Running, "who can't tell doesn't say that nobody is there");
        assert_eq!(queue(1, Some(0), false).state, State::NoWorker);
        assert_eq!(queue(1, Some(0), true).state, State::Paused);
    }

    #[test]
    fn what_a_bus_cannot_tell_is_a_dash() {
        assert_eq!(queue(1, None, false).row()[6..], ["-", "-", "-", "0.25"]);
    }

    #[test]
    fn a_rate_has_two_digits_that_say_something() {
        let shown = [0.0, 0.0166, 9.5, 1234.5].map(rate);
        assert_eq!(shown, ["0", "0.02", "9.50", "1234"]);
    }
}
