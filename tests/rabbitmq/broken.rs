//! The broker breaks under the platform.

use testkit::{Broker, Options};

use crate::fleet::RabbitMill;
use crate::harness::invariants::{drop_numbered, drop_rows, invariants, judged, while_watching};
use crate::harness::stop_all;

const ROLES: [&str; 5] = ["watch", "ingest", "ingest", "transform", "dq"];

#[test]
fn the_broker_is_killed_and_restarted_under_a_stream_of_files() {
    let mill = RabbitMill::with_broker(Broker::start(Options::default()));
    let workers = mill.start_all(&ROLES);
    let mut expected = Vec::new();
    while_watching(&mill, || {
        for round in 0..3 {
            for number in 0..6 {
                expected.push(drop_numbered(&mill, round * 10 + number));
            }
            // In the middle of it: some are loaded, some are not.
            mill.wait("a first load", || {
                let loaded = "SELECT count(*) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS'";
                mill.value(loaded).parse::<usize>().unwrap() > round as usize * 6
            });
            mill.broker().kill();
            expected.push(drop_numbered(&mill, round * 10 + 9));
            mill.broker().restart();
        }
        mill.wait("every verdict", || judged(&mill) == expected.len());
    });
    // What a consumer may have in hand is as before, as the broker itself tells.
    let consumers = mill.broker().management().consumers(mill.vhost.name());
    let prefetch = |queue: &str| {
        let of = consumers.iter().filter(|consumer| consumer["queue"]["name"] == queue);
        of.map(|consumer| consumer["prefetch_count"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(prefetch("millrace.ingest"), [1, 1], "{consumers:#?}");
    stop_all(workers);
    mill.once().expect(0);
    invariants(&mill, &expected);
}

#[test]
fn a_memory_alarm_holds_the_mill_up_and_loses_nothing() {
    let mill = RabbitMill::with_broker(Broker::start(Options::default()));
    let workers = mill.start_all(&ROLES);
    let mut expected = vec![drop_numbered(&mill, 0)];
    mill.wait("a verdict", || judged(&mill) == 1);
    mill.broker().memory_alarm(true);
    expected.extend((1..5).map(|number| drop_numbered(&mill, number)));
    mill.wait("a word about it", || mill.log().contains("RabbitMQ takes no messages for now"));
    mill.broker().memory_alarm(false);
    mill.wait("every verdict", || judged(&mill) == expected.len());
    stop_all(workers);
    invariants(&mill, &expected);
}

#[test]
fn a_build_that_takes_longer_than_the_broker_waits_is_done_once() {
    let options = Options { consumer_timeout_millis: Some(2_000), ..Options::default() };
    let mill = RabbitMill::with_broker(Broker::start(options));
    let mut workers = mill.start_all(&["watch", "ingest", "dq"]);
    workers.push(mill.start_armed(&["transform"], "commit:before=1*sleep(9000)"));
    let expected = [drop_rows(&mill, "materials_slow.csv", 3)];
    mill.wait("the verdict", || judged(&mill) == 1);
    assert!(mill.log().contains("came back to the one who works on it"), "the broker did not close the channel");
    stop_all(workers);
    invariants(&mill, &expected);
    let builds = mill.query("SELECT ATTEMPT FROM RAW.STAGE_AUDIT WHERE STAGE = 'transform'");
    assert_eq!(builds, [["1"]]);
}
