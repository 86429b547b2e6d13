//! Real dbt, kept warm.
//!
//! [`Dbt::build`] asks a sidecar that has parsed the project already, and starts `dbt build` as a process of its own
//! where the sidecar can't be had. Both end with the process that started them. The sidecar's protocol is told in
//! `sidecar/README.md`.
//!
//! | what goes wrong | what becomes of it |
//! |---|---|
//! | a model or its YAML was edited | the sidecar is replaced before the next build |
//! | the sidecar died while idle | it is replaced before the next build |
//! | it dies in a build | [`DbtError::Transient`]: the same build succeeds in a new one |
//! | it does not start, and the project is not to blame | this build and those of the next minute run cold |
//! | a build takes too long | its whole process group is killed: [`DbtError::TimedOut`] |
//! | the caller stops a build | its whole process group is killed: [`DbtError::Stopped`], and another sidecar warms up |
//! | the caller drops a build in the middle | the sidecar is replaced before the next build |

mod cause;
mod cold;
mod error;
mod fingerprint;
mod manifest;
mod once;
mod plan;
mod process;
mod protocol;
mod report;
mod settings;
mod sidecar;
mod status;
mod target;
mod warm;

pub use error::DbtError;
pub use report::{BuildReport, BuildRequest, How, NodeResult, NodeStatus};
pub use settings::DbtSettings;
pub use status::DbtStatus;
pub use target::DbtWarehouse;

pub(crate) use protocol::Op;

use cold::Cold;
use tokio_util::sync::CancellationToken;
use warm::{Warm, WarmError};

/// dbt on one project and one warehouse; builds one at a time.
pub struct Dbt {
    settings: DbtSettings,
    warm: Option<Warm>,
    cold: Cold,
    status: DbtStatus,
}

impl Dbt {
    /// Makes sure that Python and dbt are there, and starts the sidecar without waiting for it: it parses while the
    /// caller does other things. A project that does not parse is told by the builds, until somebody mends it.
    ///
    /// # Errors
    /// [`DbtError::Missing`] if Python, dbt or the project is not there.
    pub async fn start(settings: DbtSettings) -> Result<Self, DbtError> {
        let settings = settings.prepared()?;
        let installed = once::probe(&settings).await?;
        tracing::debug!(versions = installed.versions, warm = settings.warm, "dbt is there");
        let status = DbtStatus::new(&settings, installed);
        let mut warm = settings.warm.then(|| Warm::new(settings.clone(), status.clone()));
        if let Some(warm) = &mut warm {
            warm.warm_up();
        }
        Ok(Self { cold: Cold::default(), warm, settings, status })
    }

    /// Waits until the sidecar has parsed the project, so that a build holds the warehouse for no longer than it needs. What
    /// is wrong with it is told by the build.
    pub async fn ready(&mut self) {
        if let Some(warm) = &mut self.warm {
            warm.ready().await;
        }
    }

    /// Builds what `request` selects, and of what that reads the models which the warehouse does not have yet. `Ok` means
    /// that no model failed; tests may have, and models below a failed test are skipped: ask the report.
    ///
    /// The caller owes: nobody holds the DuckDB file, this process neither, until this returns. Snowflake asks for nothing.
    ///
    /// # Errors
    /// [`DbtError::Failed`] for models that failed, [`DbtError::Project`] if the project does not parse or the selection
    /// matches nothing, [`DbtError::Refused`] where the warehouse does not let dbt in, [`DbtError::Transient`] and [`DbtError::TimedOut`] where another try may succeed.
    pub async fn build(&mut self, request: &BuildRequest) -> Result<BuildReport, DbtError> {
        self.build_until(request, &CancellationToken::new()).await
    }

    /// The same, which can be stopped: once `stop` is cancelled dbt is ended, and has let go of the warehouse when this returns.
    /// What it had built by then stands.
    ///
    /// # Errors
    /// As [`Self::build`], and [`DbtError::Stopped`].
    pub async fn build_until(
        &mut self,
        request: &BuildRequest,
        stop: &CancellationToken,
    ) -> Result<BuildReport, DbtError> {
        self.run_until(Op::Build, request, stop).await
    }

    /// Tells what [`Self::build`] would build, each node `selected`, and has dbt compile it. Nothing is built, and no build that
    /// follows finds anything of it. The caller owes the same.
    ///
    /// # Errors
    /// As [`Self::build`]; [`DbtError::Failed`], with all nodes, if one of them does not compile.
    pub async fn plan(&mut self, request: &BuildRequest) -> Result<BuildReport, DbtError> {
        self.run_until(Op::Plan, request, &CancellationToken::new()).await
    }

    /// Builds or plans, until it is stopped.
    pub(crate) async fn run_until(
        &mut self,
        op: Op,
        request: &BuildRequest,
        stop: &CancellationToken,
    ) -> Result<BuildReport, DbtError> {
        let _building = (op == Op::Build).then(|| self.status.building());
        if let Some(warm) = &mut self.warm {
            match warm.ask(op, request, stop).await {
                Ok(report) => return report.judged(),
                Err(WarmError::Dbt(error)) => return Err(error),
                Err(WarmError::Unusable(reason)) => {
                    tracing::warn!(reason, "dbt can't be kept warm; running cold, which takes seconds longer");
                }
            }
        }
        match op {
            Op::Build => self.cold.build(&self.settings, request, stop).await?.judged(),
            Op::Plan => self.cold.plan(&self.settings, request, stop).await,
        }
    }

    /// The versions that are installed, such as `dbt-core 1.12.6, dbt-duckdb 1.11.1`.
    ///
    /// # Errors
    /// [`DbtError::Missing`] if Python or dbt is not there any more.
    pub async fn probe(&self) -> Result<String, DbtError> {
        Ok(once::probe(&self.settings).await?.versions)
    }

    /// How it is, for whoever wants to know meanwhile.
    pub fn status(&self) -> DbtStatus {
        self.status.clone()
    }

    /// Ends the sidecar; in the middle of a build too, which then leaves no trace.
    pub async fn stop(self) {
        if let Some(warm) = self.warm {
            warm.stop().await;
        }
    }
}
