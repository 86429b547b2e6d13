//! Logs: readable on a terminal, JSON otherwise. They go to standard error; standard output belongs to results.
//!
//! A line carries the LOAD_ID and the trace of the span that it was written in, so whoever logs need not repeat them.

mod fields;
mod identity;
mod line;

use std::io::IsTerminal;

use opentelemetry_sdk::trace::SdkTracer;
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, FilterFn, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::telemetry::Telemetry;
pub(crate) use identity::TRACE_ID;

use identity::Identities;
use line::Line;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Text.
    Text,
    /// One JSON object a line.
    Json,
}

/// The crates whose spans are recorded. Those of libraries tell of their insides, and the exporter's own would tell of
/// the telling, for ever.
const OURS: [&str; 9] = ["bus", "dq", "ingest", "messages", "millrace", "runtime", "transform", "warehouse", "watcher"];

fn is_ours(of: &Metadata<'_>) -> bool {
    let target = of.target();
    let room = target.split("::").next().unwrap_or(target);
    OURS.contains(&room.strip_prefix("millrace_").unwrap_or(room)) && *of.level() <= tracing::Level::INFO
}

/// lapin logs every answer of the broker that it did not expect, some of which are our everyday questions, and the bus
/// says in its own words what they mean. Whoever names lapin in the filter hears it.
fn with_quiet(level: &str) -> String {
    if level.contains("lapin") { level.to_owned() } else { format!("{level},lapin=off") }
}

/// The client for Snowflake logs whole answers, the tokens of a login among them. No level lets that through.
fn tells_no_secrets(of: &Metadata<'_>) -> bool {
    !of.target().starts_with("snowflake_api")
}

/// Begins to log at `level` (a tracing filter, such as `info` or `info,ingest=debug`), and hands spans to `telemetry`. A
/// second call does nothing.
///
/// # Errors
/// The level can't be read; the text names it.
pub fn init_logs(level: &str, format: LogFormat, telemetry: &Telemetry) -> Result<(), String> {
    let filter = EnvFilter::try_new(with_quiet(level))
        .map_err(|error| format!("log.level {level:?} can't be read: {error}; use error, warn, info or debug"))?;
    let terminal = std::io::stderr().is_terminal();
    let line = match (format, terminal) {
        (LogFormat::Json, _) | (LogFormat::Auto, false) => Line::Json,
        _ => Line::Text,
    };
    let ansi = terminal && line == Line::Text;
    let subscriber = subscriber(filter, line, ansi, std::io::stderr, telemetry.tracer());
    // An error here only says that a subscriber is set already, as in tests.
    let _ = subscriber.try_init();
    Ok(())
}

/// What hears of spans and events.
fn subscriber<W>(
    filter: EnvFilter,
    line: Line,
    ansi: bool,
    to: W,
    tracer: Option<SdkTracer>,
) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Spans are seen whatever is logged: a warning tells its LOAD_ID too.
    let spans: FilterFn<_> = filter_fn(|of| of.is_span() && is_ours(of)).with_max_level_hint(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer()
        .event_format(line)
        .with_ansi(ansi)
        .with_writer(to)
        .with_filter(filter.or(spans.clone()).and(filter_fn(tells_no_secrets)));
    let traces = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_error_events_to_status(false)
            .with_filter(filter_fn(is_ours).with_max_level_hint(LevelFilter::INFO))
    });
    let identities = Identities.with_filter(spans);
    tracing_subscriber::registry().with(traces).with(identities).with(lines)
}

#[cfg(test)]
mod tests;
