//! A mill that tells a collector of itself.

use std::ops::Deref;

use testkit::{Collector, Span, Trace};

use crate::fleet::RabbitMill;
use crate::harness::Mill;

/// The whole way, from one span to the one that follows from it.
pub const WAY: [&str; 8] = [
    "file seen",
    "publish source.file.discovered",
    "process millrace.ingest",
    "publish ingest.completed",
    "process millrace.transform",
    "publish transform.completed",
    "process millrace.dq",
    "publish dq.completed",
];

/// The way as far as `name`, as a path.
pub fn way_to(name: &str) -> String {
    let end = WAY.iter().position(|step| *step == name).unwrap();
    WAY[..=end].join("/")
}

pub struct Told<M> {
    pub mill: M,
    pub collector: Collector,
    /// What messages travel over, as spans name it.
    pub system: &'static str,
}

impl Told<Mill> {
    /// On the embedded bus, over OTLP/HTTP.
    pub fn embedded() -> Self {
        let collector = Collector::start();
        let mut mill = Mill::new();
        tell(&mut mill, &collector.http_url(), "http/protobuf");
        Self { mill, collector, system: "sqlite" }
    }
}

impl Told<RabbitMill> {
    /// On RabbitMQ, over OTLP/gRPC.
    pub fn rabbit() -> Self {
        let collector = Collector::start();
        let mut mill = RabbitMill::new();
        tell(&mut mill, &collector.grpc_url(), "grpc");
        Self { mill, collector, system: "rabbitmq" }
    }
}

pub fn tell(mill: &mut Mill, url: &str, protocol: &str) {
    mill.set_variable("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    mill.set_variable("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    mill.set_variable("OTEL_BSP_SCHEDULE_DELAY", "100");
}

impl<M> Told<M> {
    /// The only trace that has a span of this name, once it has `count` of them and all their parents.
    #[track_caller]
    pub fn trace_with(&self, name: &str, count: usize) -> Trace {
        let complete = |spans: &[Span]| -> Option<Trace> {
            let traces = Trace::all(spans).into_iter().filter(|trace| !trace.named(name).is_empty());
            let mut traces: Vec<Trace> = traces.collect();
            let only = traces.pop().filter(|_| traces.is_empty())?;
            (only.named(name).len() >= count && only.orphans().is_empty()).then_some(only)
        };
        let spans = self.collector.wait_for_spans(name, |spans| complete(spans).is_some());
        complete(&spans).unwrap()
    }
}

impl Deref for Told<Mill> {
    type Target = Mill;
    fn deref(&self) -> &Mill {
        &self.mill
    }
}

impl Deref for Told<RabbitMill> {
    type Target = RabbitMill;
    fn deref(&self) -> &RabbitMill {
        &self.mill
    }
}
