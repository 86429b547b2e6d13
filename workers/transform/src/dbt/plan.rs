//! What a build would build, told by processes of their own: what is left where the sidecar can't be had.

use std::time::Instant;

use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::cold::{Cold, dbt, full_refresh, nothing, words};
use super::{BuildReport, BuildRequest, DbtError, DbtSettings, How, NodeResult, NodeStatus};

/// What `dbt build` builds; `dbt list` knows more, and `dbt compile` analyses too. The same as in the sidecar.
const BUILT: [&str; 8] = ["model", "test", "unit_test", "snapshot", "seed", "saved_query", "exposure", "function"];

/// A line of `dbt list`.
#[derive(Deserialize)]
struct Listed {
    unique_id: String,
    name: String,
    resource_type: String,
}

impl Cold {
    /// Lists what [`Cold::build`] would build, and compiles it. dbt writes into a folder that is thrown away: a build that
    /// follows must not find what was compiled for this.
    pub(super) async fn plan(
        &mut self,
        settings: &DbtSettings,
        request: &BuildRequest,
        stop: &CancellationToken,
    ) -> Result<BuildReport, DbtError> {
        let started = Instant::now();
        let select = self.selection(settings, request, stop).await?;
        let target = tempfile::Builder::new().prefix("dry-run-").tempdir_in(&settings.target_dir).map_err(|error| {
            DbtError::Transient { message: format!("no folder in {}: {error}", settings.target_dir.display()) }
        })?;
        let aside = ["--target-path".to_owned(), target.path().display().to_string()];

        let mut list = ["list", "--output", "json", "--output-keys", "unique_id", "name", "resource_type"]
            .map(str::to_owned)
            .to_vec();
        list.extend(BUILT.iter().flat_map(|kind| ["--resource-type".to_owned(), (*kind).to_owned()]));
        let output = dbt(settings, list.into_iter().chain(aside.clone()).chain(select.clone()), stop).await?;
        if !output.status.success() {
            return Err(DbtError::of_text(&words(&output)));
        }
        let told = String::from_utf8_lossy(&output.stdout);
        let nodes: Vec<NodeResult> =
            told.lines().filter_map(|line| serde_json::from_str::<Listed>(line).ok()).map(NodeResult::from).collect();
        if nodes.is_empty() {
            return Err(nothing(request));
        }

        let compile = ["compile", "--exclude", "resource_type:analysis"].map(str::to_owned);
        let args = compile.into_iter().chain(full_refresh(request)).chain(aside).chain(select);
        let output = dbt(settings, args, stop).await?;
        let invocation_id = String::new();
        let report =
            BuildReport { invocation_id, elapsed_secs: started.elapsed().as_secs_f64(), nodes, how: How::Cold };
        if output.status.success() { Ok(report) } else { Err(DbtError::of_plan(report, &words(&output))) }
    }
}

impl From<Listed> for NodeResult {
    fn from(listed: Listed) -> Self {
        Self {
            unique_id: listed.unique_id,
            name: listed.name,
            resource_type: listed.resource_type,
            materialization: None,
            relation: None,
            status: NodeStatus::Selected,
            started_at: None,
            finished_at: None,
            message: None,
            failures: None,
            tested: None,
            is_warning: false,
        }
    }
}
