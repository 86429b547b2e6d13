//! A Jaeger for tests.

mod config;
mod find;
mod process;
mod query;
mod span;

use std::io::Write;
use std::path::PathBuf;

pub use span::{JaegerSpan, Reference};

use process::Process;
use query::Query;

/// A private Jaeger, which keeps traces in memory: what it can't read, show as one tree or find is not a trace that
/// anybody else can use.
///
/// It listens on the loopback interface only, on ports of its own, and is ended when this is dropped or the test process
/// goes away, by `SIGKILL` too.
pub struct Jaeger {
    process: Process,
    query: Query,
}

impl Jaeger {
    /// The program: `MILLRACE_JAEGER`, or what `make jaeger` built, or `jaeger` in `PATH`. Panics where `MILLRACE_JAEGER`
    /// names no file.
    pub fn find() -> Option<PathBuf> {
        find::jaeger()
    }

    /// Starts one, and returns once it takes and shows traces (a tenth of a second).
    #[track_caller]
    pub fn start() -> Self {
        let program = Self::find()
            .expect("missing: Jaeger: run make jaeger where Go is, or set MILLRACE_JAEGER to the program of a release");
        // Somebody may take one of the ports before Jaeger does.
        let mut tries_left = 3;
        loop {
            match Process::start(&program) {
                Ok(process) => return Self { query: Query::new(process.ports.query), process },
                Err(log) if tries_left > 0 && log.contains("address already in use") => tries_left -= 1,
                Err(log) => panic!("Jaeger did not start; it wrote: {log}"),
            }
        }
    }

    /// [`Jaeger::start`], or `None` and a line that says so where there is no Jaeger: the test is to return then.
    #[track_caller]
    pub fn start_or_skip(test: &str) -> Option<Self> {
        if Self::find().is_none() {
            // Past the test harness, which shows nothing of a test that passes; at once, for tests run side by side.
            let line = format!("skipped: {test}: there is no Jaeger; make jaeger builds it where Go is\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            return None;
        }
        Some(Self::start())
    }

    /// `http://127.0.0.1:port`, for OTLP over gRPC.
    pub fn otlp_grpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.process.ports.otlp_grpc)
    }

    /// `http://127.0.0.1:port`, below which is `/v1/traces`.
    pub fn otlp_http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.process.ports.otlp_http)
    }

    /// The services that it has spans of.
    #[track_caller]
    pub fn services(&self) -> Vec<String> {
        self.query.services()
    }

    /// A trace as its query API tells it, or `None` where it has no span of it. What an exporter was told to be taken is
    /// here at once.
    #[track_caller]
    pub fn trace(&self, trace_id: &str) -> Option<serde_json::Value> {
        self.query.trace(trace_id)
    }

    /// The spans of a trace, by their start; none where it has none.
    #[track_caller]
    pub fn spans(&self, trace_id: &str) -> Vec<JaegerSpan> {
        self.trace(trace_id).map(|trace| JaegerSpan::all(&trace)).unwrap_or_default()
    }

    /// The ids of the traces in which one span of `service` has all of `tags`, itself or its process. Not for `error`: in
    /// memory, Jaeger finds what failed by no text.
    #[track_caller]
    pub fn search(&self, service: &str, tags: &[(&str, &str)]) -> Vec<String> {
        self.query.search(service, tags)
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        self.process.program.log()
    }

    /// Its process id, for tests that look at it.
    pub fn process_id(&self) -> u32 {
        self.process.program.process_id()
    }

    /// Where its files lie.
    pub fn folder(&self) -> &std::path::Path {
        self.process.program.folder()
    }
}
