//! A good file: every step, its kind, its service and its attributes.

use testkit::{Kind, Span, Status, Trace};

use crate::harness::{Mill, materials, stop_all};
use crate::told::{Told, WAY, way_to};

const ROLES: [&str; 4] = ["watch", "ingest", "transform", "dq"];

#[test]
fn a_file_is_one_trace_over_the_embedded_bus() {
    let told = Told::embedded();
    one_trace(&told, &told);
}

#[test]
fn a_file_is_one_trace_over_rabbitmq() {
    let told = Told::rabbit();
    one_trace(&told, &told);
}

fn one_trace<M>(told: &Told<M>, mill: &Mill) {
    let workers = mill.start_all(&ROLES);
    mill.drop_file("source_system/materials.csv", materials(&["M1", "M2"]));
    let trace = told.trace_with("publish dq.completed", 1);
    stop_all(workers);
    // What was sent at the end of the processes is there too, and there is nothing else.
    let spans = told.collector.spans();
    let traces = Trace::all(&spans);
    assert_eq!(traces.len(), 1, "{}", testkit::render_all(&spans));
    let trace = Trace::find(&spans, trace.id()).unwrap();
    assert!(trace.orphans().is_empty(), "{}", trace.render());
    assert!(spans.iter().all(|span| span.status == Status::Unset), "{}", trace.render());

    let load_id = mill.json(&["loads"])[0]["load_id"].as_str().unwrap().to_owned();
    steps(&trace, told.system, &load_id);
    ingest(&trace);
    transform(&trace, mill);
    dq(&trace, mill, &load_id);
    stored(&trace, mill, &load_id);
    nothing_secret(&spans);
}

fn steps(trace: &Trace, system: &str, load_id: &str) {
    for (step, service) in WAY.iter().zip(["watch", "watch", "ingest", "ingest", "transform", "transform", "dq", "dq"])
    {
        let span = trace.path(&way_to(step));
        let told = |name: &str| span.attribute(name);
        assert_eq!(span.service, format!("millrace-{service}"), "{step}");
        assert_eq!(told("millrace.load_id"), load_id, "{step}");
        if let Some(kind) = step.strip_prefix("publish ") {
            assert_eq!(span.kind, Kind::Producer, "{step}");
            assert_eq!((told("messaging.operation.name"), told("messaging.system")), ("publish", system));
            assert_eq!((told("messaging.operation.type"), told("millrace.message_type")), ("send", kind));
            assert_eq!(told("messaging.destination.name"), "millrace.events");
            assert!(told("messaging.rabbitmq.destination.routing_key").starts_with(kind));
        } else if let Some(queue) = step.strip_prefix("process ") {
            assert_eq!(span.kind, Kind::Consumer, "{step}");
            assert_eq!((told("messaging.operation.name"), told("messaging.system")), ("process", system));
            assert_eq!((told("messaging.destination.name"), told("millrace.attempt")), (queue, "1"));
            assert_eq!(told("messaging.message.id"), trace.parent_of(span).unwrap().attribute("messaging.message.id"));
        }
        assert_eq!(span.resource["service.namespace"], "millrace");
        assert!(!span.resource["service.version"].is_empty() && !span.resource["service.instance.id"].is_empty());
    }
    assert_eq!(trace.path("file seen").attribute("millrace.file"), "source_system/materials.csv");
}

fn ingest(trace: &Trace) {
    let process = trace.path(&way_to("process millrace.ingest"));
    for (name, value) in
        [("millrace.file", "source_system/materials.csv"), ("millrace.table", "MATERIALS"), ("millrace.rows", "2")]
    {
        assert_eq!(process.attribute(name), value);
    }
    assert!(process.event("file loaded").is_some(), "{process:#?}");
    let names: Vec<&str> = trace.children_of(process).iter().map(|span| span.name.as_str()).collect();
    for part in ["check file", "LOAD MATERIALS", "publish ingest.completed"] {
        assert!(names.contains(&part), "{part} is missing in {names:?}");
    }
    let load = trace.only("LOAD MATERIALS");
    assert_eq!(load.kind, Kind::Client);
    for (name, value) in
        [("db.system.name", "duckdb"), ("db.operation.name", "LOAD"), ("db.collection.name", "MATERIALS")]
    {
        assert_eq!(load.attribute(name), value);
    }
    let parts: Vec<&str> = trace.children_of(load).iter().map(|span| span.name.as_str()).collect();
    assert!(parts.contains(&"write rows") && parts.contains(&"commit"), "{parts:?}");
}

