//! What is measured.

use std::time::{SystemTime, UNIX_EPOCH};

use testkit::Broker;

use crate::asking::{mill, start};
use crate::harness::materials;

#[test]
fn a_file_can_be_followed_from_its_load_to_its_verdict() {
    let mut mill = mill();
    mill.set("TELEMETRY__PULSE_SECS", "1");
    let up = start(&mill, "up");
    mill.drop_file("materials.csv", materials(&["M1", "M2"]));
    mill.wait("the verdict", || up.metric("millrace_verdict_latency_seconds_count", &[]) == Some(1.0));
    let of = ["source=\"materials\"", "table=\"MATERIALS\""];
    assert_eq!(up.metric("millrace_loads_total", &[of[0], of[1], "status=\"success\""]), Some(1.0));
    assert_eq!(up.metric("millrace_load_rows_total", &[of[0], of[1], "outcome=\"loaded\""]), Some(2.0));
    assert!(up.get("/metrics").kind.starts_with("text/plain; version=0.0.4"));
    mill.wait("the queues", || {
        let done =
            |stage: &str| up.metric("millrace_queue_messages", &[&format!("stage=\"{stage}\""), "state=\"ready\""]);
        ["ingest", "transform", "dq"].map(done) == [Some(0.0); 3]
    });
    assert_eq!(up.process.stop(), Some(0));
}

#[test]
fn queues_are_seen_by_a_process_that_does_not_work_on_them() {
    let mut mill = mill();
    mill.set("TELEMETRY__PULSE_SECS", "1");
    mill.run(&["pause", "transform"]).expect(0);
    let watcher = start(&mill, "watch");
    mill.drop_file("materials.csv", materials(&["M1"]));
    mill.drop_file("two/materials.csv", materials(&["M2"]));
    let of = ["stage=\"ingest\"", "state=\"ready\""];
    mill.wait("two messages that wait", || watcher.metric("millrace_queue_messages", &of) == Some(2.0));
    mill.wait("their age", || watcher.metric("millrace_queue_oldest_seconds", &of[..1]) >= Some(1.0));
    assert_eq!(watcher.metric("millrace_queue_consumers", &of[..1]), Some(0.0));
    assert_eq!(watcher.metric("millrace_queue_paused", &of[..1]), Some(0.0));
    assert_eq!(watcher.metric("millrace_queue_paused", &["stage=\"transform\""]), Some(1.0));
    assert_eq!(watcher.metric("millrace_ready", &["component=\"bus\""]), Some(1.0));
    let labels = ["role=\"watch\"", "bus=\"sqlite\"", "warehouse=\"duckdb\"", "version=\""];
    assert_eq!(watcher.metric("millrace_build_info", &labels), Some(1.0));
    assert!(watcher.metrics("millrace_source").is_empty(), "those are the ingest workers'");
    let worker = start(&mill, "ingest");
    mill.wait("an empty queue", || watcher.metric("millrace_queue_oldest_seconds", &of[..1]) == Some(0.0));
    mill.wait("a consumer", || watcher.metric("millrace_queue_consumers", &of[..1]) == Some(1.0));
    drop(worker);
}

#[test]
fn a_sources_freshness_is_a_moment_that_a_restart_keeps() {
    let mill = mill();
    mill.drop_file_of("materials.csv", materials(&["M1"]), 1_700_000_000);
    let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let up = start(&mill, "up");
    let times = || {
        let of = ["source=\"materials\""];
        let as_of = up.metric("millrace_source_as_of_timestamp_seconds", &of);
        (as_of, up.metric("millrace_source_loaded_timestamp_seconds", &of))
    };
    mill.wait("a load", || times().1.is_some() && times().0.is_some());
    let (as_of, loaded) = times();
    assert_eq!(as_of, Some(1_700_000_000.0));
    assert!(loaded.unwrap() >= begun - 1.0, "{loaded:?}");
    // Older data is loaded, and does not become the current one.
    mill.drop_file_of("old/materials.csv", materials(&["M1"]), 1_600_000_000);
    mill.wait("a second load", || times().1 > loaded);
    assert_eq!(times().0, Some(1_700_000_000.0));
    assert_eq!(up.process.stop(), Some(0));
    let again = start(&mill, "ingest");
    let of = ["source=\"materials\""];
    mill.wait("what the audit knows", || again.metric("millrace_source_as_of_timestamp_seconds", &of).is_some());
    assert_eq!(again.metric("millrace_source_as_of_timestamp_seconds", &of), Some(1_700_000_000.0));
    assert!(again.metric("millrace_source_loaded_timestamp_seconds", &of) > loaded);
}

#[test]
fn gauges_of_a_broker_that_is_away_are_absent_and_come_back() {
    let broker = Broker::start(testkit::Options::default());
    let vhost = broker.fresh_vhost();
    let mut mill = mill();
    mill.set("TELEMETRY__PULSE_SECS", "1");
    mill.set("BUS__URL", vhost.url());
    mill.set("BUS__MANAGEMENT_URL", vhost.management_url());
    let watcher = start(&mill, "watch");
    let waiting = || watcher.metric("millrace_queue_messages", &["stage=\"ingest\"", "state=\"ready\""]);
    let oldest = || watcher.metric("millrace_queue_oldest_seconds", &["stage=\"ingest\""]);
    mill.wait("an empty queue", || waiting() == Some(0.0) && oldest() == Some(0.0));
    mill.drop_file("materials.csv", materials(&["M1"]));
    mill.wait("a message that waits", || waiting() == Some(1.0));
    // RabbitMQ does not tell; it was seen empty before.
    mill.wait("an age at most", || oldest() >= Some(1.0));
    broker.kill();
    mill.wait("no word", || watcher.metrics("millrace_queue").is_empty());
    assert_eq!(watcher.metric("millrace_ready", &["component=\"bus\""]), Some(0.0));
    assert_eq!(watcher.readiness().0, 503);
    mill.wait("a line about it", || mill.log().contains("the queues can't be counted"));
    broker.restart();
    mill.wait("a word again", || waiting() == Some(1.0));
    mill.wait("readiness", || watcher.readiness().0 == 200);
    assert_eq!(watcher.process.stop(), Some(0));
}
