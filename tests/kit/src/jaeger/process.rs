//! The process of a Jaeger, and the folder that it lives in.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::config::{self, Ports};
use crate::DEADLINE;

pub struct Process {
    pub ports: Ports,
    folder: PathBuf,
    supervisor: Child,
}

impl Process {
    /// Starts it, and waits until it is ready. What it wrote is the error.
    pub fn start(program: &Path) -> Result<Self, String> {
        let ports = Ports::free();
        let folder = tempfile::Builder::new().prefix("millrace-jaeger-").tempdir().unwrap();
        let config = folder.path().join("config.yaml");
        fs::write(&config, config::yaml(&ports)).unwrap();
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(include_str!("../program.sh")).arg("millrace-jaeger");
        command.arg(folder.path()).arg(program).arg("--config").arg(config);
        // What is meant for other programs of this machine, such as where to send traces, is no business of its.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
            command.env_remove(name);
        }
        // Its own process group, out of reach of a Ctrl-C; nothing of the test's own output stays open for it.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let supervisor = command.spawn().expect("/bin/sh could not be started");
        let process = Self { ports, folder: folder.keep(), supervisor };
        process.wait_until_ready()?;
        Ok(process)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().new_agent();
        let status = format!("http://127.0.0.1:{}/status", self.ports.health);
        let begun = Instant::now();
        while agent.get(&status).call().is_err() {
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

impl Drop for Process {
    fn drop(&mut self) {
        // The end of the pipe is the supervisor's sign to end everything.
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}
