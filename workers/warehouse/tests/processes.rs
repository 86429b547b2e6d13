//! DuckDB's file between processes: held, killed over, and taken in turns. The children are this test's own binary.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use messages::FailureClass;
use millrace_warehouse::conformance::kit::*;
use millrace_warehouse::{Ledger, Warehouse, WarehouseError, WarehouseSettings, open, open_read_only};

fn settings(path: &Path, lock_wait_secs: u64) -> WarehouseSettings {
    WarehouseSettings {
        url: format!("duckdb:{}", path.display()),
        memory_limit_bytes: 300_000_000,
        threads: 2,
        lock_wait_secs,
        idle_close_millis: 100,
    }
}

/// What the children do. Does nothing in an ordinary run.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(role) = std::env::var("MILLRACE_TEST_CHILD") else { return };
    let path = std::env::var("MILLRACE_TEST_FILE").unwrap();
    let warehouse = open(&settings(Path::new(&path), 30)).await.unwrap();
    let number = |text: &str| text.parse::<u32>().unwrap();
    match role.split(' ').collect::<Vec<_>>().as_slice() {
        // Lent again and again, with work in between, as while dbt builds for a stream of loads.
        ["lend"] => loop {
            warehouse.check().await.unwrap();
            println!("\nREADY");
            let lent = warehouse.lend().await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(lent);
        },
        // Steady work without a pause: the handle is never idle.
        ["hold"] => loop {
            warehouse.check().await.unwrap();
            println!("\nREADY");
            hold(&warehouse).await;
        },
        ["prepare"] => {
            warehouse.prepare(&[batches()]).await.unwrap();
            println!("\nREADY");
        }
        ["load", first, count] => {
            for load_number in number(first)..number(first) + number(count) {
                let slice = slice(&batches(), &format!("l{load_number}"), load_number, "b.csv", hour(1));
                load(&warehouse, &slice, 20_000, &load_number.to_string()).await;
                println!("\nLOADED {load_number}");
            }
        }
        other => panic!("{other:?}"),
    }
}

/// Keeps the file open for good, by work that takes long.
async fn hold(warehouse: &Arc<dyn Warehouse>) {
    let sql = "SELECT COUNT(*) FROM range(100000000000) a WHERE a.range % 7 = 3";
    warehouse.query(sql, 1).await.unwrap();
}

fn start(path: &Path, role: &str) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env("MILLRACE_TEST_CHILD", role)
        .env("MILLRACE_TEST_FILE", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    (child, lines)
}

