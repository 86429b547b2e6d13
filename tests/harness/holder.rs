//! Another program that has the warehouse's file open for writing.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::{Mill, repository};

/// Has the file until it is dropped. Writes nothing.
pub struct Holder(Child);

impl Holder {
    /// Waits until it has the mill's file.
    pub fn of(mill: &Mill) -> Self {
        let code = "
import duckdb, sys, time
while True:
    try:
        held = duckdb.connect(sys.argv[1])
        break
    except duckdb.IOException:
        time.sleep(0.01)
print('held', flush=True)
sys.stdin.read()
";
        let mut child = Command::new(repository().join(".venv/bin/python"))
            .args(["-c", code])
            .arg(mill.path("warehouse.duckdb"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "held");
        Self(child)
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Nothing was written, so nothing is lost.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