fn transform(trace: &Trace, mill: &Mill) {
    let build = trace.path(&format!("{}/build models", way_to("process millrace.transform")));
    assert_eq!((build.attribute("millrace.loads"), build.attribute("millrace.sources")), ("1", "materials"));
    assert!(build.event("models built").is_some() && build.links.is_empty());
    let nodes: Vec<&Span> = trace
        .children_of(build)
        .into_iter()
        .filter(|span| span.attributes.contains_key("dbt.node.unique_id"))
        .collect();
    let announced = mill.value("SELECT ANNOUNCED FROM RAW.STAGE_AUDIT WHERE STAGE = 'transform'");
    let announced: serde_json::Value = serde_json::from_str(&announced).unwrap();
    assert_eq!(nodes.len(), announced["nodes"].as_array().unwrap().len(), "{}", trace.render());
    assert_eq!(build.attribute("dbt.invocation_id"), announced["invocation_id"]);
    let model = trace.only("dbt model core_materials");
    for (name, value) in [
        ("dbt.node.unique_id", "model.millrace.core_materials"),
        ("dbt.node.materialization", "table"),
        ("dbt.node.status", "success"),
        ("dbt.node.rows", "2"),
    ] {
        assert_eq!(model.attribute(name), value);
    }
    assert!(model.start_nanos >= build.start_nanos && model.end_nanos <= build.end_nanos, "{}", trace.render());
    let test = trace.only("dbt test unique_core_materials_material_id");
    assert_eq!((test.attribute("dbt.node.status"), test.attribute("dbt.node.failures")), ("pass", "0"));
}

fn dq(trace: &Trace, mill: &Mill, load_id: &str) {
    let process = trace.path(&way_to("process millrace.dq"));
    let checks: Vec<&Span> =
        trace.children_of(process).into_iter().filter(|span| span.name.starts_with("check ")).collect();
    let audited = mill.json(&["load", load_id])["checks"].as_array().unwrap().len();
    assert_eq!(checks.len(), audited, "{}", trace.render());
    let check = trace.only("check RAW.MATERIALS.unique_material_id");
    for (name, value) in [
        ("millrace.check.status", "PASS"),
        ("millrace.check.severity", "ERROR"),
        ("millrace.table", "RAW.MATERIALS"),
        ("millrace.check.failed_rows", "0"),
    ] {
        assert_eq!(check.attribute(name), value);
    }
    assert!(process.event("data judged").is_some());
    assert!(["PASSED", "WARNED"].contains(&process.attribute("millrace.verdict")));
}

/// The trace is where people find it: in the audit, the tool and the log.
fn stored(trace: &Trace, mill: &Mill, load_id: &str) {
    let audited = mill.query(
        "SELECT DISTINCT TRACE_ID FROM (SELECT TRACE_ID FROM RAW.RAW_LOAD_AUDIT UNION ALL SELECT TRACE_ID FROM RAW.STAGE_AUDIT)",
    );
    assert_eq!(audited, [[trace.id()]]);
    assert_eq!(mill.json(&["load", load_id])["trace_id"], trace.id());
    let log = mill.log();
    for message in ["file found", "file loaded", "models built", "data judged"] {
        let line = log.lines().find(|line| line.contains(&format!("\"{message}\""))).unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["trace_id"], &line["load_id"]), (&trace.id().into(), &load_id.into()), "{line}");
    }
}

/// Neither what logs in, nor what stands in rows.
fn nothing_secret(spans: &[Span]) {
    let text = format!("{spans:#?}");
    for secret in ["Steel", "1.50", "amqp://", "password"] {
        assert!(!text.contains(secret), "{secret:?} was told");
    }
}
