//! Which exchanges, queues and bindings there are. The workers make them, `definitions.json` for operators is written
//! from them, and `design.md` draws them.

use messages::{COMMANDS_EXCHANGE, EVENTS_EXCHANGE, Stage};
use uuid::Uuid;

/// The topic exchange by which a stage's messages come back to it: retries, replays, dead letters. Keys begin with the
/// stage's name, so that a worker's right to write can be narrowed to its own stage.
pub const WORK_EXCHANGE: &str = "millrace.work";

/// Every exchange. All are durable topic exchanges.
pub const EXCHANGES: [&str; 3] = [COMMANDS_EXCHANGE, EVENTS_EXCHANGE, WORK_EXCHANGE];

/// What the names of listeners' queues begin with.
pub const ANSWERS: &str = "millrace.answers.";

/// How long a listener's queue outlives its listener, in milliseconds: longer than a broker takes to restart.
pub(super) const ANSWERS_EXPIRE_MILLIS: i64 = 300_000;

/// The queues in which a message waits for its retry: the name's end, and the longest delay that goes there in
/// milliseconds. A queue lets go of its messages in their order, so one that waits long holds up those behind it;
/// within a tier that can at most make a delay four times as long.
pub(super) const DELAY_TIERS: [(&str, u64); 6] =
    [("1s", 1_000), ("4s", 4_000), ("16s", 16_000), ("64s", 64_000), ("5m", 300_000), ("long", u64::MAX)];

/// More than any dead letter is ever looked at. Since RabbitMQ 4.0 the default is 20, beyond which one would be dropped.
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000_000;

/// A queue, durable and replicated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its arguments, which can't be changed later. Limits that may change are policies.
    pub arguments: Vec<(&'static str, Argument)>,
    /// The exchanges and keys that lead to it.
    pub bindings: Vec<(&'static str, String)>,
}

/// The value of a queue's argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// Every queue of every stage.
pub fn queues() -> Vec<Queue> {
    Stage::ALL.into_iter().flat_map(of_stage).collect()
}

/// The queues of one stage: its own, those of its delays, that of its dead letters, and the flag that pauses it.
pub fn of_stage(stage: Stage) -> Vec<Queue> {
    let mut queues = vec![work(stage)];
    queues.extend(DELAY_TIERS.iter().map(|(tier, _)| delay(stage, tier)));
    queues.push(dead(stage));
    queues.push(flag(stage));
    queues
}

fn work(stage: Stage) -> Queue {
    let mut arguments = quorum();
    arguments.extend(dead_lettering(dead_key(stage)));
    if stage == Stage::Transform {
        // Two builds at a time would get into each other's way, and one builds for all loads that wait.
        arguments.push(("x-single-active-consumer", Argument::Flag(true)));
    }
    let mut bindings: Vec<_> = stage.takes().map(|name| (exchange_of(name), format!("{name}.*"))).collect();
    bindings.push((WORK_EXCHANGE, stage_key(stage)));
    Queue { name: stage.queue(), arguments, bindings }
}

fn delay(stage: Stage, tier: &str) -> Queue {
    let mut arguments = quorum();
    arguments.extend(dead_lettering(stage_key(stage)));
    let key = delay_key(stage, tier);
    Queue { name: delay_queue(stage, tier), arguments, bindings: vec![(WORK_EXCHANGE, key)] }
}

fn dead(stage: Stage) -> Queue {
    let mut arguments = quorum();
    arguments.push(("x-delivery-limit", Argument::Number(DEAD_DELIVERY_LIMIT)));
    Queue { name: dead_queue(stage), arguments, bindings: vec![(WORK_EXCHANGE, dead_key(stage))] }
}

/// A stage is paused while this queue holds a message: a state that survives restarts, that every worker can see
/// without a right of its own, and that operators see among their queues.
fn flag(stage: Stage) -> Queue {
    let mut arguments = quorum();
    arguments.push(("x-max-length", Argument::Number(1)));
    Queue { name: flag_queue(stage), arguments, bindings: vec![(WORK_EXCHANGE, flag_key(stage))] }
}

fn quorum() -> Vec<(&'static str, Argument)> {
    vec![("x-queue-type", Argument::Text("quorum".into()))]
}

/// What leaves the queue otherwise than by an acknowledgement goes there, and stays until it has arrived.
fn dead_lettering(key: String) -> Vec<(&'static str, Argument)> {
    vec![
        ("x-dead-letter-exchange", Argument::Text(WORK_EXCHANGE.into())),
        ("x-dead-letter-routing-key", Argument::Text(key)),
        ("x-dead-letter-strategy", Argument::Text("at-least-once".into())),
        // The strategy asks for it.
        ("x-overflow", Argument::Text("reject-publish".into())),
    ]
}

/// The exchange that messages of the type `name` are published to.
pub(super) fn exchange_of(name: &str) -> &'static str {
    if name.ends_with(".requested") { COMMANDS_EXCHANGE } else { EVENTS_EXCHANGE }
}

