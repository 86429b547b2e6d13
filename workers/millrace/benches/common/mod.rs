//! The real binary on folders of its own.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The binary, with contracts and dbt of this repository; whatever it makes lies in `folder`.
pub fn millrace(folder: &Path) -> Command {
    let repository: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    for (name, value) in [
        ("PATHS__RAW", folder.join("raw")),
        ("PATHS__CONTRACTS", repository.join("data/sources")),
        ("TRANSFORM__PROJECT", repository.join("workers/transform/dbt")),
        ("TRANSFORM__SIDECAR", repository.join("workers/transform/sidecar/millrace_dbt.py")),
        ("TRANSFORM__PYTHON", repository.join(".venv/bin/python")),
    ] {
        command.env(format!("MILLRACE_{name}"), value);
    }
    command
}

/// The value below which this share of them lies.
pub fn share(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * share).ceil() as usize).clamp(1, values.len()) - 1]
}

/// Processor time, in seconds, that the children which have ended used, dbt included.
pub fn processor_secs() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    (used.user_time() + used.system_time()).num_microseconds() as f64 / 1e6
}

/// A process that is killed when it is dropped.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
