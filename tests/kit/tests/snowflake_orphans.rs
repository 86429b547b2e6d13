//! Nothing of an emulator of Snowflake stays behind when its test process goes away.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Stdio};

use millrace_testkit::{Emulator, EmulatorOptions, wait, wait_for};
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Where the child tells of its emulator; that it is set makes it the child.
const REPORT: &str = "MILLRACE_TESTKIT_REPORT";

/// Run by the other test, in a process of its own.
#[test]
fn child() {
    let Some(report) = std::env::var_os(REPORT) else { return };
    let emulator = Emulator::start(&EmulatorOptions::default());
    let line = format!("{} {}", emulator.process_id(), emulator.folder().display());
    std::fs::write(Path::new(&report).with_extension("part"), line).unwrap();
    std::fs::rename(Path::new(&report).with_extension("part"), &report).unwrap();
    // Until the parent kills it.
    wait("the end", || false);
}

#[test]
fn a_killed_test_leaves_nothing_behind() {
    let report = tempfile::tempdir().unwrap();
    let path = report.path().join("report");
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command.args(["--exact", "child"]).env(REPORT, &path).stdout(Stdio::null()).spawn().unwrap();
    let line = wait_for("report of the child", || std::fs::read_to_string(&path).ok());
    let (process_id, folder) = line.split_once(' ').unwrap();
    let process_id = Pid::from_raw(process_id.parse().unwrap());
    assert!(kill(process_id, None).is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
    wait("end of the emulator", || kill(process_id, None).is_err());
    wait("removal of the folder", || !Path::new(folder).exists());
}
