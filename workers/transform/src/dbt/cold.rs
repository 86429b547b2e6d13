//! `dbt build` as a process of its own: what is left where the sidecar can't be had.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::manifest::Manifest;
use super::{BuildReport, BuildRequest, DbtError, DbtSettings, How, NodeResult, NodeStatus, once};

/// What one build leaves for the next.
#[derive(Default)]
pub(super) struct Cold {
    /// Once every model has its table nobody has to look again, which takes seconds.
    all_built: bool,
}

/// What dbt writes about a run. The file of the run before stays where one fails early.
#[derive(Deserialize)]
struct RunResults {
    metadata: Metadata,
    results: Vec<Line>,
}

#[derive(Deserialize)]
struct Metadata {
    invocation_id: String,
}

#[derive(Deserialize)]
struct Line {
    unique_id: String,
    status: NodeStatus,
    #[serde(default)]
    timing: Vec<Timing>,
    message: Option<String>,
    failures: Option<u64>,
    relation_name: Option<String>,
}

#[derive(Deserialize)]
struct Timing {
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
}

impl Cold {
    /// Builds what `request` selects and, where the warehouse lacks models, all that it lacks: only the sidecar knows
    /// which of them the selection reads.
    pub(super) async fn build(
        &mut self,
        settings: &DbtSettings,
        request: &BuildRequest,
        stop: &CancellationToken,
    ) -> Result<BuildReport, DbtError> {
        let started = Instant::now();
        let select = self.selection(settings, request, stop).await?;
        let args = ["build".to_owned()].into_iter().chain(select).chain(full_refresh(request));
        let file = settings.target_dir.join("run_results.json");
        let before = read(&file).map(|results| results.metadata.invocation_id);
        let output = dbt(settings, args, stop).await?;
        let results = read(&file).filter(|results| Some(&results.metadata.invocation_id) != before.as_ref());
        let Some(results) = results else { return Err(DbtError::of_text(&words(&output))) };
        if results.results.is_empty() {
            return Err(nothing(request));
        }
        self.all_built = self.all_built && output.status.success();
        Ok(BuildReport {
            invocation_id: results.metadata.invocation_id.clone(),
            elapsed_secs: started.elapsed().as_secs_f64(),
            nodes: told(results, Manifest::read(&settings.target_dir.join("manifest.json"))),
            how: How::Cold,
        })
    }

    /// What to build, as dbt is told it.
    pub(super) async fn selection(
        &mut self,
        settings: &DbtSettings,
        request: &BuildRequest,
        stop: &CancellationToken,
    ) -> Result<Vec<String>, DbtError> {
        let mut select = vec!["--select".to_owned()];
        select.extend(request.select.iter().cloned());
        select.extend(self.missing_models(settings, stop).await?);
        Ok(select)
    }

    async fn missing_models(
        &mut self,
        settings: &DbtSettings,
        stop: &CancellationToken,
    ) -> Result<BTreeSet<String>, DbtError> {
        if self.all_built {
            return Ok(BTreeSet::new());
        }
        let output = dbt(settings, ["run-operation", "missing_models"].map(str::to_owned), stop).await?;
        let told = String::from_utf8_lossy(&output.stdout);
        let list = told.lines().find_map(|line| line.split_once("missing_models: ").map(|(_, list)| list));
        let ids: Vec<String> =
            list.and_then(|list| serde_json::from_str(list).ok()).ok_or_else(|| DbtError::of_text(&words(&output)))?;
        self.all_built = ids.is_empty();
        Ok(ids.iter().map(|id| name_of(id).to_owned()).collect())
    }
}

/// The nodes of a run, with what the manifest knows of its tests.
fn told(results: RunResults, manifest: Manifest) -> Vec<NodeResult> {
    let mut nodes: Vec<NodeResult> = results.results.into_iter().map(NodeResult::from).collect();
    for node in nodes.iter_mut().filter(|node| node.is_test()) {
        node.tested = manifest.tested(&node.unique_id);
        node.is_warning = manifest.is_warning(&node.unique_id);
    }
    nodes
}

pub(super) fn full_refresh(request: &BuildRequest) -> Option<String> {
    request.full_refresh.then(|| "--full-refresh".to_owned())
}

pub(super) fn nothing(request: &BuildRequest) -> DbtError {
    let select = request.select.join(" ");
    DbtError::of_text(&format!("nothing to build: no model or test matches {select}"))
}

pub(super) async fn dbt(
    settings: &DbtSettings,
    args: impl IntoIterator<Item = String>,
    stop: &CancellationToken,
) -> Result<Output, DbtError> {
    let mut command = settings.python();
    command.arg(settings.neighbour("dbt_once.py")).args(["--quiet", "--no-use-colors", "--log-level-file", "none"]);
    command.args(args).arg("--project-dir").arg(&settings.project_dir).arg("--profiles-dir").arg(&settings.project_dir);
    let ended = once::run(command, settings.timeout(), stop)
        .await
        .map_err(|error| DbtError::Missing { message: format!("can't run dbt: {error}; run `make dbt`") })?;
    ended.ok_or_else(|| match stop.is_cancelled() {
        true => DbtError::Stopped,
        false => DbtError::TimedOut { timeout_secs: settings.timeout_secs },
    })
}

fn read(file: &Path) -> Option<RunResults> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// What dbt said, the end of it: the cause comes last.
pub(super) fn words(output: &Output) -> String {
    let text = [output.stdout.as_slice(), b"\n", output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// `stg_batches` of `model.millrace.stg_batches`.
fn name_of(unique_id: &str) -> &str {
    unique_id.split('.').nth(2).unwrap_or(unique_id)
}

impl From<Line> for NodeResult {
    fn from(line: Line) -> Self {
        let resource_type = line.unique_id.split('.').next().unwrap_or_default();
        Self {
            name: name_of(&line.unique_id).into(),
            resource_type: resource_type.into(),
            materialization: None,
            relation: line.relation_name.filter(|_| resource_type != "test"),
            status: line.status,
            started_at: line.timing.iter().filter_map(|timing| timing.started_at).min(),
            finished_at: line.timing.iter().filter_map(|timing| timing.completed_at).max(),
            message: line.message,
            failures: line.failures.filter(|_| line.status != NodeStatus::Skipped),
            tested: None,
            is_warning: false,
            unique_id: line.unique_id,
        }
    }
}
