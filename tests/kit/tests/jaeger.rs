//! A real Jaeger, with the real exporters.
#![allow(clippy::unwrap_used, missing_docs)]

mod telemetry;

use millrace_testkit::{DEADLINE, Jaeger, JaegerSpan, Reference};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use telemetry::{BOTH, Exporting, Protocol};

fn exporting(jaeger: &Jaeger, protocol: Protocol) -> Exporting {
    let url = match protocol {
        Protocol::Grpc => jaeger.otlp_grpc_url(),
        Protocol::Http => jaeger.otlp_http_url(),
    };
    Exporting::to(&url, protocol, DEADLINE)
}

const ELSEWHERE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A span of another process that nobody exports.
fn elsewhere() -> SpanContext {
    let (trace_id, span_id) = (TraceId::from_hex(ELSEWHERE).unwrap(), SpanId::from_hex("00f067aa0ba902b7").unwrap());
    SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, TraceState::default())
}

/// Exports `load`, which failed and has a link to [`elsewhere`], and in it `write`, and answers their trace.
fn send(jaeger: &Jaeger, protocol: Protocol) -> String {
    let exporting = exporting(jaeger, protocol);
    let tracer = exporting.traces.tracer("scope");
    let load = tracer.span_builder("load").with_kind(SpanKind::Consumer).with_attributes([KeyValue::new("rows", 7)]);
    let load = Context::new().with_span(load.with_links(vec![Link::with_context(elsewhere())]).start(&tracer));
    drop(tracer.start_with_context("write", &load));
    load.span().set_status(Status::error("disk full"));
    load.span().end();
    exporting.traces.force_flush().unwrap();
    load.span().span_context().trace_id().to_string()
}

#[test]
fn a_trace_can_be_read_back() {
    let Some(jaeger) = Jaeger::start_or_skip("a_trace_can_be_read_back") else { return };
    assert_eq!(jaeger.services(), [""; 0]);
    assert_eq!(jaeger.trace(ELSEWHERE), None);
    for protocol in BOTH {
        let trace_id = send(&jaeger, protocol);
        let spans = jaeger.spans(&trace_id);
        let [load, write] = &spans[..] else { panic!("{spans:#?}") };
        assert_eq!((&load.trace_id, load.service.as_str(), load.operation.as_str()), (&trace_id, "ingest", "load"));
        assert_eq!((load.parent(), write.parent()), (None, Some(load.span_id.as_str())));
        let link =
            Reference { kind: "FOLLOWS_FROM".into(), trace_id: ELSEWHERE.into(), span_id: "00f067aa0ba902b7".into() };
        assert_eq!(load.references, [link]);
        assert_eq!(write.references[0].kind, "CHILD_OF");
        assert_eq!((load.tag("span.kind"), load.tag("rows"), load.tag("error")), ("consumer", "7", "true"));
        assert_eq!(load.tag("otel.status_description"), "disk full");
        assert_eq!(load.process_tags["service.instance.id"], "one");
        assert_eq!(warnings(&spans), [""; 0]);
    }
    assert_eq!(jaeger.services(), ["ingest"]);
}

#[test]
fn traces_can_be_found_by_tags() {
    let Some(jaeger) = Jaeger::start_or_skip("traces_can_be_found_by_tags") else { return };
    let mut sent = BOTH.map(|protocol| send(&jaeger, protocol));
    let mut found = jaeger.search("ingest", &[("rows", "7"), ("service.instance.id", "one")]);
    sent.sort();
    found.sort();
    assert_eq!(found, sent);
    assert_eq!(jaeger.search("ingest", &[("rows", "8")]), [""; 0]);
}

#[test]
fn a_lost_parent_is_warned_of() {
    let Some(jaeger) = Jaeger::start_or_skip("a_lost_parent_is_warned_of") else { return };
    let exporting = exporting(&jaeger, Protocol::Grpc);
    let tracer = exporting.traces.tracer("scope");
    drop(tracer.start_with_context("orphan", &Context::new().with_remote_span_context(elsewhere())));
    exporting.traces.force_flush().unwrap();
    let spans = jaeger.spans(ELSEWHERE);
    assert_eq!(spans[0].parent(), Some("00f067aa0ba902b7"));
    assert_eq!(warnings(&spans).len(), 1, "{spans:#?}");
}

/// What a consumer does that names its producer both ways.
#[test]
fn a_link_to_the_parent_takes_the_place_of_the_parent() {
    let Some(jaeger) = Jaeger::start_or_skip("a_link_to_the_parent_takes_the_place_of_the_parent") else { return };
    let exporting = exporting(&jaeger, Protocol::Grpc);
    let tracer = exporting.traces.tracer("scope");
    let publish = Context::new().with_span(tracer.start("publish"));
    let context = publish.span().span_context().clone();
    let process = tracer.span_builder("process").with_links(vec![Link::with_context(context.clone())]);
    drop(process.start_with_context(&tracer, &publish));
    publish.span().end();
    exporting.traces.force_flush().unwrap();
    let spans = jaeger.spans(&context.trace_id().to_string());
    let process = spans.iter().find(|span| span.operation == "process").unwrap();
    assert_eq!(process.parent(), Some(context.span_id().to_string().as_str()));
    assert_eq!(
        process.references.iter().map(|reference| reference.kind.as_str()).collect::<Vec<_>>(),
        ["FOLLOWS_FROM"]
    );
}

/// Tests run side by side, and beside whatever Jaeger the machine has.
#[test]
fn it_leaves_nothing_behind() {
    let Some(jaeger) = Jaeger::start_or_skip("it_leaves_nothing_behind") else { return };
    let (process_id, folder) = (Pid::from_raw(jaeger.process_id() as i32), jaeger.folder().to_owned());
    assert!(kill(process_id, None).is_ok() && folder.exists());
    assert!(jaeger.log().contains("Everything is ready"), "{}", jaeger.log());
    drop(jaeger);
    assert!(kill(process_id, None).is_err() && !folder.exists());
}

fn warnings(spans: &[JaegerSpan]) -> Vec<&String> {
    spans.iter().flat_map(|span| &span.warnings).collect()
}
