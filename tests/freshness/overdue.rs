//! Late, and no longer late.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::asking::{self, listen_anywhere};
use crate::harness::holder::Holder;
use crate::harness::{Mill, materials, repository, stop_all};
use crate::heard::{Heard, overdue};

const OF_MATERIALS: &[&str] = &["source=\"materials\""];
const HOUR: u64 = 3_600;

/// Contracts with the one for materials alone, which expects this.
fn expect_materials(mill: &mut Mill, arrival: &str) {
    let contract = std::fs::read_to_string(repository().join("data/sources/materials.yaml")).unwrap();
    let folder = mill.path("contracts");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("materials.yaml"), format!("{contract}\narrival: {arrival}\n")).unwrap();
    mill.set("PATHS__CONTRACTS", folder.display().to_string());
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The state of materials, and the exit code.
fn state(mill: &Mill) -> (Value, Option<i32>) {
    let ended = mill.run(&["--json", "freshness"]);
    let sources: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (sources[0].clone(), ended.code)
}

pub fn what_did_not_come_is_told_under_one_id_until_it_comes(mill: &mut Mill) {
    listen_anywhere(mill);
    expect_materials(mill, "{every_hours: 24, grace_hours: 0.5}");
    let delivered = now() - 25 * HOUR;
    mill.drop_file_of("materials.csv", materials(&["M1"]), delivered);
    let heard = Heard::begin(mill);
    let workers = mill.start_all(&["ingest"]);
    let watch = asking::start(mill, "watch");
    let event = heard.wait(1).remove(0);
    let said = overdue(&event);
    assert_eq!(said.source, "materials");
    assert_eq!(said.expected_at.timestamp().unsigned_abs(), delivered + 24 * HOUR);
    assert_eq!(said.newest_as_of.unwrap().timestamp().unsigned_abs(), delivered);
    assert_eq!(said.owner, "master data");
    let overdue_secs = || watch.metric("millrace_source_overdue_seconds", OF_MATERIALS);
    #[allow(clippy::cast_precision_loss)]
    let hour = HOUR as f64;
    assert!(overdue_secs().is_some_and(|secs| (hour..2.0 * hour).contains(&secs)), "{:?}", overdue_secs());
    assert_eq!(watch.metric("millrace_source_missed_total", OF_MATERIALS), Some(1.0));
    let (source, code) = state(mill);
    assert_eq!((&source["state"], code), (&"late".into(), Some(1)), "{source}");
    assert_eq!(watch.process.stop(), Some(0));

    // Whoever looks next says the same, and again one time only, however often it looks.
    let watch = asking::start(mill, "watch");
    heard.wait(2);
    // A backfill is no delivery. The watcher asks for its line until it is there, and then how fresh the data is.
    let asked = || {
        let of = ["db_operation_name=\"SELECT\"", "db_collection_name=\"RAW.RAW_LOAD_AUDIT\""];
        watch.metric("db_client_operation_duration_seconds_count", &of).unwrap_or_default()
    };
    let before = asked();
    mill.drop_file_of("materials_old.csv", materials(&["M0"]), delivered - HOUR);
    let loaded = "SELECT count(*) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS'";
    mill.wait("the backfill", || mill.value(loaded) == "2");
    mill.wait("a look", || asked() >= before + 2.0);
    mill.drop_file_of("materials_2.csv", materials(&["M1", "M2"]), now());
    let overdue_secs = || watch.metric("millrace_source_overdue_seconds", OF_MATERIALS);
    mill.wait("an end of the delay", || overdue_secs() == Some(0.0));
    let ids: Vec<_> = heard.all().iter().map(|event| event.id).collect();
    assert_eq!(ids, [event.id, event.id]);
    let (source, code) = state(mill);
    assert_eq!((&source["state"], code), (&"in_time".into(), Some(0)), "{source}");
    assert_eq!(watch.process.stop(), Some(0));
    stop_all(workers);
}

pub fn who_never_delivered_is_told_of(mill: &mut Mill) {
    // Some three seconds.
    expect_materials(mill, "{every_hours: 0.0008}");
    let heard = Heard::begin(mill);
    let watch = mill.start_all(&["watch"]);
    let events = heard.wait(2);
    assert_ne!(events[0].id, events[1].id, "the next expectation is another");
    assert!(events.iter().all(|event| overdue(event).newest_as_of.is_none()), "{events:?}");
    let (source, code) = state(mill);
    assert_eq!((&source["state"], code), (&"never".into(), Some(0)), "{source}");
    stop_all(watch);
}

/// Another program has the warehouse's file.
pub fn while_the_warehouse_is_away_nobody_is_told_of(mill: &mut Mill) {
    listen_anywhere(mill);
    // Some three seconds.
    expect_materials(mill, "{every_hours: 0.0008}");
    mill.set("WAREHOUSE__LOCK_WAIT_SECS", "1");
    let heard = Heard::begin(mill);
    let watch = asking::start(mill, "watch");
    heard.wait(1);
    let overdue_secs = || watch.metric("millrace_source_overdue_seconds", OF_MATERIALS);
    mill.wait("the delay", || overdue_secs().is_some());
    let holder = Holder::of(mill);
    mill.wait("no word of the delay", || overdue_secs().is_none());
    let before = heard.all().len();
    let failed = || mill.log().matches("whether deliveries are overdue can't be seen").count();
    let looks = failed();
    mill.wait("another look", || failed() > looks);
    assert_eq!((heard.all().len(), overdue_secs()), (before, None), "nothing is made up");
    drop(holder);
    let events = heard.wait(before + 1);
    mill.wait("the delay again", || overdue_secs().is_some());
    let mut ids: Vec<_> = events.iter().map(|event| event.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), events.len(), "{events:#?}");
    assert_eq!(watch.process.stop(), Some(0));
}
