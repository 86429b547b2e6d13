//! What the transform stage tells, each thing in one place: the line, the span, and the number.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use messages::{Failure, FailureClass, TransformDryRunCompleted};
use runtime::Work;
use runtime::telemetry::{Past, labels, metrics, span};
use tracing::Span;

use crate::builder::Build;
use crate::dbt::{BuildReport, DbtError, How, NodeResult, NodeStatus};
use crate::wish::Wish;

/// LOAD_IDs that a build names; it links to all.
const NAMED: usize = 10;

/// A build begins: one for all these messages, told in the trace of the first and linked to the others'.
pub(crate) fn building(work: &[&Work], sources: &[String]) -> Span {
    let [first, others @ ..] = work else { return Span::none() };
    let building = tracing::info_span!(
        parent: &first.span,
        "build models",
        millrace.load_id = load_ids(work),
        millrace.loads = work.len(),
        millrace.sources = sources.join(","),
    );
    // Whoever wants it broken off finds the commands here: the audit can't be asked while dbt has a DuckDB file.
    building.in_scope(|| tracing::info!(loads = work.len(), commands = commands(work), "building models"));
    for other in others {
        span::link(&building, &other.span);
        span::link(&other.span, &building);
    }
    building
}

fn load_ids(work: &[&Work]) -> String {
    named(work, |work| work.envelope.load_id().to_string())
}

fn commands(work: &[&Work]) -> String {
    named(work, |work| work.envelope.correlation_id.unwrap_or(work.envelope.id).to_string())
}

fn named(work: &[&Work], name: impl Fn(&Work) -> String) -> String {
    let named: Vec<String> = work.iter().take(NAMED).map(|work| name(work)).collect();
    match work.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// A build came to its end.
pub(crate) fn built(
    building: &Span,
    loads: usize,
    wish: &Wish,
    built: &Result<Build, Failure>,
    started_at: DateTime<Utc>,
) {
    let elapsed_secs = Utc::now().signed_duration_since(started_at).as_seconds_f64();
    let failure = match built {
        Ok(build) => build.failure.as_ref(),
        // Nothing is wrong.
        Err(failure) if failure.class == FailureClass::Cancelled => None,
        Err(failure) => Some(failure),
    };
    if let Some(failure) = failure {
        span::fail(building, failure.message.clone());
    }
    building.in_scope(|| match built {
        Ok(build) => {
            tracing::info!(
                loads,
                nodes = build.nodes.len(),
                sources = wish.sources.join(","),
                elapsed_secs,
                "models built"
            );
        }
        Err(failure) if failure.class == FailureClass::Cancelled => {
            tracing::info!(
                loads,
                elapsed_secs,
                sources = wish.sources.join(","),
                "build broken off: nobody wants it any more"
            );
        }
        Err(failure) => tracing::warn!(loads, elapsed_secs, error = failure.message, "models not built"),
    });
}

/// Nothing reads these sources.
pub(crate) fn nothing_selected(wish: &Wish) {
    tracing::warn!(
        sources = wish.sources.join(","),
        "no dbt model reads these sources yet: add a staging model to have them transformed"
    );
}

/// A dry run begins.
pub(crate) fn planning(work: &Work, sources: &[String]) -> Span {
    tracing::info_span!(
        parent: &work.span,
        "plan models",
        millrace.load_id = %work.envelope.load_id(),
        millrace.sources = sources.join(","),
    )
}

/// It was told what would be built. No number of builds or nodes knows of it: nothing was built.
pub(crate) fn planned(planning: &Span, told: &TransformDryRunCompleted, elapsed: Duration) {
    let failure = told.failure.as_ref().map(|failure| failure.message.as_str());
    let (nodes, sources, elapsed_secs) = (told.nodes.len(), told.sources.join(","), elapsed.as_secs_f64());
    planning.in_scope(|| {
        tracing::info!(nodes, sources, failure, elapsed_secs, "dry run: models compiled, nothing built");
    });
}

/// dbt ran, for this long.
pub(crate) fn ran(built: &Result<BuildReport, DbtError>, elapsed: Duration) {
    let mode = match of(built).map(|report| report.how) {
        Some(How::Warm) => "warm",
        Some(How::Cold) => "cold",
        None => "none",
    };
    let outcome = match built {
        Ok(report) if report.failed_tests().next().is_none() => "success",
        Ok(_) | Err(DbtError::Failed { .. }) => "failed",
        Err(DbtError::NothingSelected { .. }) => "nothing",
        Err(DbtError::Stopped) => "cancelled",
        Err(_) => "error",
    };
    metrics().build_duration.record(elapsed.as_secs_f64(), &[labels::label("mode", mode), labels::outcome(outcome)]);
}

/// What dbt reports of a build, also of one in which models failed.
pub(crate) fn of(built: &Result<BuildReport, DbtError>) -> Option<&BuildReport> {
    match built {
        Ok(report) => Some(report),
        Err(DbtError::Failed { report, .. }) => Some(report),
        Err(_) => None,
    }
}

/// dbt's nodes, as parts of the current span; `rows` by their unique ids.
pub(crate) fn nodes(report: &BuildReport, rows: &HashMap<String, u64>) {
    let building = Span::current();
    span::set(&building, "dbt.invocation_id", report.invocation_id.clone());
    for node in &report.nodes {
        let kind = labels::label("resource_type", node.resource_type.clone());
        let status = labels::label("status", node.status.as_str());
        metrics().nodes.add(1, &[kind.clone(), status.clone()]);
        if let (Some(started_at), Some(finished_at)) = (node.started_at, node.finished_at) {
            let name = labels::label("node", node.name.clone());
            metrics().node_duration.record(node.elapsed_secs(), &[name, kind, status]);
            told(node, started_at, finished_at, rows.get(&node.unique_id)).record(&building);
        } else {
            // It was never tried, and has no time of its own.
            let now = Utc::now();
            told(node, now, now, None).record(&building);
        }
    }
}

fn told(node: &NodeResult, started_at: DateTime<Utc>, finished_at: DateTime<Utc>, rows: Option<&u64>) -> Past {
    let count = |count: &u64| i64::try_from(*count).unwrap_or(i64::MAX);
    let failed = matches!(node.status, NodeStatus::Fail | NodeStatus::Error);
    let why = || node.message.clone().unwrap_or_else(|| node.status.as_str().to_owned());
    Past::new(format!("dbt {} {}", node.resource_type, node.name), started_at, finished_at)
        .with("dbt.node.unique_id", node.unique_id.clone())
        .with("dbt.node.resource_type", node.resource_type.clone())
        .with("dbt.node.status", node.status.as_str())
        .with_some("dbt.node.materialization", node.materialization.clone())
        .with_some("dbt.node.relation", node.relation.clone())
        .with_some("dbt.node.rows", rows.map(count))
        .with_some("dbt.node.failures", node.failures.as_ref().map(count))
        .failed(failed.then(why))
}
