//! The port itself.

use std::net::{TcpListener, TcpStream};

use crate::asking::{addresses, mill, start};
use crate::harness::Mill;

#[test]
fn a_process_tells_that_it_runs_and_refuses_what_it_does_not_know() {
    let mill = mill();
    let watcher = start(&mill, "watch");
    let alive = watcher.get("/healthz");
    assert_eq!((alive.status, alive.kind.as_str()), (200, "application/json"));
    let alive: serde_json::Value = serde_json::from_str(&alive.body).unwrap();
    assert_eq!((&alive["ok"], &alive["role"]), (&true.into(), &"watch".into()));
    let unknown = watcher.get("/metric");
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("/metrics, /healthz and /readyz"), "{unknown:?}");
    assert_eq!(watcher.post("/metrics"), 405);
    let asked = |more: &[&str]| mill.run(&[&["health", "--address", &watcher.address], more].concat());
    assert!(asked(&[]).expect(0).stdout.contains("watch"));
    mill.wait("readiness", || asked(&["--ready"]).code == Some(0));
    assert!(asked(&["--ready"]).expect(0).stdout.contains("warehouse"));
    let address = watcher.address.clone();
    assert_eq!(watcher.process.stop(), Some(0));
    assert!(mill.run(&["health", "--address", &address]).expect(1).stderr.contains("gives no answer"));
}

#[test]
fn a_second_process_of_a_role_takes_a_free_port_and_says_so() {
    let mut mill = Mill::new();
    // Empty is unset: the role's own port.
    mill.set("HTTP__LISTEN", "");
    let first = start(&mill, "dq");
    let second = start(&mill, "dq");
    for asked in [&first, &second] {
        assert!(asked.address.starts_with("127.0.0.1:"), "loopback by default: {}", asked.address);
        assert_eq!(asked.get("/healthz").status, 200);
    }
    assert_ne!(first.address, second.address);
    assert!(mill.log().contains("the usual port is taken"), "{}", mill.log());
}

#[test]
fn an_address_that_somebody_named_and_that_is_taken_ends_the_process() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut mill = Mill::new();
    mill.set("HTTP__LISTEN", &address);
    let ended = mill.run(&["ingest"]).expect(2);
    for words in [&address, "http.listen", "set another one"] {
        assert!(ended.stderr.contains(words), "{words} is missing in {}", ended.stderr);
    }
    mill.set("HTTP__LISTEN", "9464");
    assert!(mill.run(&["ingest"]).expect(2).stderr.contains("0.0.0.0:9464"));
    // Others do not even look at it.
    mill.run(&["queues"]).expect(0);
    mill.once().expect(0);
}

#[test]
fn those_who_connect_and_are_silent_keep_nobody_out_for_good() {
    let mill = mill();
    let watcher = start(&mill, "watch");
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(&watcher.address).unwrap()).collect();
    mill.wait("an answer", || watcher.try_get("/healthz").is_ok());
    drop(silent);
    assert_eq!(watcher.process.stop(), Some(0));
}

#[test]
fn no_port_is_had_where_none_is_wanted() {
    let mill = Mill::new();
    let running = mill.start(&["watch"]);
    mill.wait("ready", || mill.log().contains("\"ready\""));
    assert!(addresses(&mill).is_empty());
    assert_eq!(running.stop(), Some(0));
}
