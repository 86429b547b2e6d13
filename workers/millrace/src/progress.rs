//! What the loops announce, as lines for people and as a summary.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use messages::{CheckStatus, Envelope, Failure, FailureClass, LoadId, Message, Verdict};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::dry_run;
use crate::output::{self, Output, counted, thousands};

/// Characters of the longest status.
const STATUS_WIDTH: usize = "TRANSFORM FAILED".len();

/// How a load ended that was taken back.
const CANCELLED: &str = "CANCELLED";
/// How one ended that is held back.
const HELD: &str = "QUARANTINED";

/// Follows announcements until all who announce are gone.
pub struct Progress {
    task: JoinHandle<Tally>,
}

impl Progress {
    /// Prints a line for each load that ends, and on a terminal what is under way.
    pub fn follow(mut heard: broadcast::Receiver<Envelope>, output: Output) -> Self {
        let bar = if output.is_terminal() { spinner() } else { ProgressBar::hidden() };
        let task = tokio::spawn(async move {
            let mut tally = Tally::default();
            loop {
                match heard.recv().await {
                    Ok(envelope) => {
                        if let Some(ended) = tally.hear(&envelope) {
                            output.json_line(&ended);
                            bar.suspend(|| output.note(&ended.to_string()));
                        }
                        bar.set_message(format!("{} under way", counted(tally.under_way(), "load")));
                    }
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "the display fell behind; `millrace loads` has everything");
                    }
                    Err(broadcast::error::RecvError::Closed) => break,
                }
            }
            bar.finish_and_clear();
            tally
        });
        Self { task }
    }

    /// The tally, once all who announce are gone.
    pub async fn finish(self) -> Tally {
        self.task.await.unwrap_or_default()
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    // The template is a constant; without it the default one serves.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// What was heard of the loads.
#[derive(Debug, Default)]
pub struct Tally {
    open: HashMap<LoadId, Open>,
    ended: Vec<Ended>,
}

#[derive(Debug, Default)]
struct Open {
    files: Vec<String>,
    tables: Vec<String>,
    rows: u64,
    since: Option<std::time::Instant>,
}

/// A load that ended.
#[derive(Clone, Debug, Serialize)]
pub struct Ended {
    load_id: LoadId,
    files: Vec<String>,
    tables: Vec<String>,
    rows: u64,
    /// `PASSED`, `WARNED`, `FAILED`, `CANCELLED`, `QUARANTINED`, or the stage that failed.
    end: String,
    warnings: usize,
    failed: bool,
    error: Option<String>,
    elapsed_secs: f64,
    trace_id: String,
}

/// What a run did.
#[derive(Debug, Serialize)]
pub struct Summary {
    loads: usize,
    failed: usize,
    warned: usize,
    cancelled: usize,
    /// Loads that wait for somebody's decision.
    held: usize,
    /// Messages given up.
    dead_letters: u64,
    rows: u64,
    elapsed_secs: f64,
}

impl Summary {
    /// Whether nothing failed, was held back or was given up.
    pub fn is_good(&self) -> bool {
        self.failed == 0 && self.held == 0 && self.dead_letters == 0
    }
}

impl Tally {
    fn under_way(&self) -> usize {
        self.open.len()
    }

    /// The tally in numbers.
    pub fn summary(&self, dead_letters: u64, elapsed: Duration) -> Summary {
        Summary {
            loads: self.ended.len(),
            dead_letters,
            cancelled: self.ended.iter().filter(|ended| ended.end == CANCELLED).count(),
            held: self.ended.iter().filter(|ended| ended.end == HELD).count(),
            failed: self.ended.iter().filter(|ended| ended.failed).count(),
            warned: self.ended.iter().filter(|ended| ended.end == Verdict::Warned.as_str()).count(),
            rows: self.ended.iter().map(|ended| ended.rows).sum(),
            elapsed_secs: elapsed.as_secs_f64(),
        }
    }

    fn hear(&mut self, envelope: &Envelope) -> Option<Ended> {
        if dry_run::is_answer(&envelope.message) {
            return None;
        }
        let open = self.open.entry(envelope.load_id().clone()).or_default();
        open.since.get_or_insert_with(std::time::Instant::now);
        match &envelope.message {
            Message::SourceFileDiscovered(event) => {
                open.files.push(event.uri.clone());
                None
            }
            Message::IngestCompleted(event) => {
                open.tables = event.tables.iter().map(|table| table.table.clone()).collect();
                open.rows = event.tables.iter().map(|table| table.rows_loaded).sum();
                None
            }
            Message::IngestFailed(event) => Some(self.fail(envelope, "INGEST FAILED", &event.failure)),
            Message::TransformFailed(event) => Some(self.fail(envelope, "TRANSFORM FAILED", &event.failure)),
            Message::DqCompleted(event) => {
                let warnings = event.checks.iter().filter(|check| check.status == CheckStatus::Warn).count();
                Some(self.end(envelope, event.verdict.as_str(), warnings, None))
            }
            Message::DqFailed(event) => Some(self.fail(envelope, "FAILED", &event.failure)),
            _ => None,
        }
    }

    /// A load failed, was held back, or was taken back.
    fn fail(&mut self, envelope: &Envelope, end: &str, failure: &Failure) -> Ended {
        let end = match failure.class {
            FailureClass::Cancelled => CANCELLED,
            FailureClass::Quarantined => HELD,
            _ => end,
        };
        self.end(envelope, end, 0, Some(&failure.message))
    }

    fn end(&mut self, envelope: &Envelope, end: &str, warnings: usize, error: Option<&str>) -> Ended {
        let open = self.open.remove(envelope.load_id()).unwrap_or_default();
        let ended = Ended {
            load_id: envelope.load_id().clone(),
            files: open.files,
            tables: open.tables,
            rows: open.rows,
            end: end.into(),
            warnings,
            failed: error.is_some() && end != CANCELLED && end != HELD,
            error: error.map(Into::into),
            elapsed_secs: open.since.map_or(0.0, |since| since.elapsed().as_secs_f64()),
            trace_id: envelope.trace.trace_id(),
        };
        self.ended.push(ended.clone());
        ended
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.files.as_slice() {
            [] if self.tables.is_empty() => "run".to_owned(),
            [] => self.tables.join(", "),
            [file] => file.clone(),
            files => counted(files.len(), "file"),
        };
        // Padded apart from the colour, whose codes would count as characters.
        let padding = STATUS_WIDTH.saturating_sub(self.end.len());
        write!(f, "{}{:padding$} {what}", output::status(&self.end), "")?;
        if self.rows > 0 {
            write!(f, ", {} rows", thousands(self.rows))?;
        }
        if self.warnings > 0 {
            write!(f, ", {}", counted(self.warnings, "warning"))?;
        }
        write!(f, ", {:.1} s  {}", self.elapsed_secs, output::faint(self.load_id.as_str()))?;
        if let Some(error) = &self.error {
            write!(f, "\n{:STATUS_WIDTH$} {error}", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dead_letters > 0 {
            let dead = counted(usize::try_from(self.dead_letters).unwrap_or(usize::MAX), "message");
            writeln!(f, "{} {dead}: `millrace dead list` says why", output::bad("given up:"))?;
        }
        if self.loads == 0 && self.dead_letters == 0 {
            return f
                .write_str("nothing new to load: every file in the raw folder is known; `millrace loads` lists them");
        }
        write!(
            f,
            "{}: {} good, {} with warnings, {} failed{}{}; {} rows in {:.1} s",
            counted(self.loads, "load"),
            self.loads - self.failed - self.warned - self.cancelled - self.held,
            self.warned,
            self.failed,
            if self.cancelled > 0 { format!(", {} cancelled", self.cancelled) } else { String::new() },
            if self.held > 0 { format!(", {} held back", self.held) } else { String::new() },
            thousands(self.rows),
            self.elapsed_secs
        )
    }
}
