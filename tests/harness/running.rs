//! A process of the platform.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use super::{DEADLINE, Mill};

/// A process that is killed when it is dropped.
pub struct Running(pub(super) Child);

impl Running {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits for the failpoint at which it dies. Dying of anything else, or not at all, is a failure.
    #[track_caller]
    pub fn killed_at(mut self, point: &str, mill: &Mill) {
        let mark = format!("failpoint {point} kills {}\n", self.id());
        mill.wait(&format!("its death at {point}"), || self.0.try_wait().unwrap().is_some());
        let status = self.ended();
        assert_eq!(status.signal(), Some(nix::sys::signal::SIGKILL as i32), "{status}: {}", mill.log());
        assert!(mill.log().contains(&mark), "it did not die at {point}: {}", mill.log());
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Waits for the end, which must come.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < DEADLINE, "the process did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGTERM, and the exit code.
    #[track_caller]
    pub fn stop(mut self) -> Option<i32> {
        self.terminate();
        self.ended().code()
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
    }
}

/// Ends workers as an operator does, and each must end well.
#[track_caller]
pub fn stop_all(workers: Vec<Running>) {
    workers.iter().for_each(Running::terminate);
    for mut worker in workers {
        assert_eq!(worker.ended().code(), Some(0));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
