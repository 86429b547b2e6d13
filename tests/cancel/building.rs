//! Taken back while dbt builds.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::asked::{LOAD_ID, assert_cancelled, settled, stage_ends, take_back, trigger};
use crate::harness::{Mill, materials, repository, stop_all};

const ENDLESS: &str = "select sum(a.range * b.range) as s, (select count(*) from {{ source('raw', 'materials') }}) as n \
    from range(10000000) a, range(1000000) b";

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy_folder(&path, &copy),
            false => assert!(std::fs::copy(&path, &copy).is_ok()),
        }
    }
}

/// The project with a model that never ends; the answer is its file.
fn endless(mill: &mut Mill) -> PathBuf {
    mill.drop_file("materials.csv", materials(&["M1"]));
    mill.once().expect(0);
    let project = mill.path("project");
    copy_folder(&repository().join("workers/transform/dbt"), &project);
    let model = project.join("models/marts/mart_endless.sql");
    std::fs::write(&model, ENDLESS).unwrap();
    mill.set("TRANSFORM__PROJECT", project.display().to_string());
    model
}

/// dbt has the warehouse's file for longer than any other model takes.
fn builds(mill: &Mill) {
    let inode = format!(":{} ", std::fs::metadata(mill.path("warehouse.duckdb")).unwrap().ino());
    let is_held = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|lock| lock.contains("WRITE") && lock.contains(&inode))
    };
    let mut looks = 0;
    mill.wait("a build that goes on", || {
        looks = if mill.log().contains("building models") && is_held() { looks + 1 } else { 0 };
        std::thread::sleep(std::time::Duration::from_millis(50));
        looks > 20
    });
}

pub fn a_build_in_hand(mill: &mut Mill) {
    let model = endless(mill);
    let workers = mill.start_all(&["transform"]);
    let first = trigger(mill, "transform", LOAD_ID);
    builds(mill);
    assert!(mill.log().contains(&first), "the log names the command that is built");
    assert_cancelled(take_back(mill, "transform", &first).answer(), &first);
    settled(mill, &["transform"]);
    std::fs::remove_file(model).unwrap();
    let second = trigger(mill, "transform", LOAD_ID);
    settled(mill, &["transform"]);
    stop_all(workers);
    assert_eq!(
        (stage_ends(mill, &first), stage_ends(mill, &second)),
        (vec!["CANCELLED".into()], vec!["SUCCESS".into()])
    );
    assert!(!mill.log().contains("building cold"), "dbt came back warm");
}

/// Nobody hears of the cancel, and the next worker gets the command first.
pub fn a_build_whose_worker_died(mill: &mut Mill) {
    endless(mill);
    let mut worker = mill.start_all(&["transform"]).remove(0);
    let command = trigger(mill, "transform", LOAD_ID);
    builds(mill);
    worker.kill();
    let mut waiting = take_back(mill, "transform", &command);
    mill.wait("both in the queue", || mill.queue("transform")["ready"] == 2);
    let begun = builds_begun(mill);
    let workers = mill.start_all(&["transform"]);
    // RabbitMQ may count one death as two, by the worker's two consumers. The next worker handles such a message alone and sees
    // nothing behind it: it hears whoever says it again.
    mill.wait("an end, or another build", || waiting.has_ended() || builds_begun(mill) > begun);
    let again = (!waiting.has_ended()).then(|| take_back(mill, "transform", &command));
    assert_cancelled(waiting.answer(), &command);
    if let Some(again) = again {
        assert_cancelled(again.answer(), &command);
    }
    settled(mill, &["transform"]);
    stop_all(workers);
    assert_eq!(stage_ends(mill, &command), ["CANCELLED"]);
}

fn builds_begun(mill: &Mill) -> usize {
    mill.log().matches("building models").count()
}
