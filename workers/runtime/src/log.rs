//! Logs: readable on a terminal, JSON otherwise. They go to standard error; standard output belongs to results.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

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

/// lapin logs every answer of the broker that it did not expect, some of which are our everyday questions, and the bus
/// says in its own words what they mean. Whoever names lapin in the filter hears it.
fn with_quiet(level: &str) -> String {
    if level.contains("lapin") { level.to_owned() } else { format!("{level},lapin=off") }
}

/// Begins to log at `level` (a tracing filter, such as `info` or `info,ingest=debug`). A second call does nothing.
///
/// # Errors
/// The level can't be read; the text names it.
pub fn init_logs(level: &str, format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::try_new(with_quiet(level))
        .map_err(|error| format!("log.level {level:?} can't be read: {error}; use error, warn, info or debug"))?;
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error here only says that a subscriber is set already, as in tests.
    let _ = match (format, terminal) {
        (LogFormat::Json, _) | (LogFormat::Auto, false) => {
            builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
        _ => builder.with_target(false).with_ansi(terminal).try_init(),
    };
    Ok(())
}
