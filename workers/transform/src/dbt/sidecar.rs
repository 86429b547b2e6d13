//! One sidecar process: started, spoken to, ended.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;

use super::process::Group;
use super::protocol::{Event, Op, PROTOCOL, Request};
use super::status::OfSidecar;
use super::{BuildReport, BuildRequest, DbtError, DbtSettings, How};

/// The longest wait for `ready`. It takes three seconds, and ten on a machine that is very busy.
const START_LIMIT: Duration = Duration::from_secs(120);
/// The longest wait for it to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Events that may wait for whoever reads them: beyond that the sidecar waits.
const EVENTS: usize = 64;

/// Why a sidecar gave no report.
pub(super) enum SidecarError {
    /// The project is to blame, or the warehouse: another sidecar would say the same.
    Dbt(DbtError),
    /// The process is to blame: it can't be started, or speaks another protocol.
    Unusable(String),
}

/// A process that has parsed the project, or is about to.
pub(super) struct Sidecar {
    group: Group,
    target_dir: PathBuf,
    stdin: ChildStdin,
    events: mpsc::Receiver<io::Result<Event>>,
    is_ready: bool,
    /// Whether a request is without its answer: its events would be taken for those of the next.
    is_busy: bool,
    requests: u64,
}

impl Sidecar {
    /// Starts the process and does not wait for it.
    pub(super) fn spawn(settings: &DbtSettings, status: OfSidecar) -> io::Result<Self> {
        let mut command = settings.python();
        command.arg(&settings.sidecar).arg(&settings.project_dir);
        let mut group = Group::spawn(command)?;
        let child = &mut group.child;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("a pipe to the sidecar is missing"));
        };
        tokio::spawn(log(stderr));
        let (told, events) = mpsc::channel(EVENTS);
        tokio::spawn(read(stdout, told, status));
        let target_dir = settings.target_dir.clone();
        Ok(Self { group, target_dir, stdin, events, is_ready: false, is_busy: false, requests: 0 })
    }

    /// Whether it can take a request.
    pub(super) fn is_usable(&mut self) -> bool {
        !self.is_busy && self.group.is_alive()
    }

    /// Waits until it has parsed the project.
    pub(super) async fn ready(&mut self) -> Result<(), SidecarError> {
        if self.is_ready {
            return Ok(());
        }
        match tokio::time::timeout(START_LIMIT, self.next()).await {
            Ok(Ok(Some(Event::Ready { protocol: PROTOCOL, dbt_version, nodes }))) => {
                tracing::info!(dbt_version, nodes, "dbt is warm");
                self.is_ready = true;
                Ok(())
            }
            Ok(Ok(Some(Event::Ready { protocol, .. }))) => Err(SidecarError::Unusable(format!(
                "the sidecar speaks protocol {protocol}, not {PROTOCOL}: it comes from another version"
            ))),
            Ok(Ok(Some(Event::Fatal { message }))) => Err(SidecarError::Dbt(DbtError::of_text(&message))),
            Ok(Ok(_)) => Err(SidecarError::Unusable("the sidecar ended before it was ready".into())),
            Ok(Err(error)) => Err(SidecarError::Unusable(format!("the sidecar can't be understood: {error}"))),
            Err(_) => Err(SidecarError::Unusable(format!("the sidecar was not ready in {} s", START_LIMIT.as_secs()))),
        }
    }

    /// Builds or plans, without a limit of time. Dropped in the middle it leaves the sidecar busy, and so unusable.
    pub(super) async fn ask(&mut self, op: Op, request: &BuildRequest) -> Result<BuildReport, DbtError> {
        let started = Instant::now();
        self.requests += 1;
        let id = self.requests.to_string();
        self.is_busy = true;
        self.send(&Request::new(&id, op, request)).await.map_err(died)?;
        let mut nodes = Vec::new();
        loop {
            match self.next().await.map_err(died)? {
                Some(Event::Node(node)) => nodes.push(node.into()),
                Some(Event::Done { id: answered, invocation_id, error }) if answered.as_ref() == Some(&id) => {
                    self.is_busy = false;
                    let report = BuildReport {
                        invocation_id: invocation_id.unwrap_or_default(),
                        elapsed_secs: started.elapsed().as_secs_f64(),
                        nodes,
                        how: How::Warm,
                    };
                    return match (op, error) {
                        (_, None) => Ok(report),
                        (Op::Build, Some(error)) => Err(DbtError::of_text(&error)),
                        (Op::Plan, Some(error)) => Err(DbtError::of_plan(report, &error)),
                    };
                }
                Some(_) => return Err(died(io::Error::other("the sidecar spoke out of turn"))),
                None => return Err(died(io::ErrorKind::UnexpectedEof.into())),
            }
        }
    }

    /// Lets it end by itself, and makes it where it does not.
    pub(super) async fn stop(self) {
        let Self { mut group, stdin, .. } = self;
        drop(stdin);
        if tokio::time::timeout(STOP_LIMIT, group.child.wait()).await.is_err() {
            group.kill().await;
        }
    }

    /// Ends it now, and removes the folder of a dry run that it could not remove by itself.
    pub(super) async fn kill(mut self) {
        let pid = self.group.child.id();
        self.group.kill().await;
        if let Some(pid) = pid
            && let Err(error) = sweep(&self.target_dir, &format!("dry-run-{pid}-"))
        {
            tracing::warn!(%error, folder = %self.target_dir.display(), "what a dry run compiled could not be removed");
        }
    }

    async fn send(&mut self, request: &Request<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.stdin.write_all(&line).await
    }

    async fn next(&mut self) -> io::Result<Option<Event>> {
        self.events.recv().await.transpose()
    }
}

/// Removes the folders in `folder` whose names begin so.
fn sweep(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn died(error: io::Error) -> DbtError {
    DbtError::Transient { message: format!("dbt ended in the middle of the build ({error})") }
}

/// Reads what it says as it says it: that it is ready is news although nobody builds yet.
async fn read(stdout: ChildStdout, told: mpsc::Sender<io::Result<Event>>, status: OfSidecar) {
    let mut lines = BufReader::new(stdout).lines();
    loop {
        let event = match lines.next_line().await {
            Ok(Some(line)) => serde_json::from_str(&line).map_err(io::Error::from),
            Ok(None) => break,
            Err(error) => Err(error),
        };
        status.hears(&event);
        let is_over = event.is_err();
        if told.send(event).await.is_err() || is_over {
            break;
        }
    }
    status.ended();
}

/// What dbt prints, for whoever looks for a fault.
async fn log(stderr: ChildStderr) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(target: "millrace::dbt", "{line}");
    }
}
