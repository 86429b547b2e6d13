//! The process of an emulator, and the folder that it lives in.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::options::EmulatorOptions;
use crate::{DEADLINE, ports, unique};

pub struct Process {
    pub port: u16,
    pub password: String,
    folder: PathBuf,
    supervisor: Child,
}

impl Process {
    /// Starts it, and waits until it answers. What it wrote is the error.
    pub fn start(options: &EmulatorOptions) -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = root.join(".venv-emulator/bin/python");
        assert!(python.is_file(), "missing: the emulator of Snowflake: run make emulator");
        let (port, password) = (ports::free(), unique("p"));
        let folder = tempfile::Builder::new().prefix("millrace-snowflake-").tempdir().unwrap();
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(include_str!("../program.sh")).arg("millrace-snowflake").arg(folder.path());
        command.arg(python).args(["-m", "emulator", "--port", &port.to_string(), "--password", &password, "--folder"]);
        command.arg(folder.path()).args(options.arguments());
        // What is meant for other programs of this machine is no business of its.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PYTHON")) {
            command.env_remove(name);
        }
        // Libraries leave folders behind where temporary ones belong; these go with ours.
        command.env("TMPDIR", folder.path()).env("PYTHONPATH", root.join("tests/snowflake"));
        // Its own process group, out of reach of a Ctrl-C; nothing of the test's own output stays open for it.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let supervisor = command.spawn().expect("/bin/sh could not be started");
        let process = Self { port, password, folder: folder.keep(), supervisor };
        process.wait_until_ready()?;
        Ok(process)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().new_agent();
        let ready = format!("http://127.0.0.1:{}/emulator/ready", self.port);
        let begun = Instant::now();
        while agent.get(&ready).call().is_err() {
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