pub(super) fn stage_key(stage: Stage) -> String {
    stage.to_string()
}

pub(super) fn dead_key(stage: Stage) -> String {
    format!("{stage}.dead")
}

pub(super) fn flag_key(stage: Stage) -> String {
    format!("{stage}.paused")
}

fn delay_key(stage: Stage, tier: &str) -> String {
    format!("{stage}.delay.{tier}")
}

/// The key of the queue in which a message waits for `millis`.
pub(super) fn delay_key_for(stage: Stage, millis: u64) -> String {
    let tier = DELAY_TIERS.iter().find(|(_, longest)| millis <= *longest).map_or("long", |(tier, _)| tier);
    delay_key(stage, tier)
}

pub(super) fn delay_queue(stage: Stage, tier: &str) -> String {
    format!("{}.delay.{tier}", stage.queue())
}

pub(super) fn dead_queue(stage: Stage) -> String {
    format!("{}.dead", stage.queue())
}

pub(super) fn flag_queue(stage: Stage) -> String {
    format!("{}.paused", stage.queue())
}

/// A queue of its own for whoever waits for answers.
pub(super) fn answers_queue() -> String {
    format!("{ANSWERS}{}", Uuid::new_v4())
}

/// A queue of its own for a worker that hears what is said to its whole stage. It bears the stage's name, so that a worker's
/// right to make queues ends there.
pub(super) fn stage_answers_queue(stage: &str) -> String {
    format!("{ANSWERS}{stage}.{}", Uuid::new_v4())
}

/// A queue that whoever looks at a stage's dead letters has meanwhile. Named like a listener's, because those are what
/// operators may make.
pub(super) fn look_queue(stage: Stage) -> String {
    format!("{ANSWERS}look.{stage}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_goes_to_the_shortest_queue_that_takes_it() {
        for (millis, key) in [
            (1, "ingest.delay.1s"),
            (1_000, "ingest.delay.1s"),
            (1_001, "ingest.delay.4s"),
            (300_000, "ingest.delay.5m"),
            (3_600_000, "ingest.delay.long"),
            (u64::MAX, "ingest.delay.long"),
        ] {
            assert_eq!(delay_key_for(Stage::Ingest, millis), key);
        }
    }

    /// What follows would otherwise be confirmed by the broker and dropped, or come back by no way.
    #[test]
    fn every_key_that_is_published_to_leads_to_one_queue() {
        let all = queues();
        let keys: Vec<_> = all.iter().flat_map(|queue| &queue.bindings).collect();
        for stage in Stage::ALL {
            let delays = DELAY_TIERS.iter().map(|(tier, _)| delay_key(stage, tier));
            for key in delays.chain([stage_key(stage), dead_key(stage), flag_key(stage)]) {
                assert_eq!(keys.iter().filter(|(at, bound)| *at == WORK_EXCHANGE && *bound == key).count(), 1, "{key}");
            }
        }
        assert!(all.iter().all(|queue| queue.name.len() < 255));
    }
}
