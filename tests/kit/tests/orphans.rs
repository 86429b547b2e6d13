//! Nothing of a node stays behind when its test process goes away, however that happens.
#![allow(clippy::unwrap_used, missing_docs)]

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use millrace_testkit::{Broker, wait, wait_for};
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Where the child tells of its node; that it is set makes it the child.
const REPORT: &str = "MILLRACE_TESTKIT_REPORT";

/// Run by the other tests, in a process of its own.
#[test]
fn child() {
    let Some(report) = std::env::var_os(REPORT) else { return };
    let broker = Broker::shared();
    let epmd_port = broker.ctl(&["eval", "io:format(\"~s\", [os:getenv(\"ERL_EPMD_PORT\")])."]);
    let epmd_port = epmd_port.trim().trim_end_matches("ok").trim();
    let line = format!("{} {epmd_port} {}", broker.process_id(), broker.folder().display());
    std::fs::write(Path::new(&report).with_extension("part"), line).unwrap();
    std::fs::rename(Path::new(&report).with_extension("part"), &report).unwrap();
    // Until the parent allows the end, or brings it.
    wait("the parent's word", || Path::new(&report).with_extension("end").exists());
}

struct Started {
    child: Child,
    report: tempfile::TempDir,
    process_id: Pid,
    epmd_port: u16,
    folder: String,
}

fn start() -> Started {
    let report = tempfile::tempdir().unwrap();
    let path = report.path().join("report");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child"]).env(REPORT, &path).env_remove("AMQP_URL").stdout(Stdio::null());
    let child = command.spawn().unwrap();
    let line = wait_for("report of the child", || std::fs::read_to_string(&path).ok());
    let [process_id, epmd_port, folder] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let (process_id, epmd_port) = (Pid::from_raw(process_id.parse().unwrap()), epmd_port.parse().unwrap());
    let started = Started { child, report, process_id, epmd_port, folder: folder.into() };
    assert!(started.runs());
    assert!(started.has_epmd());
    started
}

impl Started {
    fn runs(&self) -> bool {
        kill(self.process_id, None).is_ok()
    }

    fn has_epmd(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.epmd_port)).is_ok()
    }

    fn expect_nothing_left(&self) {
        wait("end of RabbitMQ", || !self.runs());
        wait("end of the port mapper", || !self.has_epmd());
        wait("removal of the folder", || !Path::new(&self.folder).exists());
    }
}

#[test]
fn a_killed_test_leaves_nothing_behind() {
    let mut started = start();
    started.child.kill().unwrap();
    started.child.wait().unwrap();
    started.expect_nothing_left();
}

#[test]
fn a_test_that_ends_leaves_nothing_behind_in_a_static() {
    let mut started = start();
    std::fs::write(started.report.path().join("report.end"), "").unwrap();
    assert!(started.child.wait().unwrap().success());
    started.expect_nothing_left();
}
