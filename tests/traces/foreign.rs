//! Whoever asks has a trace of his own.

use serde_json::json;
use testkit::Trace;

use crate::harness::{materials, stop_all};
use crate::told::Told;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn command(load_id: &str) -> String {
    json!({
        "specversion": "1.0", "id": "0190b6d0-0000-7000-8000-000000000003", "source": "airflow",
        "type": "ingest.requested", "time": "2026-11-23T00:00:00Z",
        "data": {"load_id": load_id, "sources": ["materials"]}
    })
    .to_string()
}

/// As an instrumented AMQP client sends it: the context in the headers, and a body that knows nothing of it.
fn ask(told: &Told<crate::fleet::RabbitMill>, load_id: &str, sampled: bool) {
    let context = format!("00-{TRACE}-{SPAN}-{:02}", u8::from(sampled));
    let properties = json!({"delivery_mode": 2, "headers": {"traceparent": context, "tracestate": "vendor=1"}});
    let vhost = told.vhost.name();
    let key = "ingest.requested.0000000000000000";
    let routed =
        told.broker().management().publish(vhost, "millrace.commands", key, command(load_id).as_bytes(), properties);
    assert!(routed);
}

#[test]
fn a_sampled_context_in_the_headers_is_the_parent() {
    let told = Told::rabbit();
    let workers = told.start_all(&["ingest", "transform", "dq"]);
    told.drop_file("materials.csv", materials(&["M1"]));
    ask(&told, "my_dag::sampled", true);
    let spans = told
        .collector
        .wait_for_spans("the verdict", |spans| spans.iter().any(|span| span.name == "publish dq.completed"));
    stop_all(workers);
    let trace = Trace::find(&spans, TRACE).unwrap_or_else(|| panic!("{}", testkit::render_all(&spans)));
    let first = trace.spans().iter().find(|span| span.parent_span_id.as_deref() == Some(SPAN)).unwrap();
    assert_eq!(first.name, "process millrace.ingest");
    assert_eq!(trace.named("publish dq.completed").len(), 1, "{}", trace.render());
    assert_eq!(told.load("my_dag::sampled")["trace_id"], TRACE);
}

#[test]
fn one_that_is_not_sampled_is_linked_to_and_hides_nothing() {
    let told = Told::rabbit();
    let workers = told.start_all(&["ingest", "transform", "dq"]);
    told.drop_file("materials.csv", materials(&["M1"]));
    ask(&told, "my_dag::unsampled", false);
    let trace = told.trace_with("publish dq.completed", 1);
    stop_all(workers);
    assert_ne!(trace.id(), TRACE);
    let link = &trace.root().links[0];
    assert_eq!((link.trace_id.as_str(), link.span_id.as_str()), (TRACE, SPAN));
    assert_eq!(told.load("my_dag::unsampled")["trace_id"], trace.id());
}

#[test]
fn a_triggered_run_begins_where_it_was_asked_for() {
    let mut told = Told::embedded();
    told.mill.set_variable("TRACEPARENT", format!("00-{TRACE}-{SPAN}-01"));
    let workers = told.start_all(&["ingest", "transform", "dq"]);
    told.drop_file("materials.csv", materials(&["M1"]));
    let asked = told.json(&["trigger", "ingest", "--load-id", "by::hand", "--source", "materials"]);
    assert_eq!(asked["trace_id"], TRACE);
    let spans = told
        .collector
        .wait_for_spans("the verdict", |spans| spans.iter().any(|span| span.name == "publish dq.completed"));
    stop_all(workers);
    let trace = Trace::find(&spans, TRACE).unwrap();
    let trigger = trace.only("trigger ingest");
    assert_eq!((trigger.parent_span_id.as_deref(), trigger.service.as_str()), (Some(SPAN), "millrace-trigger"));
    let ask = trace.children_of(trigger)[0];
    assert_eq!(
        (ask.name.as_str(), ask.attribute("messaging.destination.name")),
        ("publish ingest.requested", "millrace.commands")
    );
    // The run is planned, and each of its files is discovered, under the command.
    let planned = trace.children_of(ask)[0];
    assert_eq!(planned.name, "process millrace.ingest");
    assert!(planned.event("run planned").is_some(), "{}", trace.render());
    assert_eq!(trace.named("process millrace.ingest").len(), 2, "{}", trace.render());
    assert_eq!(trace.named("publish dq.completed").len(), 1, "{}", trace.render());
}

#[test]
fn what_cant_be_read_is_an_error_in_its_senders_trace() {
    let told = Told::rabbit();
    let workers = told.start_all(&["ingest"]);
    let context = format!("00-{TRACE}-{SPAN}-01");
    let properties = json!({"delivery_mode": 2, "headers": {"traceparent": context}});
    let key = "ingest.requested.0000000000000000";
    let vhost = told.vhost.name();
    assert!(told.broker().management().publish(vhost, "millrace.commands", key, b"garbage", properties));
    told.collector.wait_for_spans("its span", |spans| {
        let of_it = |span: &testkit::Span| span.trace_id == TRACE && span.parent_span_id.as_deref() == Some(SPAN);
        spans.iter().any(|span| of_it(span) && span.is_error() && span.name == "process millrace.ingest")
    });
    stop_all(workers);
    assert_eq!(told.dead()[0]["trace_id"], TRACE);
}
