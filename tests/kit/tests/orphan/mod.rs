//! A test that is killed while it has a server: what the tests of several servers share.

use std::path::Path;
use std::process::{Command, Stdio};

use millrace_testkit::{wait, wait_for};
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Where the child tells of its server; that it is set makes it the child.
const REPORT: &str = "MILLRACE_TESTKIT_REPORT";

/// Whether this process is the child of the other test.
pub fn is_child() -> bool {
    std::env::var_os(REPORT).is_some()
}

/// Tells the parent of the server, and waits until it kills us.
pub fn tell(process_id: u32, folder: &Path) {
    let report = std::env::var_os(REPORT).unwrap();
    let part = Path::new(&report).with_extension("part");
    std::fs::write(&part, format!("{process_id} {}", folder.display())).unwrap();
    std::fs::rename(part, &report).unwrap();
    wait("the end", || false);
}

/// Runs the test `child` in a process of its own, kills it, and waits until nothing of its server is left.
pub fn killed_child_leaves_nothing() {
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
    wait("end of the server", || kill(process_id, None).is_err());
    wait("removal of the folder", || !Path::new(folder).exists());
}
