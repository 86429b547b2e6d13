//! A server of another program, in a folder of its own, ended with whoever started it, by `SIGKILL` too.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::DEADLINE;

pub struct Program {
    folder: PathBuf,
    supervisor: Child,
}

impl Program {
    /// Runs `program` with what `arrange` adds to its command, and waits until `ready` answers. What it wrote is the error.
    /// Variables that begin with `foreign` are meant for other programs of this machine.
    pub fn start(
        folder: TempDir,
        program: &Path,
        foreign: &str,
        arrange: impl FnOnce(&mut Command),
        ready: &str,
    ) -> Result<Self, String> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(include_str!("program.sh")).arg("millrace-program").arg(folder.path()).arg(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(foreign)) {
            command.env_remove(name);
        }
        arrange(&mut command);
        // Its own process group, out of reach of a Ctrl-C; nothing of the test's own output stays open for it.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let supervisor = command.spawn().expect("/bin/sh could not be started");
        let program = Self { folder: folder.keep(), supervisor };
        program.wait_until(ready)?;
        Ok(program)
    }

    fn wait_until(&self, ready: &str) -> Result<(), String> {
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().new_agent();
        let begun = Instant::now();
        while agent.get(ready).call().is_err() {
            if self.folder.join("ended").exists() || begun.elapsed() > DEADLINE {
                return Err(self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub fn process_id(&self) -> u32 {
        fs::read_to_string(self.folder.join("pid")).unwrap().trim().parse().unwrap()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The end of the pipe is the supervisor's sign to end everything.
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}
