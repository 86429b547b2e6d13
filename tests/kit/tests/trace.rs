//! The tree that spans make.
#![allow(clippy::unwrap_used, missing_docs)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use millrace_testkit::{Kind, Link, Span, Status, Trace, render_all};

/// A span of the trace `t`, whose name is its id.
fn span(name: &str, parent: Option<&str>, start_nanos: u64) -> Span {
    Span {
        trace_id: "t".into(),
        span_id: name.into(),
        parent_span_id: parent.map(Into::into),
        name: name.into(),
        kind: Kind::Internal,
        service: "ingest".into(),
        resource: Default::default(),
        scope: String::new(),
        attributes: Default::default(),
        events: vec![],
        links: vec![],
        status: Status::Unset,
        start_nanos,
        end_nanos: start_nanos + 3_000_000,
    }
}

/// Out of order, as exporters send them: a span is exported when it ends.
fn load() -> Vec<Span> {
    let mut spans = vec![
        span("write", Some("load"), 3),
        span("read", Some("load"), 2),
        span("load", None, 1),
        span("row", Some("read"), 4),
    ];
    spans[0].status = Status::Error("disk full".into());
    spans[0].links = vec![Link { trace_id: "u".into(), span_id: "v".into(), attributes: Default::default() }];
    spans[2].kind = Kind::Consumer;
    spans
}

fn names(spans: &[&Span]) -> Vec<String> {
    spans.iter().map(|span| span.name.clone()).collect()
}

/// What a panic says.
fn panic(act: impl FnOnce()) -> String {
    *catch_unwind(AssertUnwindSafe(act)).unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn the_tree_can_be_walked() {
    let trace = Trace::single(&load());
    let root = trace.root();
    assert_eq!((trace.id(), root.name.as_str(), trace.spans().len()), ("t", "load", 4));
    assert_eq!(names(&trace.children_of(root)), ["read", "write"]);
    assert_eq!(trace.parent_of(trace.only("row")).unwrap().name, "read");
    assert_eq!(trace.path("load/read/row").span_id, "row");
    assert!(trace.paths("load/row").is_empty() && trace.paths("loa").is_empty() && trace.paths("load/").is_empty());
    assert!(trace.orphans().is_empty());
}

#[test]
fn names_may_have_slashes() {
    let mut spans = load();
    spans[1].name = "GET /api/loads".into();
    let trace = Trace::single(&spans);
    assert_eq!(trace.path("load/GET /api/loads/row").span_id, "row");
}

#[test]
fn the_tree_is_shown() {
    let expected = "trace t
  load [ingest, consumer] 3 ms
    read [ingest, internal] 3 ms
      row [ingest, internal] 3 ms
    write [ingest, internal, error: disk full] 3 ms, link to v of trace u
";
    assert_eq!(Trace::single(&load()).render(), expected);
    assert_eq!(render_all(&[]), "no spans\n");
}

#[test]
fn what_hangs_in_the_air_is_shown() {
    let mut spans = load();
    spans[2].parent_span_id = Some("publish".into());
    spans.extend([span("egg", Some("hen"), 8), span("hen", Some("egg"), 9)]);
    let trace = Trace::single(&spans);
    assert_eq!(names(&trace.orphans()), ["load"]);
    let expected = "trace t
  of publish, which is not here:
    load [ingest, internal] 3 ms
      read [ingest, internal] 3 ms
        row [ingest, internal] 3 ms
      write [ingest, internal, error: disk full] 3 ms, link to v of trace u
  in a circle:
    egg [ingest, internal] 3 ms
      hen [ingest, internal] 3 ms
";
    assert_eq!(trace.render().replace("consumer", "internal"), expected);
    assert!(panic(|| drop(trace.root().name.clone())).contains("not 0:\ntrace t\n"));
}

#[test]
fn what_is_not_the_only_one_is_an_error_that_shows_the_tree() {
    let mut spans = load();
    spans.push(spans[3].clone());
    let trace = Trace::single(&spans);
    assert_eq!(trace.named("row").len(), 2);
    for text in [panic(|| drop(trace.only("row").clone())), panic(|| drop(trace.path("load/read/row").clone()))] {
        assert!(text.contains("not 2:\ntrace t\n  load") && text.matches("\n      row").count() == 2, "{text}");
    }
}

#[test]
fn traces_are_told_apart() {
    let mut spans = load();
    spans.push(Span { trace_id: "s".into(), ..span("scan", None, 0) });
    let traces = Trace::all(&spans);
    assert_eq!(traces.iter().map(Trace::id).collect::<Vec<_>>(), ["s", "t"]);
    assert_eq!(Trace::find(&spans, "t").unwrap().spans().len(), 4);
    assert!(Trace::find(&spans, "x").is_none());
    assert!(panic(|| drop(Trace::single(&spans))).contains("not 2:\ntrace s\n"));
}
