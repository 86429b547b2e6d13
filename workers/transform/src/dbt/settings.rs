//! Where dbt is, what it builds, and where.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::target::absolute;
use super::{DbtError, DbtWarehouse};

/// What [`Dbt`](super::Dbt) needs to know. Relative paths begin at the working folder.
#[derive(Clone, Debug)]
pub struct DbtSettings {
    /// The Python that has dbt, `.venv/bin/python` after `make dbt`.
    pub python: PathBuf,
    /// The program that keeps dbt warm, `workers/transform/sidecar/millrace_dbt.py`; its neighbours come with it.
    pub sidecar: PathBuf,
    /// The folder with `dbt_project.yml` and `profiles.yml`.
    pub project_dir: PathBuf,
    /// Where dbt builds.
    pub warehouse: DbtWarehouse,
    /// Where dbt writes what it compiles; made if it is not there. One for each process that builds.
    pub target_dir: PathBuf,
    /// The longest that one build may take, in seconds of the wall clock, before it is killed.
    pub timeout_secs: u64,
    /// Keep dbt running between builds, for 250 MB of memory. Without it each build takes seconds longer.
    pub warm: bool,
}

impl DbtSettings {
    /// The same with absolute paths, and the target folder made.
    pub(super) fn prepared(self) -> Result<Self, DbtError> {
        let missing = |what: &str, path: &Path, cure: &str| DbtError::Missing {
            message: format!("{what} is not at {}: {cure}", path.display()),
        };
        let settings = Self {
            // A bare name is looked up in PATH. `absolute` leaves links alone, and a venv's python must stay one.
            python: if self.python.components().count() > 1 { absolute(self.python)? } else { self.python },
            sidecar: absolute(self.sidecar)?,
            project_dir: absolute(self.project_dir)?,
            warehouse: self.warehouse.prepared()?,
            target_dir: absolute(self.target_dir)?,
            ..self
        };
        if settings.python.is_absolute() && !settings.python.exists() {
            return Err(missing("the Python that has dbt", &settings.python, "run `make dbt`"));
        }
        let project = settings.project_dir.join("dbt_project.yml");
        if !project.exists() {
            return Err(missing("the dbt project", &project, "set the project's folder"));
        }
        std::fs::create_dir_all(&settings.target_dir).map_err(|error| DbtError::Missing {
            message: format!("can't make dbt's target folder {}: {error}", settings.target_dir.display()),
        })?;
        Ok(settings)
    }

    /// Another program that comes with the sidecar.
    pub(super) fn neighbour(&self, name: &str) -> PathBuf {
        self.sidecar.with_file_name(name)
    }

    /// Python with the environment that the project's profile reads.
    pub(super) fn python(&self) -> Command {
        let mut command = Command::new(&self.python);
        command
            .envs(self.warehouse.environment())
            .env("DBT_TARGET_PATH", &self.target_dir)
            .env("DBT_LOG_PATH", &self.target_dir)
            // dbt reads a `.env` above its working folder; the platform has read its own already.
            .current_dir(&self.target_dir);
        command
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_secs)
    }
}
