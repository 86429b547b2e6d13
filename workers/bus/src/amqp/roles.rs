//! Who may do what at RabbitMQ: the least that works.
//!
//! Rights are regular expressions over names of exchanges and queues; for an exchange there may be another one over
//! the keys that are published to it. To look whether a queue is there needs no right, and what the broker itself
//! moves (a due retry, a message given up) is asked for none.

use messages::{COMMANDS_EXCHANGE, EVENTS_EXCHANGE, Message, Stage};

use super::topology::{ANSWERS, WORK_EXCHANGE};

const NOTHING: &str = "^$";

/// A user and its rights.
pub(super) struct Role {
    pub(super) user: String,
    /// What the management API calls it; `monitoring` may read there.
    pub(super) tags: &'static str,
    /// What it may make and delete.
    pub(super) configure: String,
    /// What it may publish to, and which queues it may bind.
    pub(super) write: String,
    /// What it may consume, and which exchanges it may bind queues to.
    pub(super) read: String,
    /// The keys it may publish to an exchange. All, where an exchange is not named.
    pub(super) keys: Vec<(&'static str, String)>,
    /// The keys by which it may bind a queue of its own to an exchange that it publishes nothing to. All, where an exchange is
    /// not named.
    pub(super) hears: Vec<(&'static str, String)>,
}

pub(super) fn roles() -> Vec<Role> {
    let mut roles = vec![watcher()];
    roles.extend(Stage::ALL.map(worker));
    roles.extend([operator(), airflow()]);
    roles
}

fn watcher() -> Role {
    Role {
        user: "millrace-watch".into(),
        tags: "",
        configure: NOTHING.into(),
        write: only(&[EVENTS_EXCHANGE.into()]),
        read: NOTHING.into(),
        keys: vec![(EVENTS_EXCHANGE, types(&[FOUND, OVERDUE]))],
        hears: Vec::new(),
    }
}

/// The event that the watcher announces a file by. A run of many files is announced so by whoever plans it, an ingest
/// worker.
const FOUND: &str = "source.file.discovered";

/// The event that tells that a delivery did not come.
const OVERDUE: &str = "source.overdue";

fn worker(stage: Stage) -> Role {
    let own = format!("{stage}.");
    let mut events: Vec<_> =
        Message::TYPES.iter().copied().filter(|name| name.starts_with(&own) && !name.ends_with(".requested")).collect();
    if stage == Stage::Ingest {
        events.push(FOUND);
    }
    // The queue in which it hears of cancels, whichever worker takes them from the stage's queue.
    let listened = format!(r"{}{stage}\.", escaped(ANSWERS));
    let cancels = format!("{stage}.cancel.requested");
    Role {
        user: format!("millrace-{stage}"),
        tags: "",
        configure: format!("^{listened}"),
        write: format!("^({}|{}|{listened}.+)$", escaped(EVENTS_EXCHANGE), escaped(WORK_EXCHANGE)),
        read: format!("^({}|{}|{listened}.+)$", escaped(&stage.queue()), escaped(COMMANDS_EXCHANGE)),
        // Its own stage's keys, but not the one that pauses it.
        keys: vec![(EVENTS_EXCHANGE, types(&events)), (WORK_EXCHANGE, format!(r"^{stage}($|\.dead$|\.delay\.)"))],
        hears: vec![(COMMANDS_EXCHANGE, types(&[&cancels]))],
    }
}

/// Whoever runs `millrace queues`, `dead`, `pause`, `resume` and `trigger`.
fn operator() -> Role {
    let stages = Stage::ALL.map(Stage::as_str).join("|");
    let listened = format!("{}.+", escaped(ANSWERS));
    Role {
        user: "millrace-operator".into(),
        tags: "monitoring",
        configure: format!("^{}", escaped(ANSWERS)),
        write: format!("^({}|{}|{listened})$", escaped(COMMANDS_EXCHANGE), escaped(WORK_EXCHANGE)),
        // The stages' own queues too, for `queues --oldest`.
        read: format!(r"^({}|{listened}|millrace\.({stages})(\.(dead|paused))?)$", escaped(EVENTS_EXCHANGE)),
        // Replays, what was looked at, and the flag that pauses.
        keys: vec![(WORK_EXCHANGE, format!(r"^({stages})(\.paused)?$"))],
        hears: Vec::new(),
    }
}

/// Publishes commands and listens for their answers.
fn airflow() -> Role {
    let listened = format!("{}.+", escaped(ANSWERS));
    Role {
        user: "millrace-airflow".into(),
        tags: "",
        configure: format!("^{}", escaped(ANSWERS)),
        write: format!("^({}|{listened})$", escaped(COMMANDS_EXCHANGE)),
        read: format!("^({}|{listened})$", escaped(EVENTS_EXCHANGE)),
        keys: Vec::new(),
        hears: Vec::new(),
    }
}

/// These names and no other.
fn only(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| escaped(name)).collect();
    format!("^({})$", names.join("|"))
}

/// The keys of messages of these types.
fn types(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| escaped(name)).collect();
    format!(r"^({})\.", names.join("|"))
}

fn escaped(name: &str) -> String {
    name.replace('.', r"\.")
}