/// DuckDB's own lock belongs to the process, so it keeps two handles of one process from nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_handle_that_was_dropped_has_left_the_file_before_the_next_one_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.duckdb");
    for number in 0..20_u32 {
        let warehouse = open(&settings(&path, 1)).await.unwrap();
        warehouse.prepare(&[batches()]).await.unwrap();
        let slice = slice(&batches(), &format!("l{number}"), number, "b.csv", hour(1));
        load(&warehouse, &slice, 20_000, &number.to_string()).await;
    }
    let warehouse = open(&settings(&path, 1)).await.unwrap();
    let rows = warehouse.query("SELECT count(*) FROM RAW_RUN.BATCHES_RUN", 1).await.unwrap();
    assert_eq!(rows.rows, [[Some("400000".to_owned())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_process_holds_is_waited_for_and_its_holder_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.duckdb");
    let (mut holder, mut lines) = start(&path, "hold");
    assert!(lines.any(|line| line == "READY"));
    let warehouse = open(&settings(&path, 1)).await.unwrap();
    let began = Instant::now();
    let error = warehouse.prepare(&[batches()]).await.unwrap_err();
    let waited = began.elapsed();
    assert_eq!(error.class(), FailureClass::Transient);
    assert!(error.to_string().contains(&format!("process {}", holder.id())), "{error}");
    assert!(waited > Duration::from_millis(900) && waited < Duration::from_secs(10), "{waited:?}");
    let looking = open_read_only(&settings(&path, 0)).await.unwrap();
    assert!(matches!(looking.check().await, Err(WarehouseError::Held(_))));
    holder.kill().unwrap();
    holder.wait().unwrap();
    warehouse.prepare(&[batches()]).await.unwrap();
}

/// Whoever looks gets his turn, though the file is never idle.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_lent_again_and_again_can_be_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.duckdb");
    let (mut lender, mut lines) = start(&path, "lend");
    assert!(lines.any(|line| line == "READY"));
    // Its pipe must not fill.
    let reading = std::thread::spawn(move || lines.for_each(drop));
    for _ in 0..5 {
        let looking = open_read_only(&settings(&path, 20)).await.unwrap();
        looking.check().await.unwrap();
        looking.close().await;
    }
    lender.kill().unwrap();
    lender.wait().unwrap();
    reading.join().unwrap();
}

/// A fresh machine starts all roles at once.
#[tokio::test(flavor = "multi_thread")]
async fn many_processes_may_make_the_file_together() {
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.duckdb");
        let mut children: Vec<_> = (0..5).map(|_| start(&path, "prepare")).collect();
        for (child, lines) in &mut children {
            assert!(lines.any(|line| line == "READY"));
            // To its end: the harness of the child writes on.
            lines.for_each(drop);
            assert!(child.wait().unwrap().success());
        }
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().contains(".new")), "{left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_leaves_every_committed_load_and_nothing_else() {
    for committed in [1_u32, 2, 5] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.duckdb");
        let warehouse = open(&settings(&path, 30)).await.unwrap();
        warehouse.prepare(&[batches()]).await.unwrap();
        warehouse.close().await;
        let (mut child, mut lines) = start(&path, "load 1 1000");
        let last = format!("LOADED {committed}");
        assert!(lines.any(|line| line == last));
        // Somewhere in the load behind it.
        std::thread::sleep(Duration::from_millis(u64::from(committed) * 7));
        child.kill().unwrap();
        child.wait().unwrap();
        let lines = Ledger::new(Arc::clone(&warehouse)).recent(10_000).await.unwrap();
        assert!(lines.len() >= committed as usize);
        let audited: u64 = lines.iter().map(|line| line.rows_loaded).sum();
        assert_eq!(ask(&warehouse, "SELECT COUNT(*) FROM RAW_RUN.BATCHES_RUN").await, [audited.to_string()]);
        let newest = lines.iter().map(|line| line.command_id).max().unwrap();
        assert_eq!(
            ask(
                &warehouse,
                "SELECT COUNT(*), MIN(COMMAND_ID) FROM RAW_RUN.BATCHES_RUN R JOIN RAW.CURRENT_LOADS C \
                USING (LOAD_ID, COMMAND_ID)"
            )
            .await,
            [format!("20000 {newest}")]
        );
        load(&warehouse, &slice(&batches(), "after", 100_000, "b.csv", hour(2)), 5, "after").await;
        assert_eq!(shown(&warehouse, &batches()).await, ["after 5"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_load_in_turns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.duckdb");
    let warehouse = open(&settings(&path, 30)).await.unwrap();
    warehouse.prepare(&[batches()]).await.unwrap();
    warehouse.close().await;
    let (mut one, _one) = start(&path, "load 1 40");
    let (mut two, _two) = start(&path, "load 1001 40");
    // Drained, so that neither waits for its pipe.
    let drained = [std::thread::spawn(move || _one.count()), std::thread::spawn(move || _two.count())];
    assert!(one.wait().unwrap().success() && two.wait().unwrap().success());
    for thread in drained {
        thread.join().unwrap();
    }
    assert_eq!(
        ask(&warehouse, "SELECT COUNT(*), COUNT(DISTINCT LOAD_ID) FROM RAW_RUN.BATCHES_RUN").await,
        ["1600000 80"]
    );
    // Neither waited until the other had finished all.
    let order = ask(
        &warehouse,
        "SELECT CASE WHEN LOAD_ID < 'l1' OR LENGTH(LOAD_ID) < 5 THEN 1 ELSE 2 END \
        FROM RAW.RAW_LOAD_AUDIT ORDER BY FINISHED_AT",
    )
    .await;
    let turns = 1 + order.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(turns > 2, "{turns} turns: one process waited for all of the other's work");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_handle_lets_others_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.duckdb");
    let warehouse = open(&settings(&path, 30)).await.unwrap();
    warehouse.prepare(&[batches()]).await.unwrap();
    let (mut child, lines) = start(&path, "load 1 1");
    assert_eq!(lines.filter(|line| line.starts_with("LOADED")).count(), 1);
    assert!(child.wait().unwrap().success());
    assert_eq!(shown(&warehouse, &batches()).await, ["1 20000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_writes_nothing_and_needs_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.duckdb");
    let absent = open_read_only(&settings(&path, 1)).await.unwrap();
    assert!(matches!(absent.check().await, Err(WarehouseError::Configuration(_))), "{:?}", absent.check().await);
    assert!(!path.exists());
    let warehouse = open(&settings(&path, 1)).await.unwrap();
    warehouse.prepare(&[batches()]).await.unwrap();
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 5, "x").await;
    warehouse.close().await;
    let looking = open_read_only(&settings(&path, 1)).await.unwrap();
    assert_eq!(shown(&looking, &batches()).await, ["x 5"]);
    assert!(looking.transact(&["DELETE FROM RAW_RUN.BATCHES_RUN".into()], None).await.is_err());
    looking.close().await;
    assert_eq!(shown(&warehouse, &batches()).await, ["x 5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_a_matter_of_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.duckdb");
    std::fs::write(&path, "id,state\n".repeat(10_000)).unwrap();
    let error = open(&settings(&path, 1)).await.unwrap().prepare(&[]).await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Configuration(why) if why.contains("w.duckdb")), "{error:?}");
    let error = open(&settings(folder.path(), 1)).await.unwrap().prepare(&[]).await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Configuration(_)), "{error:?}");
    for url in ["", "duckdb:", "duckdb::memory:", "oracle:x"] {
        let settings = WarehouseSettings { url: url.into(), ..settings(&path, 1) };
        assert!(matches!(open(&settings).await, Err(WarehouseError::Configuration(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_reach_no_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.duckdb");
    std::fs::write(folder.path().join("secret.csv"), "a\n1\n").unwrap();
    let warehouse = open(&settings(&path, 1)).await.unwrap();
    let at = folder.path().display();
    for sql in [
        format!("SELECT * FROM read_csv('{at}/secret.csv')"),
        format!("SELECT * FROM '{at}/secret.csv'"),
        format!("SELECT * FROM read_text('{at}/*')"),
        format!("FROM glob('{at}/*')"),
    ] {
        let refused = warehouse.query(&sql, 10).await;
        assert!(matches!(refused, Err(WarehouseError::Statement(_))), "{sql}: {refused:?}");
    }
}
