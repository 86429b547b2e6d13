//! Faults at the moments that matter: each role is killed at each of its failpoints, workers overlap, and the invariants
//! hold all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod harness;

use harness::invariants::{Expected, View, drop_numbered, drop_rows, invariants, judged, loaded_once, while_watching};
use harness::{MATERIALS, Mill, Running};
use messages::Stage;

/// What a stage passes on its way through a message.
const STAGE: [&str; 6] =
    ["commit:before", "commit:after", "publish:before", "publish:after", "ack:before", "ack:after"];

/// Lets a role die at each of these points, each time with a new file on its way, and finish in its next life. `helpers`
/// are the roles before it; those behind it come at the end, when one build does for all.
fn killed_at_each(role: &str, helpers: &[&str], points: &[&str]) {
    let mut mill = Mill::patient();
    // A life that ends after one build, or before any, does not repay the warming up.
    mill.set("TRANSFORM__WARM", "false");
    let queues = Queues::new(&mill);
    let _helpers: Vec<Running> = helpers.iter().map(|helper| mill.start(&[helper])).collect();
    let mut expected = Vec::new();
    let mut view = View::default();
    for (number, point) in (0..).zip(points) {
        let armed = mill.start_armed(&[role], &format!("{point}=return"));
        expected.push(drop_numbered(&mill, number));
        armed.killed_at(point, &mill);
        view.look(&mill);
        let again = next_life(&mill, role);
        mill.wait("the load", || loaded(&mill) == expected.len());
        mill.wait("the end of the stage", || queues.unsettled(Stage::Ingest) == 0);
        if role == "transform" {
            mill.wait("the end of the build", || queues.unsettled(Stage::Transform) == 0);
        }
        view.look(&mill);
        assert_eq!(again.stop(), Some(0));
        loaded_once(&mill, &expected);
    }
    mill.once().expect(0);
    invariants(&mill, &expected);
}

#[test]
fn the_watcher_dies_at_each_of_its_points() {
    killed_at_each("watch", &["ingest"], &["publish:before", "publish:after"]);
}

#[test]
fn an_ingest_worker_dies_at_each_of_its_points() {
    killed_at_each("ingest", &["watch"], &[&["write:before", "write:after"], &STAGE[..]].concat());
}

#[test]
fn a_transform_worker_dies_at_each_of_its_points() {
    killed_at_each("transform", &["watch", "ingest"], &STAGE);
}

#[test]
fn a_dq_worker_dies_at_each_of_its_points() {
    let mill = Mill::patient();
    let queues = Queues::new(&mill);
    let expected = [drop_numbered(&mill, 2)];
    mill.once().expect(0);
    let load_id = mill.value("SELECT LOAD_ID FROM RAW.RAW_LOAD_AUDIT");
    for (number, point) in STAGE.iter().enumerate() {
        let armed = mill.start_armed(&["dq"], &format!("{point}=return"));
        mill.run(&["trigger", "dq", "--load-id", &load_id]).expect(0);
        armed.killed_at(point, &mill);
        let again = next_life(&mill, "dq");
        mill.wait("a verdict", || queues.unsettled(Stage::Dq) == 0);
        assert_eq!(again.stop(), Some(0));
        invariants(&mill, &expected);
        let verdicts = "SELECT count(*) FROM RAW.STAGE_AUDIT WHERE STAGE = 'dq'";
        assert_eq!(
            mill.value(verdicts),
            (number + 2).to_string(),
            "one for the file, one for each time it was asked for"
        );
    }
}

