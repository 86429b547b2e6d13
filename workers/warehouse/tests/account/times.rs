//! How long each statement took: what `deploy/snowflake/README.md` assumes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// What was heard since it was cleared.
#[derive(Clone, Default)]
pub struct Times(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    since: Option<Instant>,
    statements: Vec<(String, u64)>,
    /// When the load's last statement was answered.
    ended: Option<Instant>,
}

/// From now on all statements of this process are heard.
pub fn listen() -> Times {
    let times = Times::default();
    // The other test may listen already; each runs alone where it matters.
    let _ = tracing_subscriber::registry().with(times.clone()).try_init();
    times
}

impl Times {
    pub fn clear(&self) {
        *self.heard() = Heard { since: Some(Instant::now()), ..Heard::default() };
    }

    /// A line for each statement, and one for what was none of them.
    pub fn take(&self) -> Lines {
        let heard = std::mem::take(&mut *self.heard());
        let whole = heard.since.zip(heard.ended).map_or_else(Duration::default, |(since, ended)| ended - since);
        let whole_ms = whole.as_millis() as u64;
        Lines { statements: heard.statements, whole_ms }
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one load took.
pub struct Lines {
    statements: Vec<(String, u64)>,
    whole_ms: u64,
}

impl fmt::Display for Lines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |millis: u64| millis as f64 / 1000.0;
        for (word, millis) in &self.statements {
            writeln!(formatter, "{:8.3} s  {word}", seconds(*millis))?;
        }
        let asked: u64 = self.statements.iter().map(|(_, millis)| millis).sum();
        writeln!(formatter, "{:8.3} s  parsing, compressing, uploading", seconds(self.whole_ms.saturating_sub(asked)))
    }
}

impl<S: Subscriber> Layer<S> for Times {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "millrace_warehouse::snowflake::session" {
            let mut statement = Statement::default();
            event.record(&mut statement);
            let mut heard = self.heard();
            if heard.ended.is_none() {
                // What follows is the test's own question.
                heard.ended = (statement.word == "REMOVE").then(Instant::now);
                heard.statements.push((statement.word, statement.took_ms));
            }
        }
    }
}

#[derive(Default)]
struct Statement {
    word: String,
    took_ms: u64,
}

impl Visit for Statement {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "word" {
            self.word = value.into();
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "took_ms" {
            self.took_ms = value;
        }
    }
}
