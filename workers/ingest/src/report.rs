//! What the ingest stage tells, each thing in one place: the line and the span's attributes, and the number.

use std::time::Duration;

use chrono::{DateTime, Utc};
use messages::{Failure, IngestDryRunCompleted, SourceFileDiscovered, TableLoad};
use runtime::telemetry::{labels, metrics, span};
use runtime::{Contracts, Work, pulse};
use warehouse::{FileFacts, LoadLine, LoadOutcome, LoadStatus, Slice, TableSpec};

/// The worker begins: each source's loads are counted from 0, because nobody sees a number rise that was not there before.
pub(crate) fn worker_begins(contracts: &Contracts) {
    let known = contracts.iter().map(|contract| (contract.source.as_str(), contract.table()));
    // No contract matches.
    for (source, table) in known.chain([("", String::new())]) {
        for status in ["success", "failed", "cancelled", "quarantined", "released", "discarded"] {
            let of = [&labels::table(source, &table)[..], &[labels::label("status", status)]].concat();
            metrics().loads.add(0, &of);
        }
    }
}

/// A file's load begins.
pub(crate) fn begins(file: &SourceFileDiscovered, work: &Work) {
    span::set(&work.span, "millrace.file", file.uri.clone());
    span::set_count(&work.span, "millrace.file_bytes", file.size_bytes);
}

/// A file's load came to an end that is no failure.
pub(crate) fn ended(slice: &Slice, work: &Work, outcome: &LoadOutcome) {
    let elapsed_secs = Utc::now().signed_duration_since(slice.started_at).as_seconds_f64();
    let (table, file, attempt) = (&slice.table.table, &slice.uri, work.attempt);
    span::set(&work.span, "millrace.table", table.clone());
    let status = match outcome {
        LoadOutcome::Loaded(facts) => {
            span::set_count(&work.span, "millrace.rows", facts.rows);
            let rejected = facts.rows_rejected;
            tracing::info!(
                table,
                file,
                rows = facts.rows,
                rejected,
                bytes = facts.bytes,
                attempt,
                elapsed_secs,
                "file loaded"
            );
            written(slice, facts);
            pulse::loaded(&slice.source, Utc::now());
            "success"
        }
        LoadOutcome::Quarantined { facts, held } => {
            span::set_count(&work.span, "millrace.rows", facts.rows);
            let why = held.join("; ");
            let rejected = facts.rows_rejected;
            tracing::warn!(
                table,
                file,
                rows = facts.rows,
                rejected,
                attempt,
                elapsed_secs,
                why,
                "file loaded and held back"
            );
            written(slice, facts);
            "quarantined"
        }
        // Told with its line, as every end that is none of this worker's.
        LoadOutcome::Cancelled { .. } => return,
        LoadOutcome::AlreadyLoaded => {
            tracing::info!(table, file, "loaded before; announced again");
            "already_loaded"
        }
        // Not the end yet: what this command had loaded before it was overtaken may not be announced.
        LoadOutcome::Fenced { by } => {
            tracing::info!(table, file, %by, "a newer command has this load; nothing loaded");
            "overtaken"
        }
    };
    counted(&slice.source, table, status, elapsed_secs);
}

/// A table has the columns that a file has beside its contract.
pub(crate) fn widened(table: &TableSpec, added: &[String]) {
    tracing::info!(table = table.table, columns = added.join(", "), "the table follows its file");
}

/// What a file brought, seen or not.
fn written(slice: &Slice, facts: &FileFacts) {
    let of = labels::table(&slice.source, &slice.table.table);
    let rows = |outcome| [&of[..], &[labels::outcome(outcome)]].concat();
    metrics().rows.add(facts.rows, &rows("loaded"));
    metrics().rows.add(facts.rows_rejected, &rows("rejected"));
    metrics().bytes.add(facts.bytes, &of);
}

/// Somebody decided about a file that was held back, and the audit says so.
pub(crate) fn decided(line: &LoadLine) {
    let is_released = line.status == LoadStatus::Success;
    let status = if is_released { "released" } else { "discarded" };
    counted(&line.source, &line.table, status, 0.0);
    if is_released {
        pulse::loaded(&line.source, line.finished_at);
    }
    let (by, reason) = (line.decided_by.as_deref(), line.decided_why.as_deref());
    tracing::info!(table = line.table, file = line.uri, status, by, reason, "decided about a file that was held back");
}

/// A decision that changes nothing.
pub(crate) fn refused(work: &Work, refusal: &Failure) {
    span::fail(&work.span, refusal.message.clone());
    tracing::warn!(reason = refusal.message, "nothing is decided");
}

/// A file was given up, and the audit says so.
pub(crate) fn failed(line: &LoadLine) {
    let elapsed_secs = line.finished_at.signed_duration_since(line.started_at).as_seconds_f64();
    counted(&line.source, &line.table, "failed", elapsed_secs);
    tracing::error!(table = line.table, file = line.uri, attempt = line.attempt, error = line.error, "file not loaded");
}

/// A file's command was taken back, and the audit says so.
pub(crate) fn cancelled(line: &LoadLine) {
    let elapsed_secs = line.finished_at.signed_duration_since(line.started_at).as_seconds_f64();
    counted(&line.source, &line.table, "cancelled", elapsed_secs);
    tracing::info!(table = line.table, file = line.uri, attempt = line.attempt, reason = line.error, "file cancelled");
}

/// A table of a run is whole.
pub(crate) fn completed(source: &str, as_of: DateTime<Utc>) {
    pulse::current(source, as_of);
}

/// A run was planned over this many files.
pub(crate) fn planned(files: usize) {
    tracing::info!(files, "run planned");
}

/// It was told what would be loaded. No number of loads knows of it: nothing was loaded.
pub(crate) fn dry_run(work: &Work, told: &IngestDryRunCompleted, elapsed: Duration) {
    let sum = |count: fn(&TableLoad) -> u64| told.tables.iter().map(count).sum::<u64>();
    let (files, rows) = (sum(|table| table.files.into()), sum(|table| table.rows_loaded));
    span::set_count(&work.span, "millrace.rows", rows);
    let elapsed_secs = elapsed.as_secs_f64();
    let failure = told.failure.as_ref().map(|failure| failure.message.as_str());
    tracing::info!(files, rows, failure, elapsed_secs, "dry run: files read, nothing loaded");
}

fn counted(source: &str, table: &str, status: &'static str, elapsed_secs: f64) {
    let told = [&labels::table(source, table)[..], &[labels::label("status", status)]].concat();
    metrics().loads.add(1, &told);
    metrics().load_duration.record(elapsed_secs, &told);
}