#[test]
fn a_worker_dies_while_it_plans_and_shares_out_a_run() {
    let mill = Mill::patient();
    let queues = Queues::new(&mill);
    // The plan is the first commit, the first file's load the second; three files are announced, then the end.
    let points = [
        ("commit:before", "return"),
        ("commit:after", "return"),
        ("publish:before", "return"),
        ("publish:after", "return"),
        ("publish:after", "1*off->return"),
        ("ack:before", "return"),
        ("ack:after", "return"),
        ("commit:before", "3*off->return"),
        ("commit:after", "3*off->return"),
        ("publish:before", "3*off->return"),
        ("publish:after", "3*off->return"),
    ];
    let mut expected = Vec::new();
    let mut view = View::default();
    for (run, (point, action)) in points.into_iter().enumerate() {
        let armed = mill.start_armed(&["ingest"], &format!("{point}={action}"));
        let files: Vec<String> = (1..=3).map(|part| format!("run {run}/materials_{part}.csv")).collect();
        expected.extend(files.iter().map(|uri| drop_rows(&mill, uri, 2)));
        ask(&mill, &format!("dag::run {run}"), &files);
        armed.killed_at(point, &mill);
        view.look(&mill);
        let again = next_life(&mill, "ingest");
        mill.wait("the end of the run", || queues.unsettled(Stage::Ingest) == 0);
        view.look(&mill);
        assert_eq!(again.stop(), Some(0));
        loaded_once(&mill, &expected);
    }
    assert_eq!(mill.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'PLANNED'"), "33");
    // Whether each run was announced: a run that was not is never judged. A watcher would find the files too.
    let workers = ["transform", "dq"].map(|role| next_life(&mill, role));
    mill.wait("every verdict", || judged(&mill) == points.len());
    for worker in workers {
        assert_eq!(worker.stop(), Some(0));
    }
    invariants(&mill, &expected);
}

#[test]
fn a_worker_dies_while_it_gives_up_a_bad_file() {
    let mill = Mill::patient();
    let _watcher = mill.start(&["watch"]);
    let mut expected = Vec::new();
    for (number, point) in ["commit:before", "commit:after", "publish:before", "publish:after"].iter().enumerate() {
        let armed = mill.start_armed(&["ingest"], &format!("{point}=return"));
        let uri = format!("materials_bad_{number}.csv");
        mill.drop_file(&uri, format!("{MATERIALS}\nM1,too few\n"));
        expected.push(Expected::dead(&uri));
        armed.killed_at(point, &mill);
        let again = next_life(&mill, "ingest");
        mill.wait("a dead letter", || mill.dead().len() == expected.len());
        assert_eq!(again.stop(), Some(0));
        loaded_once(&mill, &expected);
    }
    invariants(&mill, &expected);
}

#[test]
fn two_workers_have_the_same_message_at_the_same_time() {
    let mill = Mill::patient();
    let expected = [drop_rows(&mill, "materials.csv", 3)];
    // The second watcher can't know that the first one has said so.
    for _ in 0..2 {
        mill.start_armed(&["watch"], "publish:after=return").killed_at("publish:after", &mill);
    }
    let queues = Queues::new(&mill);
    let workers = [0, 1].map(|_| mill.start_armed(&["ingest"], "write:before=sleep(2000)"));
    mill.wait("both in hand", || queues.in_hand(Stage::Ingest) == 2);
    assert_eq!(mill.log().matches("\"file loaded\"").count(), 0, "the machine is too slow for this test");
    while_watching(&mill, || {
        mill.wait("both ends", || mill.log().contains("loaded before; announced again"));
        mill.wait("both acknowledged", || queues.unsettled(Stage::Ingest) == 0);
    });
    for worker in workers {
        assert_eq!(worker.stop(), Some(0));
    }
    mill.once().expect(0);
    invariants(&mill, &expected);
}

#[test]
fn of_two_commands_for_one_load_id_the_newer_stands_whichever_ends_last() {
    // Asleep outside of the transaction the older worker is overtaken; asleep inside, it keeps the newer one waiting.
    for (number, point) in ["write:before", "write:after"].into_iter().enumerate() {
        let mill = Mill::patient();
        let (older, newer) = (format!("old {number}/materials.csv"), format!("new {number}/materials.csv"));
        drop_rows(&mill, &older, 3);
        let expected = [drop_rows(&mill, &newer, 5)];
        let queues = Queues::new(&mill);
        let slow = mill.start_armed(&["ingest"], &format!("{point}=sleep(3000)"));
        ask(&mill, "dag::run", &[older]);
        // The command itself is handled and gone when its file is in hand.
        mill.wait("the older file in hand", || {
            mill.log().contains("run planned") && queues.in_hand(Stage::Ingest) == 1
        });
        let quick = mill.start(&["ingest"]);
        ask(&mill, "dag::run", &[newer]);
        let last = if point == "write:before" { "a newer command has this load" } else { "rows\":5" };
        mill.wait("the last of the two", || mill.log().contains(last));
        for worker in [slow, quick] {
            assert_eq!(worker.stop(), Some(0));
        }
        mill.once().expect(0);
        invariants(&mill, &expected);
        let log = mill.log();
        assert_eq!(log.contains("a newer command has this load"), point == "write:before", "{log}");
    }
}

/// Starts a role and waits until it can be asked to stop.
fn next_life(mill: &Mill, role: &str) -> Running {
    let ready = || mill.log().matches(&format!("\"ready\",\"role\":\"{role}\"")).count();
    let before = ready();
    let again = mill.start(&[role]);
    mill.wait("a role that is ready", || ready() > before);
    again
}

/// A look into the queues, to see that workers overlap and when they are done.
struct Queues {
    runtime: tokio::runtime::Runtime,
    bus: std::sync::Arc<dyn bus::Bus>,
}

impl Queues {
    fn new(mill: &Mill) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let url = format!("sqlite:{}", mill.path("bus.sqlite").display());
        let bus = runtime.block_on(bus::open(&bus::BusSettings::new(url), "test")).unwrap();
        Self { runtime, bus }
    }

    fn depth(&self, stage: Stage) -> bus::QueueDepth {
        let depths = self.runtime.block_on(self.bus.depths()).unwrap();
        depths.into_iter().find(|depth| depth.stage == stage).unwrap()
    }

    fn in_hand(&self, stage: Stage) -> u64 {
        self.depth(stage).in_hand
    }

    fn unsettled(&self, stage: Stage) -> u64 {
        self.depth(stage).unsettled()
    }
}

/// Files that stand.
fn loaded(mill: &Mill) -> usize {
    mill.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS'").parse().unwrap()
}

/// Asks for a run over these files.
fn ask(mill: &Mill, load_id: &str, files: &[String]) {
    let mut arguments = vec!["trigger", "ingest", "--load-id", load_id, "--source", "materials"];
    arguments.extend(files.iter().flat_map(|file| ["--file", file]));
    mill.run(&arguments).expect(0);
}
