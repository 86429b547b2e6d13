//! One load, from its files to its verdict.

use messages::{CheckStatus, Failure, LoadId, NodeOutcome};
use serde::Serialize;
use warehouse::{Ledger, LoadLine, LoadStatus, QualityLine, QualityOrigin, ShapeLine, StageLine, StageStatus};

use super::state::State;
use crate::End;
use crate::output::{self, Output, counted, thousands};

#[derive(Serialize)]
struct Shown {
    load_id: LoadId,
    state: State,
    /// Tables whose view shows this load now.
    current_in: Vec<String>,
    trace_id: Option<String>,
    /// Where to look at it.
    trace_url: Option<String>,
    files: Vec<LoadLine>,
    stages: Vec<StageLine>,
    checks: Vec<QualityLine>,
    /// Where the shape of its files was not their contract's.
    shape: Vec<ShapeLine>,
}

/// Shows the load; `trace_url` is the address at which people look at traces, with `{trace_id}` in place of the id.
pub async fn show(ledger: &Ledger, load_id: &LoadId, trace_url: Option<&str>, output: &Output) -> Result<End, Failure> {
    let files = ledger.load_lines(load_id).await?;
    let stages = ledger.stage_lines(load_id).await?;
    if files.is_empty() && stages.is_empty() {
        return Err(Failure::permanent(format!(
            "no load is known as {load_id}: `millrace loads` lists the newest; if it was only asked for, its message may wait in a queue or be dead (`millrace dead list`)"
        )));
    }
    let newest = files.last().map(|line| &line.trace_id).or_else(|| stages.last().map(|line| &line.trace_id));
    let trace_id = newest.cloned();
    let shown = Shown {
        load_id: load_id.clone(),
        state: State::of(&files, &stages),
        current_in: ledger.current_tables(load_id).await?,
        trace_url: trace_url.zip(trace_id.as_ref()).map(|(url, id)| url.replace("{trace_id}", id)),
        trace_id,
        checks: ledger.quality_lines(load_id).await?,
        shape: ledger.shape_changes(load_id).await?,
        files,
        stages,
    };
    let end = if shown.state.is_failure() { End::Bad } else { End::Good };
    output.value(&shown, |shown| describe(shown, output))?;
    Ok(end)
}

fn describe(shown: &Shown, output: &Output) {
    output.note(&format!("LOAD_ID   {}", shown.load_id));
    output.note(&format!("state     {}", output::status(shown.state.as_str())));
    let current = if shown.current_in.is_empty() { "no table".into() } else { shown.current_in.join(", ") };
    output.note(&format!("current   {current}"));
    let trace = shown.trace_url.as_ref().or(shown.trace_id.as_ref()).map_or("unknown", String::as_str);
    output.note(&format!("trace     {trace}\n"));
    files(shown, output);
    shape(shown, output);
    for line in &shown.stages {
        stage(line, output);
    }
    checks(shown, output);
}

fn files(shown: &Shown, output: &Output) {
    let rows = shown.files.iter().map(|line| {
        let elapsed = line.finished_at.signed_duration_since(line.started_at);
        vec![
            output::status(line.status.as_str()),
            line.table.clone(),
            line.uri.clone(),
            thousands(line.rows_loaded),
            thousands(line.rows_rejected),
            line.attempt.to_string(),
            line.finished_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            format!("{:.2}", elapsed.as_seconds_f64()),
        ]
    });
    output.table(&["ingest", "table", "file", "rows", "rejected", "try", "at (UTC)", "secs"], rows.collect());
    for line in &shown.files {
        if let Some(error) = &line.error {
            let is_calm =
                matches!(line.status, LoadStatus::Cancelled | LoadStatus::Quarantined | LoadStatus::Discarded);
            output.note(&why(is_calm, error));
        }
        if let (LoadStatus::Success, Some(by)) = (line.status, &line.decided_by) {
            let reason = line.decided_why.as_deref().unwrap_or_default();
            output.note(&format!("released by {by}: {reason}"));
        }
    }
    let load_id = &shown.load_id;
    if shown.files.iter().any(|line| line.rows_rejected > 0) {
        output.note(&output::faint(&format!("`millrace rejects '{load_id}'` shows the rows that were set aside")));
    }
    if shown.state == State::Quarantined {
        output.note(&output::faint(&format!(
            "`millrace release '{load_id}' --reason …` lets it become current, `millrace discard '{load_id}' --reason …` gives it up"
        )));
    }
}

/// Where the files' shape was not their contract's.
fn shape(shown: &Shown, output: &Output) {
    if shown.shape.is_empty() {
        return;
    }
    output.note("");
    let rows = shown.shape.iter().map(|line| {
        let change = line.change.as_str().to_lowercase().replace('_', " ");
        vec![change, line.column.clone(), line.policy.clone(), line.uri.clone()]
    });
    output.table(&["shape", "column", "done about it", "file"], rows.collect());
}

/// Why it ended so: nothing is wrong with what was cancelled.
fn why(is_cancelled: bool, error: &str) -> String {
    if is_cancelled { output::warn(error) } else { format!("{} {error}", output::bad("error:")) }
}

fn stage(line: &StageLine, output: &Output) {
    let elapsed = line.finished_at.signed_duration_since(line.started_at);
    output.note(&format!(
        "\n{:<9} {} at {}, {:.2} s",
        line.stage.as_str(),
        output::status(line.status.as_str()),
        line.finished_at.format("%Y-%m-%d %H:%M:%S"),
        elapsed.as_seconds_f64()
    ));
    if let Some(error) = &line.error {
        output.note(&why(matches!(line.status, StageStatus::Cancelled | StageStatus::CancelRequested), error));
    }
    let nodes = line.announced.get("nodes").cloned().unwrap_or_default();
    let nodes: Vec<NodeOutcome> = serde_json::from_value(nodes).unwrap_or_default();
    if nodes.is_empty() {
        return;
    }
    let (good, odd): (Vec<&NodeOutcome>, Vec<_>) =
        nodes.iter().partition(|node| matches!(node.status.as_str(), "success" | "pass"));
    output.note(&format!("          {} good, {} not", counted(good.len(), "node"), odd.len()));
    for node in odd {
        let name = node.unique_id.rsplit_once("millrace.").map_or(node.unique_id.as_str(), |(_, name)| name);
        let message = node.message.as_deref().unwrap_or_default();
        output.note(&format!("          {} {name}: {message}", output::status(&node.status.to_uppercase())));
    }
}

fn checks(shown: &Shown, output: &Output) {
    if shown.checks.is_empty() {
        return;
    }
    let passed = shown.checks.iter().filter(|line| line.outcome.status == CheckStatus::Pass).count();
    output.note(&format!("\nchecks    {} of {} passed", passed, shown.checks.len()));
    let rows = shown.checks.iter().filter(|line| line.outcome.status != CheckStatus::Pass).map(|line| {
        let check = &line.outcome;
        vec![
            output::status(check.status.as_str()),
            check.table.clone(),
            check.check.clone(),
            check.observed.clone(),
            check.expected.clone(),
            check.failed_rows.map(thousands).unwrap_or_default(),
            if line.origin == QualityOrigin::Gate { "gate".into() } else { String::new() },
        ]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        output.table(&["status", "table", "check", "observed", "expected", "rows", "asked"], rows);
    }
}
