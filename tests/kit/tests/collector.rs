//! The receiver of telemetry, with the real exporters.
#![allow(clippy::unwrap_used, missing_docs)]

mod telemetry;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use millrace_testkit::{Collector, DEADLINE, Event, Fault, Kind, Link, Measured, Status, Trace, wait};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{
    Link as SdkLink, SpanContext, SpanId, SpanKind, Status as SdkStatus, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use telemetry::{BOTH, Exporting, Protocol};

/// Long enough for a request that is answered, on a busy machine, where a test waits for one that is not.
const PATIENCE: Duration = Duration::from_secs(2);

fn url(collector: &Collector, protocol: Protocol) -> String {
    match protocol {
        Protocol::Grpc => collector.grpc_url(),
        Protocol::Http => collector.http_url(),
    }
}

fn exporting(collector: &Collector, protocol: Protocol) -> Exporting {
    Exporting::to(&url(collector, protocol), protocol, DEADLINE)
}

fn impatient(collector: &Collector, protocol: Protocol) -> Exporting {
    Exporting::to(&url(collector, protocol), protocol, PATIENCE)
}

/// Makes a span, and answers whether it could be exported.
fn export(exporting: &Exporting, name: &'static str) -> bool {
    drop(exporting.traces.tracer("test").start(name));
    exporting.traces.force_flush().is_ok()
}

fn names(collector: &Collector) -> Vec<String> {
    collector.spans().into_iter().map(|span| span.name).collect()
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn spans_come_whole() {
    for protocol in BOTH {
        let collector = Collector::start();
        let exporting = exporting(&collector, protocol);
        let tracer = exporting.traces.tracer("scope");
        let elsewhere = SpanContext::new(
            TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736").unwrap(),
            SpanId::from_hex("00f067aa0ba902b7").unwrap(),
            TraceFlags::SAMPLED,
            true,
            TraceState::default(),
        );
        let list = Array::String(vec![StringValue::from("a"), StringValue::from("b")]);
        let root = tracer.span_builder("load").with_kind(SpanKind::Consumer).with_attributes([
            KeyValue::new("text", "x"),
            KeyValue::new("rows", 7),
            KeyValue::new("good", true),
            KeyValue::new("share", 0.5),
            KeyValue::new("list", Value::Array(list)),
        ]);
        let root = root.with_links(vec![SdkLink::new(elsewhere, vec![KeyValue::new("n", 1)], 0)]).start(&tracer);
        let root = Context::new().with_span(root);
        root.span().add_event("committed", vec![KeyValue::new("rows", 7)]);
        root.span().set_status(SdkStatus::error("disk full"));
        drop(tracer.span_builder("write").with_kind(SpanKind::Client).start_with_context(&tracer, &root));
        root.span().end();
        drop(root);
        exporting.traces.force_flush().unwrap();

        let spans = collector.wait_for_spans("both spans", |spans| spans.len() == 2);
        let trace = Trace::single(&spans);
        let (root, write) = (trace.root(), trace.path("load/write"));
        assert_eq!((root.name.as_str(), root.kind, write.kind), ("load", Kind::Consumer, Kind::Client));
        assert_eq!((root.trace_id.len(), root.span_id.len(), &root.parent_span_id), (32, 16, &None));
        assert_eq!((&write.trace_id, write.parent_span_id.as_ref()), (&root.trace_id, Some(&root.span_id)));
        assert_eq!((root.service.as_str(), root.scope.as_str()), ("ingest", "scope"));
        assert_eq!(root.resource, map([("service.name", "ingest"), ("service.instance.id", "one")]));
        let expected = map([("text", "x"), ("rows", "7"), ("good", "true"), ("share", "0.5"), ("list", "[a, b]")]);
        assert_eq!(root.attributes, expected);
        assert_eq!(root.events, [Event { name: "committed".into(), attributes: map([("rows", "7")]) }]);
        let link = Link {
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
            span_id: "00f067aa0ba902b7".into(),
            attributes: map([("n", "1")]),
        };
        assert_eq!(root.links, [link]);
        assert_eq!((&root.status, &write.status), (&Status::Error("disk full".into()), &Status::Unset));
        assert!(root.start_nanos <= write.start_nanos && write.end_nanos <= root.end_nanos);
        assert!(root.start_nanos > 1_700_000_000_000_000_000, "{}", root.start_nanos);
    }
}

#[test]
fn metrics_are_the_latest_of_each_series() {
    for protocol in BOTH {
        let collector = Collector::start();
        let exporting = exporting(&collector, protocol);
        let meter = exporting.metrics.meter("scope");
        let rows = meter.u64_counter("rows").with_unit("{row}").with_description("loaded rows").build();
        let depth = meter.i64_gauge("depth").build();
        let duration = meter.f64_histogram("duration").with_unit("s").build();
        for (source, count) in [("a", 1), ("b", 10), ("a", 2)] {
            rows.add(count, &[KeyValue::new("source", source)]);
            depth.record(-3, &[]);
            duration.record(0.5, &[]);
            exporting.metrics.force_flush().unwrap();
        }

        let metrics = collector.wait_for_metrics("four series", |metrics| metrics.len() == 4);
        let value = |name: &str, source: &str| {
            let found = metrics.iter().find(|metric| metric.name == name && metric.attribute("source") == source);
            found.unwrap_or_else(|| panic!("{name} {source} is not in {metrics:#?}"))
        };
        assert_eq!(value("rows", "a").value, Measured::Sum(3.0));
        assert_eq!(value("rows", "b").value, Measured::Sum(10.0));
        assert_eq!(value("depth", "").value, Measured::Gauge(-3.0));
        assert_eq!(value("duration", "").value, Measured::Histogram { count: 3, sum: 1.5 });
        let rows = value("rows", "a");
        assert_eq!((rows.unit.as_str(), rows.description.as_str(), rows.number()), ("{row}", "loaded rows", 3.0));
        assert_eq!((rows.service.as_str(), rows.scope.as_str()), ("ingest", "scope"));
    }
}

#[test]
fn what_comes_twice_is_there_twice_until_cleared() {
    let collector = Collector::start();
    for protocol in BOTH {
        let exporting = exporting(&collector, protocol);
        assert!(export(&exporting, "one") && export(&exporting, "two") && export(&exporting, "one"));
    }
    assert_eq!(names(&collector), ["one", "two", "one", "one", "two", "one"]);
    assert_eq!(collector.requests(), 6);
    collector.clear();
    assert_eq!(names(&collector), [""; 0]);
}

#[test]
fn a_slow_one_takes_at_once_and_answers_late() {
    for protocol in BOTH {
        let collector = Collector::start();
        let patient = exporting(&collector, protocol);
        collector.set_fault(Fault::Slow(Duration::from_millis(700)));
        let begun = Instant::now();
        assert!(export(&patient, "patient"), "{protocol:?}");
        assert!(begun.elapsed() >= Duration::from_millis(700), "{protocol:?}");
        collector.set_fault(Fault::Slow(DEADLINE));
        assert!(!export(&impatient(&collector, protocol), "impatient"), "{protocol:?}");
        assert_eq!(names(&collector), ["patient", "impatient"], "{protocol:?}");
    }
}

#[test]
fn a_refusing_one_takes_nothing() {
    for protocol in BOTH {
        let collector = Collector::start();
        let exporting = exporting(&collector, protocol);
        collector.set_fault(Fault::Refusing);
        drop(exporting.traces.tracer("test").start("refused"));
        let error = format!("{:?}", exporting.traces.force_flush().unwrap_err());
        let expected = if protocol == Protocol::Grpc { "Unavailable" } else { "503" };
        assert!(error.contains(expected), "{error}");
        assert_eq!((names(&collector), collector.requests()), (vec![], 1), "{protocol:?}");
        collector.set_fault(Fault::Healthy);
        assert!(export(&exporting, "taken"), "{protocol:?}");
        assert_eq!(names(&collector), ["taken"], "{protocol:?}");
    }
}

#[test]
fn a_hanging_one_never_answers() {
    for protocol in BOTH {
        let collector = Collector::start();
        let (patient, impatient) = (exporting(&collector, protocol), impatient(&collector, protocol));
        collector.set_fault(Fault::Hanging);
        let begun = Instant::now();
        assert!(!export(&impatient, "hung"), "{protocol:?}");
        assert!(begun.elapsed() >= PATIENCE, "{protocol:?}");
        assert_eq!((names(&collector), collector.requests()), (vec![], 1), "{protocol:?}");
        collector.set_fault(Fault::Healthy);
        assert!(export(&patient, "taken"), "{protocol:?}");
        assert_eq!(names(&collector), ["taken"], "{protocol:?}");
    }
}

#[test]
fn a_stopped_one_is_gone_until_it_restarts() {
    for protocol in BOTH {
        let collector = Collector::start();
        let exporting = exporting(&collector, protocol);
        assert!(export(&exporting, "before"), "{protocol:?}");
        collector.stop();
        assert!(!export(&exporting, "lost"), "{protocol:?}");
        collector.stop();
        collector.restart();
        wait("an export after the restart", || export(&exporting, "after"));
        assert_eq!(names(&collector)[..2], ["before", "after"], "{protocol:?}");
    }
}

#[test]
fn connections_die_with_it() {
    let collector = Collector::start();
    collector.set_fault(Fault::Hanging);
    let connect = |url: &str| TcpStream::connect(url.trim_start_matches("http://"));
    let (idle, mut waiting) = (connect(&collector.grpc_url()).unwrap(), connect(&collector.http_url()).unwrap());
    waiting.write_all(b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").unwrap();
    wait("the request", || collector.requests() == 1);
    collector.stop();
    for mut stream in [idle, waiting] {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        match stream.read(&mut [0; 1024]) {
            Ok(read) => assert_eq!(read, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
        }
    }
    for url in [collector.grpc_url(), collector.http_url()] {
        assert_eq!(connect(&url).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

/// Tests with a runtime of their own use it too: starting, waiting, stopping and dropping do not enter one.
#[tokio::test]
async fn it_works_within_a_runtime() {
    let collector = Collector::start();
    collector.restart();
    collector.stop();
}
