//! Processes that are ended as a whole.

use std::io;
use std::process::Stdio;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// A process and all that it starts. Dropping it kills them.
pub(super) struct Group {
    pub(super) child: Child,
}

impl Group {
    /// Starts `command` in a process group of its own: a Ctrl-C in the terminal then ends us and not, halfway, it. Its
    /// stdin stays open as long as this process lives, however that ends.
    pub(super) fn spawn(mut command: Command) -> io::Result<Self> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child })
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the group and waits for the process, so that its file locks are gone when this returns.
    pub(super) async fn kill(&mut self) {
        self.signal();
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "can't wait for dbt after killing it");
        }
    }

    fn signal(&self) {
        // None once it was waited for: its number may belong to somebody else by now.
        let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()) else { return };
        // Gone between the two lines is as good as killed.
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal();
    }
}
