//! Whether a process can work, and what is in the way.

use serde_json::{Value, json};
use testkit::{Broker, Proxy};

use crate::asking::{Asked, mill, start};
use crate::harness::holder::Holder;
use crate::harness::{Mill, materials};

/// Waits until a process is ready, or is not, and answers what it says then.
#[track_caller]
fn wait_for(status: u16, asked: &Asked, mill: &Mill) -> Value {
    let mut said = Value::Null;
    mill.wait(&format!("readiness {status}"), || {
        let (now, parts) = asked.readiness();
        said = parts;
        now == status
    });
    said
}

fn is_ok(parts: &Value) -> Vec<(String, bool)> {
    let parts = parts.as_object().unwrap().iter();
    parts.map(|(name, part)| (name.clone(), part["ok"].as_bool().unwrap())).collect()
}

fn owned(parts: &[(&str, bool)]) -> Vec<(String, bool)> {
    parts.iter().map(|(name, ok)| ((*name).to_owned(), *ok)).collect()
}

#[test]
fn each_part_is_named_and_dbt_where_it_is_needed() {
    let mill = mill();
    let up = start(&mill, "up");
    let ready = wait_for(200, &up, &mill);
    assert_eq!(is_ok(&ready), owned(&[("bus", true), ("dbt", true), ("process", true), ("warehouse", true)]));
    assert!(ready["dbt"]["text"].as_str().unwrap().contains("warm"), "{ready}");
    assert_eq!(up.metric("millrace_ready", &["component=\"dbt\""]), Some(1.0));
    let dq = start(&mill, "dq");
    let ready = wait_for(200, &dq, &mill);
    assert_eq!(is_ok(&ready), owned(&[("bus", true), ("process", true), ("warehouse", true)]));
    // Work makes nobody unready.
    mill.drop_file("materials.csv", materials(&["M1"]));
    mill.wait("the verdict", || {
        assert_eq!(dq.readiness().0, 200);
        mill.log().contains("materials.csv, 1 rows") || mill.log().contains("materials.csv, 1 row")
    });
    assert_eq!(up.process.stop(), Some(0));
}

#[test]
fn a_process_whose_broker_is_away_is_not_ready_until_it_is_back() {
    let broker = Broker::shared();
    let vhost = broker.fresh_vhost();
    let proxy = Proxy::start(broker.address());
    let mut mill = mill();
    mill.set("BUS__URL", vhost.url_at(proxy.address()));
    mill.set("BUS__MANAGEMENT_URL", vhost.management_url());
    let ingest = start(&mill, "ingest");
    wait_for(200, &ingest, &mill);
    proxy.cut();
    let parts = wait_for(503, &ingest, &mill);
    assert_eq!(is_ok(&parts), owned(&[("bus", false), ("process", true), ("warehouse", true)]));
    let text = parts["bus"]["text"].as_str().unwrap();
    assert!(text.starts_with("since 20") && text.contains("RabbitMQ at") && text.contains("bus.url"), "{text}");
    let password = vhost.url().split(':').nth(2).unwrap().split('@').next().unwrap().to_owned();
    assert!(!parts.to_string().contains(&password), "{parts}");
    assert_eq!(ingest.get("/healthz").status, 200, "a restart would not mend it");
    proxy.mend();
    wait_for(200, &ingest, &mill);
    assert_eq!(ingest.process.stop(), Some(0));
}

#[test]
fn a_warehouse_that_cannot_be_used_is_named() {
    let mill = mill();
    let dq = start(&mill, "dq");
    wait_for(200, &dq, &mill);
    let (file, aside) = (mill.path("warehouse.duckdb"), mill.path("aside.duckdb"));
    // Once it is closed: nothing of it is in a log beside it.
    mill.wait("an unused file", || !mill.path("warehouse.duckdb.wal").exists());
    std::fs::rename(&file, &aside).unwrap();
    std::fs::write(&file, "no warehouse at all, but long enough to be looked at".repeat(1000)).unwrap();
    let parts = wait_for(503, &dq, &mill);
    assert_eq!(is_ok(&parts), owned(&[("bus", true), ("process", true), ("warehouse", false)]));
    let text = parts["warehouse"]["text"].as_str().unwrap();
    assert!(text.contains("warehouse.duckdb was not made by DuckDB"), "{text}");
    std::fs::rename(&aside, &file).unwrap();
    wait_for(200, &dq, &mill);
}

#[test]
fn a_warehouse_that_others_have_is_in_use_and_makes_nobody_unready() {
    let mut mill = mill();
    mill.set("WAREHOUSE__LOCK_WAIT_SECS", "1");
    let dq = start(&mill, "dq");
    wait_for(200, &dq, &mill);
    let holder = Holder::of(&mill);
    mill.wait("a word about it", || {
        let (status, parts) = dq.readiness();
        assert_eq!(status, 200, "{parts}");
        parts["warehouse"]["text"].as_str().unwrap().contains("in use by others: the warehouse file")
    });
    drop(holder);
}

#[test]
fn a_process_that_ends_says_so_until_its_work_is_done() {
    let mut mill = mill();
    mill.set("SHUTDOWN__DRAIN_SECS", "60");
    let mut worker = start_busy(&mill);
    worker.process.terminate();
    let parts = wait_for(503, &worker, &mill);
    assert_eq!(parts["process"]["ok"], json!(false));
    let asked = mill.run(&["health", "--ready", "--address", &worker.address]).expect(1);
    assert!(asked.stdout.contains("it is ending"), "{asked:?}");
    assert_eq!(worker.get("/healthz").status, 200);
    assert_eq!(worker.process.ended().code(), Some(0));
}

/// An ingest worker with a load in hand that takes some seconds.
fn start_busy(mill: &Mill) -> Asked {
    mill.drop_file("materials.csv", materials(&["M1"]));
    let watcher = mill.start(&["watch"]);
    mill.wait("a message", || mill.queue("ingest")["ready"] == 1);
    assert_eq!(watcher.stop(), Some(0));
    let process = mill.start_armed(&["ingest"], "commit:before=sleep(8000)");
    // The watcher has told of its port too.
    let worker = Asked::of(mill, process, 1);
    mill.wait("a message in hand", || mill.queue("ingest")["in_hand"] == 1);
    worker
}
