//! Lines as they are written, with and without somebody who records spans.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use serde_json::Value;
use tracing::subscriber::with_default;

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What is written while `work` runs, at `level`.
fn written(level: &str, line: Line, tracer: Option<SdkTracer>, work: impl FnOnce()) -> String {
    let to = Written::default();
    let writer = to.clone();
    let filter = EnvFilter::try_new(with_quiet(level)).unwrap();
    with_default(subscriber(filter, line, false, move || writer.clone(), tracer), work);
    to.text()
}

fn in_a_load(work: impl FnOnce()) {
    let span = tracing::info_span!("process", millrace.load_id = "a::b", trace_id = "0af7651916cd43dd8448eb211c80319c");
    span.in_scope(|| tracing::info_span!("inner").in_scope(work));
}

#[test]
fn a_line_of_json_tells_which_load_and_trace_it_belongs_to() {
    let text = written("warn", Line::Json, None, || in_a_load(|| tracing::warn!(rows = 3, ok = true, "odd \"rows\"")));
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&line["level"], &line["message"], &line["rows"]), (&"WARN".into(), &"odd \"rows\"".into(), &3.into()));
    assert_eq!(line["load_id"], "a::b");
    assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z') && line["target"].is_string());
}

#[test]
fn what_the_line_says_itself_comes_first() {
    let text = written("info", Line::Json, None, || in_a_load(|| tracing::info!(load_id = "another", "look")));
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["load_id"], "another");
    let text = written("info", Line::Text, None, || in_a_load(|| tracing::info!(load_id = "another", "look")));
    assert_eq!(text.matches("load_id").count(), 1, "{text}");
}

#[test]
fn a_line_for_people_ends_with_the_load_and_the_trace() {
    let text = written("info", Line::Text, None, || in_a_load(|| tracing::info!(rows = 3, "file loaded")));
    assert!(
        text.contains(" INFO file loaded rows=3 load_id=a::b trace_id=0af7651916cd43dd8448eb211c80319c\n"),
        "{text}"
    );
    assert_eq!(written("info", Line::Text, None, || tracing::debug!("unheard")), "");
}

#[test]
fn a_line_outside_of_any_load_claims_none() {
    let text = written("info", Line::Json, None, || tracing::info!("ready"));
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((line.get("load_id"), line.get("trace_id")), (None, None));
}

#[test]
fn the_trace_is_the_recorded_one_and_lines_are_its_events() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let text = written("info", Line::Json, Some(provider.tracer("millrace")), || {
        in_a_load(|| tracing::info!("file loaded"));
    });
    let line: Value = serde_json::from_str(&text).unwrap();
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(line["trace_id"], spans[0].span_context.trace_id().to_string());
    assert_eq!(spans[0].name, "inner");
    assert_eq!(spans[0].events.events[0].name, "file loaded");
}

#[test]
fn the_insides_of_libraries_are_not_recorded() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    written("debug", Line::Json, Some(provider.tracer("millrace")), || {
        tracing::info_span!(target: "hyper::client", "request").in_scope(|| {});
        tracing::debug_span!("details").in_scope(|| {});
    });
    assert!(exporter.get_finished_spans().unwrap().is_empty());
}

#[test]
fn the_client_that_logs_tokens_is_never_heard() {
    for level in ["trace", "snowflake_api=trace", "snowflake_api::session=debug,info"] {
        let text = written(level, Line::Text, None, || {
            tracing::debug!(target: "snowflake_api::session", "Auth response: hush");
            tracing::error!(target: "snowflake_api", "hush");
            tracing::warn!("heard");
        });
        assert!(!text.contains("hush") && (level.contains("api=") || text.contains("heard")), "{level}: {text}");
    }
}
