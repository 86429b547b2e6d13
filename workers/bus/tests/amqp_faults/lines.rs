//! What the bus writes into the log.

use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

static WRITTEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Sink;

impl Write for Sink {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(text).trim_end().to_owned();
        WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to keep what all tests of this program log.
pub fn keep() {
    static KEPT: OnceLock<()> = OnceLock::new();
    KEPT.get_or_init(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| Sink).init());
}

/// The lines of the bus that hold every one of `parts`. A vhost, an address or a message's id tells one test's lines
/// from another's.
pub fn with(parts: &[&str]) -> Vec<String> {
    let written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let all = |line: &&String| line.contains("millrace_bus") && parts.iter().all(|part| line.contains(part));
    written.iter().filter(all).cloned().collect()
}
