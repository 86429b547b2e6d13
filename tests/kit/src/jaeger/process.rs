//! The process of a Jaeger.

use std::fs;
use std::path::Path;

use super::config::{self, Ports};
use crate::program::Program;

pub struct Process {
    pub ports: Ports,
    pub program: Program,
}

impl Process {
    /// Starts it, and waits until it is ready. What it wrote is the error.
    pub fn start(program: &Path) -> Result<Self, String> {
        let ports = Ports::free();
        let folder = tempfile::Builder::new().prefix("millrace-jaeger-").tempdir().unwrap();
        let config = folder.path().join("config.yaml");
        fs::write(&config, config::yaml(&ports)).unwrap();
        let ready = format!("http://127.0.0.1:{}/status", ports.health);
        // Its own variables would tell it where to send traces.
        let arrange = |command: &mut std::process::Command| {
            command.arg("--config").arg(config);
        };
        let program = Program::start(folder, program, "OTEL_", arrange, &ready)?;
        Ok(Self { ports, program })
    }
}
