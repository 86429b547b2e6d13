//! Spans made as fast as a process can, and none lost on the way to a healthy collector. The children are this test's own
//! binary, because what is exported is asked for by the environment of a process.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashSet;
use std::process::Command;

use millrace_runtime::{LogFormat, Telemetry, init_logs};
use testkit::Collector;

/// Says to a child what it is.
const CHILD: &str = "MILLRACE_TEST_SPANS";
const SPANS: usize = 10_000;

fn child(url: &str, protocol: &str) {
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ten_thousand_spans_all_arrive", "--nocapture"])
        .env(CHILD, SPANS.to_string())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .env("OTEL_METRICS_EXPORTER", "none")
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn ten_thousand_spans_all_arrive() {
    if let Ok(count) = std::env::var(CHILD) {
        return make(count.parse().unwrap());
    }
    let collector = Collector::start();
    for (protocol, url) in [("grpc", collector.grpc_url()), ("http/protobuf", collector.http_url())] {
        collector.clear();
        child(&url, protocol);
        let spans = collector.spans();
        let ids: HashSet<_> = spans.iter().map(|span| span.span_id.as_str()).collect();
        println!("{protocol}: {} of {SPANS} spans arrived, {} lost", ids.len(), SPANS - ids.len());
        assert_eq!((ids.len(), spans.len()), (SPANS, SPANS), "{protocol}");
        assert!(spans.iter().all(|span| span.service == "millrace-test" && span.name == "load"));
    }
}

/// As many loads as wait at once in the worst minute, with what a span of a load carries.
fn make(count: usize) {
    let telemetry = Telemetry::start("test").unwrap();
    init_logs("off", LogFormat::Json, &telemetry).unwrap();
    for number in 0..count {
        // The target of the platform's own crates, whose spans are recorded.
        let span = tracing::info_span!(
            target: "runtime",
            "load",
            millrace.load_id = format!("watch::source_system/batches.csv::2026-11-23T12:00:00Z::{number:08x}"),
            millrace.table = "BATCHES",
        );
        span.in_scope(|| tracing::info!(target: "runtime", number, "file loaded"));
    }
    telemetry.shutdown();
}
