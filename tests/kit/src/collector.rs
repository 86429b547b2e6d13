//! A receiver of OTLP for tests.

mod decode;
mod fault;
mod receive;
mod server;
mod store;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

pub use fault::Fault;

use crate::metric::Metric;
use crate::span::Span;
use crate::{DEADLINE, ports, trace};
use server::Server;
use store::Store;

/// A receiver of traces and metrics on two ports of the loopback interface: OTLP over gRPC, and over HTTP in protobuf,
/// both uncompressed. It takes what the OpenTelemetry Collector takes by default: 4 MiB a request with gRPC, 20 with
/// HTTP. Dropping it closes the ports.
pub struct Collector {
    grpc_port: u16,
    http_port: u16,
    store: Arc<Store>,
    server: Mutex<Option<Server>>,
}

impl Collector {
    /// Starts one, which is healthy.
    pub fn start() -> Self {
        let (grpc, http) = (ports::listen(), ports::listen());
        let [grpc_port, http_port] = [&grpc, &http].map(|listener| listener.local_addr().unwrap().port());
        let store = Arc::new(Store::default());
        let server = Mutex::new(Some(Server::start(grpc, http, &store)));
        Self { grpc_port, http_port, store, server }
    }

    /// `http://127.0.0.1:port`, for OTLP over gRPC.
    pub fn grpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc_port)
    }

    /// `http://127.0.0.1:port`, below which are `/v1/traces` and `/v1/metrics`. An exporter that is given its endpoint
    /// in code, not by the environment, wants the whole path.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// All spans that came since the start or [`Collector::clear`], in the order of their coming, as often as they came.
    pub fn spans(&self) -> Vec<Span> {
        self.store.spans()
    }

    /// The latest data point of each time series that came since the start or [`Collector::clear`].
    pub fn metrics(&self) -> Vec<Metric> {
        self.store.metrics()
    }

    /// How many requests came since the start, refused and hanging ones too: whether an exporter tried at all.
    pub fn requests(&self) -> usize {
        self.store.requests()
    }

    /// Forgets all spans and metrics.
    pub fn clear(&self) {
        self.store.clear();
    }

    /// Waits until `enough` is true of the spans, and returns them. Panics with `what` and all spans after [`DEADLINE`].
    #[track_caller]
    pub fn wait_for_spans(&self, what: &str, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let begun = Instant::now();
        loop {
            let spans = self.spans();
            if enough(&spans) {
                return spans;
            }
            let secs = DEADLINE.as_secs();
            let late = begun.elapsed() >= DEADLINE;
            assert!(!late, "{what} did not come within {secs} s; what came is\n{}", trace::render_all(&spans));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Waits until `enough` is true of the metrics, and returns them. Panics with `what` and all of them after
    /// [`DEADLINE`].
    #[track_caller]
    pub fn wait_for_metrics(&self, what: &str, enough: impl Fn(&[Metric]) -> bool) -> Vec<Metric> {
        let begun = Instant::now();
        loop {
            let metrics = self.metrics();
            if enough(&metrics) {
                return metrics;
            }
            let secs = DEADLINE.as_secs();
            assert!(begun.elapsed() < DEADLINE, "{what} did not come within {secs} s; what came is {metrics:#?}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// What the requests that come from now on suffer. Those that hang already hang on.
    pub fn set_fault(&self, fault: Fault) {
        self.store.set_fault(fault);
    }

    /// Closes the ports and all connections, and returns once that is done: who connects now is refused. Spans and
    /// metrics stay.
    pub fn stop(&self) {
        let server = self.server().take();
        drop(server);
    }

    /// Listens on the same ports again, with the same spans, metrics and fault. One that still listens is stopped before.
    #[track_caller]
    pub fn restart(&self) {
        self.stop();
        let [grpc, http] = [self.grpc_port, self.http_port].map(|port| {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .unwrap_or_else(|error| panic!("somebody took port {port} of the stopped collector: {error}"))
        });
        *self.server() = Some(Server::start(grpc, http, &self.store));
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap()
    }
}
