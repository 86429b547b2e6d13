//! Programs that run once and end.

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::process::Group;
use super::{DbtError, DbtSettings};

/// Finds the installed versions, and the folder of each, without importing dbt, which takes a second. Exits with 4 where dbt is
/// there and its adapter for the warehouse is not.
const INSTALLED: &str = "\
import sys
from importlib.metadata import PackageNotFoundError, distribution
package, folder = sys.argv[1:]
core = distribution('dbt-core')
try:
    adapter = distribution(package)
except PackageNotFoundError:
    sys.exit(4)
print(f'{core.name} {core.version}, {adapter.name} {adapter.version}')
print(core.locate_file('dbt'), adapter.locate_file(folder), sep='\\n')";

/// Its exit code for an adapter that is missing.
const NO_ADAPTER: i32 = 4;

/// The longest that asking for versions may take: two seconds on a machine that is very busy, so this is never met by one that
/// works.
const PROBE_LIMIT: Duration = Duration::from_secs(60);

/// What is installed.
pub(super) struct Installed {
    /// `dbt-core 1.12.6, dbt-duckdb 1.11.1`
    pub(super) versions: String,
    /// Where.
    pub(super) folders: Vec<PathBuf>,
}

/// What is installed.
pub(super) async fn probe(settings: &DbtSettings) -> Result<Installed, DbtError> {
    let missing = |message: String| DbtError::Missing { message };
    let python = settings.python.display();
    let mut command = settings.python();
    let adapter = settings.warehouse.adapter();
    command.args(["-c", INSTALLED, adapter.package, adapter.folder]);
    let output = run(command, PROBE_LIMIT, &CancellationToken::new())
        .await
        .map_err(|error| missing(format!("can't run Python at {python}: {error}; run `make dbt`")))?
        .ok_or_else(|| missing(format!("Python at {python} gives no answer; run `make dbt`")))?;
    if output.status.code() == Some(NO_ADAPTER) {
        let package = adapter.package;
        return Err(missing(format!("{package} is not installed for Python at {python}: run `make dbt`")));
    }
    if !output.status.success() {
        return Err(missing(format!("dbt is not installed for Python at {python}: run `make dbt`")));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let mut lines = said.lines().map(str::trim);
    Ok(Installed { versions: lines.next().unwrap_or_default().into(), folders: lines.map(PathBuf::from).collect() })
}

/// Runs a program to its end and returns what it said, or none if it was killed after `limit` or by `stop`.
pub(super) async fn run(
    command: Command,
    limit: Duration,
    stop: &CancellationToken,
) -> std::io::Result<Option<Output>> {
    if stop.is_cancelled() {
        return Ok(None);
    }
    let mut group = Group::spawn(command)?;
    let (mut stdout, mut stderr) = (group.child.stdout.take(), group.child.stderr.take());
    // Held until the program ends: that is how it knows that we are still there.
    let stdin = group.child.stdin.take();
    let whole = async {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let read_out = async {
            match &mut stdout {
                Some(pipe) => pipe.read_to_end(&mut out).await,
                None => Ok(0),
            }
        };
        let read_err = async {
            match &mut stderr {
                Some(pipe) => pipe.read_to_end(&mut err).await,
                None => Ok(0),
            }
        };
        tokio::try_join!(read_out, read_err)?;
        let status = group.child.wait().await?;
        Ok(Output { status, stdout: out, stderr: err })
    };
    let ended = tokio::select! {
        output = whole => Some(output),
        () = tokio::time::sleep(limit) => None,
        () = stop.cancelled() => None,
    };
    drop(stdin);
    match ended {
        Some(output) => output.map(Some),
        None => {
            group.kill().await;
            Ok(None)
        }
    }
}
