//! The real Jaeger: what it shows is one trace with all the services, whether a file was dropped or a run asked for.

use std::collections::BTreeSet;

use testkit::{Jaeger, JaegerSpan};

use crate::fleet::RabbitMill;
use crate::harness::{Mill, materials, stop_all};
use crate::told::tell;

/// The spans of `trace_id`, once the verdict is among them.
fn shown(jaeger: &Jaeger, mill: &Mill, trace_id: &str) -> Vec<JaegerSpan> {
    let judged = |spans: &[JaegerSpan]| spans.iter().any(|span| span.operation == "publish dq.completed");
    mill.wait("the whole trace in Jaeger", || judged(&jaeger.spans(trace_id)));
    jaeger.spans(trace_id)
}

fn services(spans: &[JaegerSpan]) -> BTreeSet<&str> {
    spans.iter().map(|span| span.service.as_str()).collect()
}

/// Every span but the first has its parent in the trace, and Jaeger finds nothing odd. Processes that it takes to be on
/// several hosts may seem to have several clocks.
fn whole(spans: &[JaegerSpan]) {
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let roots = spans.iter().filter(|span| span.parent().is_none()).count();
    assert_eq!(roots, 1, "{spans:#?}");
    for span in spans {
        assert!(span.parent().is_none_or(|parent| ids.contains(parent)), "{span:#?}");
        assert!(span.warnings.iter().all(|warning| warning.contains("clock skew")), "{span:#?}");
    }
}

#[test]
fn a_dropped_file_and_a_triggered_run_are_one_trace_each_with_all_services() {
    let Some(jaeger) = Jaeger::start_or_skip("traces in Jaeger") else { return };
    let mut mill = RabbitMill::new();
    tell(&mut mill, &jaeger.otlp_grpc_url(), "grpc");
    let workers = mill.start_all(&["watch", "ingest", "transform", "dq"]);
    mill.drop_file("source_system/materials.csv", materials(&["M1", "M2"]));
    mill.wait("the load", || mill.json(&["loads"]).as_array().is_some_and(|loads| loads.len() == 1));
    let load_id = mill.json(&["loads"])[0]["load_id"].as_str().unwrap().to_owned();
    let trace_id = mill.load(&load_id)["trace_id"].as_str().unwrap().to_owned();
    let spans = shown(&jaeger, &mill, &trace_id);
    whole(&spans);
    let all = ["millrace-dq", "millrace-ingest", "millrace-transform", "millrace-watch"];
    assert_eq!(services(&spans), BTreeSet::from(all));
    assert_eq!(spans.iter().filter(|span| span.operation == "file seen").count(), 1);
    // An operator who has only the LOAD_ID finds it.
    assert_eq!(jaeger.search("millrace-ingest", &[("millrace.load_id", &load_id)]), [trace_id.as_str()]);

    let asked = mill.json(&["trigger", "ingest", "--load-id", "my_dag::run", "--source", "materials"]);
    let trace_id = asked["trace_id"].as_str().unwrap();
    let spans = shown(&jaeger, &mill, trace_id);
    whole(&spans);
    let all = ["millrace-dq", "millrace-ingest", "millrace-transform", "millrace-trigger"];
    assert_eq!(services(&spans), BTreeSet::from(all));
    assert_eq!(mill.load("my_dag::run")["trace_id"], trace_id);
    stop_all(workers);
}

/// The standard's compression, which real collectors take.
#[test]
fn what_is_compressed_arrives_over_both_protocols() {
    let Some(jaeger) = Jaeger::start_or_skip("compressed traces in Jaeger") else { return };
    for (protocol, url) in [("grpc", jaeger.otlp_grpc_url()), ("http/protobuf", jaeger.otlp_http_url())] {
        let mut mill = Mill::new();
        tell(&mut mill, &url, protocol);
        mill.set_variable("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
        mill.drop_file("materials.csv", materials(&["M1"]));
        mill.once().expect(0);
        let load_id = mill.json(&["loads"])[0]["load_id"].as_str().unwrap().to_owned();
        let trace_id = mill.json(&["load", &load_id])["trace_id"].as_str().unwrap().to_owned();
        whole(&shown(&jaeger, &mill, &trace_id));
    }
}
