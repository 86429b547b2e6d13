//! A receiver that is slow, broken, hangs or is gone: loads go on as if it were not there, and nothing is lost that it takes
//! in the end.

use std::time::Duration;

use crate::harness::{materials, stop_all};
use crate::receiver::{Fault, Receiver};
use crate::sent::telling;
use crate::spec::{kinds, runs};

#[test]
fn a_receiver_that_is_gone_or_broken_gets_everything_once_it_is_well() {
    let receiver = Receiver::start();
    receiver.go();
    let mut mill = telling(&receiver);
    mill.set("LINEAGE__FILE", mill.path("events.ndjson").display().to_string());
    let running = mill.start(&["up"]);
    mill.drop_file("materials_1.csv", materials(&["M1"]));
    mill.wait("the first verdict", || mill.log().contains("materials_1.csv, 1 row"));
    // The file waits for nobody.
    let written = || std::fs::read_to_string(mill.path("events.ndjson")).unwrap_or_default();
    mill.wait("the file's last event", || {
        written().lines().any(|line| line.contains("\"dq\"") && line.contains("COMPLETE"))
    });
    receiver.set(Fault::Broken);
    receiver.come_back();
    mill.wait("a try", || receiver.requests() > 1);
    mill.drop_file("materials_2.csv", materials(&["M1"]));
    mill.wait("the second verdict", || mill.log().contains("materials_2.csv, 1 row"));
    assert_eq!(receiver.events().len(), 0);
    receiver.set(Fault::Healthy);
    let ended = |events: &[serde_json::Value]| {
        runs(events).iter().filter(|((job, _), events)| job == "dq" && kinds(events) == ["START", "COMPLETE"]).count()
    };
    receiver.wait("the end of both", |events| ended(events) == 2);
    let log = mill.log();
    for said in ["lineage events are not taken; they wait", "lineage events are taken again"] {
        assert_eq!(log.matches(said).count(), 1, "{said} in {log}");
    }
    stop_all(vec![running]);
    for ((job, _), events) in runs(&receiver.events()) {
        assert_eq!(kinds(&events), ["START", "COMPLETE"], "{job}");
    }
}

#[test]
fn a_receiver_that_is_slow_or_hangs_keeps_nobody() {
    for fault in [Fault::Slow(Duration::from_millis(400)), Fault::Hanging] {
        let receiver = Receiver::start();
        receiver.set(fault);
        let mill = telling(&receiver);
        mill.drop_file("materials.csv", materials(&["M1"]));
        // It ends, and says what it could not send.
        let ended = mill.once().expect(0);
        assert!(receiver.requests() > 0);
        assert!(ended.stderr.contains("were not sent before the process ended"), "{ended:?}");
    }
}

#[test]
fn an_event_that_is_refused_is_lost_alone() {
    let receiver = Receiver::start();
    receiver.set(Fault::Choosy);
    let mill = telling(&receiver);
    mill.drop_file("materials.csv", materials(&["M1"]));
    let ended = mill.once().expect(0);
    assert_eq!(ended.stderr.matches("a lineage event was refused").count(), 1, "{ended:?}");
    assert!(receiver.requests() > 10 && !ended.stderr.contains("were not sent"), "each is tried once: {ended:?}");
}
