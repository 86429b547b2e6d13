//! No collector, a slow one, a dying one: no load is delayed or lost, and a process ends in time.

use std::time::{Duration, Instant};

use testkit::Fault;

use crate::harness::{Mill, materials, stop_all};
use crate::told::{Told, tell};

/// How long the end may take that is spent on telemetry alone, with room for a busy machine.
const END: Duration = Duration::from_secs(10);

const AWAY: &str = "the telemetry collector does not take spans";

/// Loads a file, and says how long the process went on after it had printed its summary.
fn loads_and_ends(mill: &Mill) -> Duration {
    use std::io::{BufRead, BufReader};
    mill.drop_file("materials.csv", materials(&["M1", "M2"]));
    let log = std::fs::File::options().create(true).append(true).open(mill.path("log")).unwrap();
    let mut command = mill.command(&["up", "--once"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(log).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let summary = lines.map(Result::unwrap).find(|line| line.contains("1 load:"));
    let told = Instant::now();
    assert!(summary.is_some(), "no summary: {}", mill.log());
    assert!(child.wait().unwrap().success(), "{}", mill.log());
    told.elapsed()
}

#[test]
fn without_a_collector_loads_go_on_and_one_line_says_so() {
    for protocol in ["grpc", "http/protobuf"] {
        let mut mill = Mill::new();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        tell(&mut mill, &format!("http://127.0.0.1:{port}"), protocol);
        mill.set("LOG__LEVEL", "info");
        assert!(loads_and_ends(&mill) < END, "{protocol}: {}", mill.log());
        assert_eq!(mill.log().matches(AWAY).count(), 1, "{protocol}: {}", mill.log());
    }
}

#[test]
fn a_collector_that_hangs_holds_up_neither_a_load_nor_the_end() {
    for protocol in ["grpc", "http/protobuf"] {
        let told = Told::embedded();
        let mut mill = told.mill;
        let url = if protocol == "grpc" { told.collector.grpc_url() } else { told.collector.http_url() };
        tell(&mut mill, &url, protocol);
        told.collector.set_fault(Fault::Hanging);
        assert!(loads_and_ends(&mill) < END, "{protocol}: {}", mill.log());
        assert_eq!(mill.value("SELECT count(*) FROM RAW.MATERIALS"), "2");
    }
}

#[test]
fn a_slow_collector_gets_everything_in_the_end() {
    let told = Told::embedded();
    told.collector.set_fault(Fault::Slow(Duration::from_millis(300)));
    assert!(loads_and_ends(&told.mill) < END, "{}", told.log());
    let trace = told.trace_with("publish dq.completed", 1);
    assert_eq!(trace.root().name, "file seen");
}

#[test]
fn a_collector_that_dies_and_comes_back_is_told_of_what_follows() {
    let told = Told::rabbit();
    let workers = told.start_all(&["watch", "ingest", "transform", "dq"]);
    told.drop_file("materials_1.csv", materials(&["M1"]));
    told.trace_with("publish dq.completed", 1);
    told.collector.stop();
    told.drop_file("materials_2.csv", materials(&["M2"]));
    told.wait("the verdict", || told.value("SELECT count(*) FROM RAW.STAGE_AUDIT WHERE STAGE = 'dq'") == "2");
    told.wait("the word that it is away", || told.log().contains(AWAY));
    told.collector.restart();
    told.drop_file("materials_3.csv", materials(&["M3"]));
    told.wait("the verdict", || told.value("SELECT count(*) FROM RAW.STAGE_AUDIT WHERE STAGE = 'dq'") == "3");
    told.wait("the word that it is back", || told.log().contains("takes spans again"));
    told.collector.wait_for_spans("the third verdict", |spans| {
        spans.iter().any(|span| {
            span.name == "publish dq.completed" && span.attribute("millrace.load_id").contains("materials_3")
        })
    });
    stop_all(workers);
}

#[test]
fn nothing_is_exported_where_nobody_asks_for_it_and_traces_are_still_named() {
    let mut told = Told::embedded();
    told.mill.set_variable("OTEL_SDK_DISABLED", "true");
    told.drop_file("materials.csv", materials(&["M1"]));
    told.once().expect(0);
    assert!(told.collector.spans().is_empty());
    let loads = told.json(&["loads"]);
    let load = told.json(&["load", loads[0]["load_id"].as_str().unwrap()]);
    assert_eq!(load["trace_id"].as_str().unwrap().len(), 32);
}

#[test]
fn what_is_not_sampled_is_not_told() {
    let mut told = Told::embedded();
    told.mill.set_variable("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
    told.mill.set_variable("OTEL_TRACES_SAMPLER_ARG", "0.0");
    told.drop_file("materials.csv", materials(&["M1"]));
    told.once().expect(0);
    assert!(told.collector.spans().is_empty());
}
