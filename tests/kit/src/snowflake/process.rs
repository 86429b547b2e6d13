//! The process of an emulator.

use std::path::Path;

use super::options::EmulatorOptions;
use crate::program::Program;
use crate::{ports, unique};

pub struct Process {
    pub port: u16,
    pub password: String,
    pub program: Program,
}

impl Process {
    /// Starts it, and waits until it answers. What it wrote is the error.
    pub fn start(options: &EmulatorOptions) -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = root.join(".venv-emulator/bin/python");
        assert!(python.is_file(), "missing: the emulator of Snowflake: run make emulator");
        let (port, password) = (ports::free(), unique("p"));
        let folder = tempfile::Builder::new().prefix("millrace-snowflake-").tempdir().unwrap();
        let at = folder.path().to_owned();
        let ready = format!("http://127.0.0.1:{port}/emulator/ready");
        let program = Program::start(
            folder,
            &python,
            "PYTHON",
            |command| {
                command.args(["-m", "emulator", "--port", &port.to_string(), "--password", &password, "--folder"]);
                command.arg(&at).args(options.arguments());
                // Libraries leave folders behind where temporary ones belong; these go with ours.
                command.env("TMPDIR", &at).env("PYTHONPATH", root.join("tests/snowflake"));
            },
            &ready,
        )?;
        Ok(Self { port, password, program })
    }
}
