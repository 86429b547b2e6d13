//! The ledger over the warehouse.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use messages::{CheckOutcome, CheckStatus, Failure, LoadId, Severity, Stage};

use super::kit::*;
use crate::{Ledger, LoadLine, LoadStatus, QualityLine, QualityOrigin, SampleLine, StageLine, StageStatus, Warehouse};

async fn ledger(warehouse: &Arc<dyn Warehouse>) -> Ledger {
    warehouse.prepare(&[batches(), readings()]).await.unwrap();
    Ledger::new(Arc::clone(warehouse))
}

fn planned(load: &str, number: u32, uri: &str, files: u32) -> LoadLine {
    let slice = of_run(slice(&batches(), load, number, uri, hour(1)), files);
    let line = LoadLine::failure(&slice, 10, "", hour(1));
    LoadLine { status: LoadStatus::Planned, error: None, attempt: 0, started_at: hour(1), ..line }
}

fn uris(lines: &[LoadLine]) -> Vec<&str> {
    lines.iter().map(|line| line.uri.as_str()).collect()
}

/// The first plan of a command is the plan; another command has its own.
pub async fn plan_is_made_once(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    assert!(ledger.plan(&[]).await.unwrap().is_empty());
    let first = [planned("l", 1, "a.csv", 2), planned("l", 1, "b.csv", 2)];
    assert_eq!(uris(&ledger.plan(&first).await.unwrap()), ["a.csv", "b.csv"]);
    let second = [planned("l", 1, "c.csv", 1)];
    assert_eq!(uris(&ledger.plan(&second).await.unwrap()), ["a.csv", "b.csv"]);
    assert_eq!(uris(&ledger.plan(&[planned("l", 2, "d.csv", 1)]).await.unwrap()), ["d.csv"]);
    let kept = ledger.plan(&first).await.unwrap();
    assert_eq!(kept[0], LoadLine { finished_at: kept[0].finished_at, ..first[0].clone() });
}

/// A plan of many files.
pub async fn long_plan(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let lines: Vec<_> = (0..1_001).map(|file| planned("l", 1, &format!("{file:05}.csv"), 1_001)).collect();
    assert_eq!(ledger.plan(&lines).await.unwrap().len(), 1_001);
    assert_eq!(ledger.plan(&lines).await.unwrap().len(), 1_001);
    assert_eq!(ledger.plan(&lines[..3]).await.unwrap().len(), 1_001);
}

/// A failure is a line, and the view does not show it.
pub async fn failure_is_recorded(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    ledger.record_failure(&slice, 77, &Failure::permanent("line 3: it's bad")).await.unwrap();
    let lines = ledger.load_lines(&slice.load_id).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].status, lines[0].bytes), (LoadStatus::Failed, 77));
    assert_eq!(lines[0].error.as_deref(), Some("line 3: it's bad"));
    load(&warehouse, &slice, 2, "x").await;
    let statuses: Vec<_> = ledger.load_lines(&slice.load_id).await.unwrap().iter().map(|line| line.status).collect();
    assert_eq!(statuses, [LoadStatus::Failed, LoadStatus::Success]);
    assert_eq!(ledger.current_tables(&slice.load_id).await.unwrap(), ["BATCHES"]);
}

/// The state of a run: each file once, and a file that was loaded stays loaded.
pub async fn run_state_tells(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let id = load_id("run");
    assert_eq!(ledger.run_state(&id, command(1)).await.unwrap(), None);
    ledger.plan(&[planned("run", 1, "a.csv", 2), planned("run", 1, "b.csv", 2)]).await.unwrap();
    let a = of_run(slice(&batches(), "run", 1, "a.csv", hour(1)), 2);
    load(&warehouse, &a, 3, "x").await;
    ledger.record_failure(&a, 1, &Failure::permanent("deleted meanwhile")).await.unwrap();
    let state = ledger.run_state(&id, command(1)).await.unwrap().unwrap();
    assert_eq!(state.run_files, 2);
    let statuses: Vec<_> = state.files.iter().map(|line| (line.uri.as_str(), line.status, line.rows_loaded)).collect();
    assert_eq!(statuses, [("a.csv", LoadStatus::Success, 3), ("b.csv", LoadStatus::Planned, 0)]);
    assert_eq!(ledger.run_state(&id, command(2)).await.unwrap(), None);
    assert!(state.overtaken.is_empty(), "{state:?}");
    ledger.plan(&[planned("run", 2, "a.csv", 1)]).await.unwrap();
    let state = ledger.run_state(&id, command(1)).await.unwrap().unwrap();
    assert_eq!((state.overtaken.into_iter().collect::<Vec<_>>(), state.files.len()), (vec!["BATCHES".to_owned()], 2));
}

/// The newest loads first.
pub async fn recent_is_newest_first(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    for number in 1..=5 {
        let slice = slice(&batches(), &format!("l{number}"), number, "b.csv", hour(number));
        ledger.record_failure(&slice, 0, &Failure::transient("busy")).await.unwrap();
        load(&warehouse, &slice, 1, "x").await;
    }
    let recent = ledger.recent(3).await.unwrap();
    let found: Vec<_> = recent.iter().map(|line| (line.load_id.as_str(), line.status)).collect();
    assert_eq!(found, [("l5", LoadStatus::Success), ("l4", LoadStatus::Success), ("l3", LoadStatus::Success)]);
    assert_eq!(ledger.recent(100).await.unwrap().len(), 5);
}

/// One line for each file ever seen.
pub async fn newest_line_of_each_file(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    load(&warehouse, &slice(&batches(), "l1", 1, "b.csv", hour(1)), 1, "x").await;
    load(&warehouse, &slice(&batches(), "l2", 2, "b.csv", hour(2)), 2, "x").await;
    let unknown = LoadLine { table: String::new(), source: String::new(), ..planned("u", 3, "u.csv", 1) };
    ledger
        .record_load(&LoadLine { status: LoadStatus::Failed, error: Some("no contract".into()), ..unknown })
        .await
        .unwrap();
    let newest = ledger.newest_by_file().await.unwrap();
    let found: Vec<_> =
        newest.iter().map(|line| (line.uri.as_str(), line.load_id.as_str(), line.table.as_str())).collect();
    assert_eq!(found, [("b.csv", "l2", "BATCHES"), ("u.csv", "u", "")]);
    assert_eq!(ledger.newest_of_files(&["b.csv", "it's new.csv"]).await.unwrap(), newest[..1]);
    assert!(ledger.newest_of_files(&[]).await.unwrap().is_empty());
    // What somebody decides later about an older content tells nothing of the file that lies there now.
    let decided = LoadLine {
        status: LoadStatus::Discarded,
        finished_at: Utc::now() + chrono::TimeDelta::hours(1),
        decided_by: Some("jane".into()),
        decided_why: Some("cut short".into()),
        ..planned("l1", 1, "b.csv", 1)
    };
    ledger.record_load(&decided).await.unwrap();
    assert_eq!(ledger.newest_by_file().await.unwrap(), newest);
    assert_eq!(ledger.newest_of_files(&["b.csv"]).await.unwrap(), newest[..1]);
}

fn stage_line(load: &str, stage: Stage, number: u32, finished_at: DateTime<Utc>) -> StageLine {
    StageLine {
        load_id: load_id(load),
        stage,
        message_id: command(number),
        status: StageStatus::Success,
        attempt: 1,
        started_at: hour(1),
        finished_at,
        error: None,
        announced: serde_json::json!({"load_id": load, "text": "it's \"x\"\\\n", "n": 1.5}),
        trace_id: "t".into(),
        worker: "w".into(),
    }
}

/// Stages and checks come back as they were written.
pub async fn stages_and_quality(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    ledger.record_stages(&[], &[]).await.unwrap();
    let transform = stage_line("l", Stage::Transform, 1, hour(2));
    let error = Some("check x failed".to_owned());
    let dq = StageLine { status: StageStatus::Failed, error, ..stage_line("l", Stage::Dq, 2, hour(3)) };
    let quality = QualityLine {
        load_id: load_id("l"),
        outcome: CheckOutcome {
            check: "no_nulls".into(),
            table: "RAW.BATCHES".into(),
            severity: Severity::Error,
            status: CheckStatus::Fail,
            observed: "3 rows".into(),
            expected: "0 rows".into(),
            failed_rows: Some(3),
            kind: "null_share".into(),
            value: Some(0.25),
        },
        checked_at: hour(3),
        origin: QualityOrigin::Gate,
    };
    ledger.record_stages(std::slice::from_ref(&transform), &[]).await.unwrap();
    let sample = |row: Option<u64>, checked_at| SampleLine {
        load_id: load_id("l"),
        check: "no_nulls".into(),
        table: "RAW.BATCHES".into(),
        source_file: row.map(|_| "it's b.csv".into()),
        source_row: row,
        row: r#"{"batch_id":null,"line":"it's \"L1\""}"#.into(),
        checked_at,
    };
    let (quality_lines, samples) = ([quality.clone()], [sample(Some(7), hour(3)), sample(None, hour(3))]);
    assert!(ledger.record_verdicts(std::slice::from_ref(&dq), &quality_lines, &samples).await.unwrap());
    // Once for one message, and those of an earlier verdict are not the newest.
    assert!(!ledger.record_verdicts(std::slice::from_ref(&dq), &quality_lines, &samples).await.unwrap());
    let mut found = ledger.samples(&load_id("l")).await.unwrap();
    found.sort_by_key(|sample| std::cmp::Reverse(sample.source_row));
    assert_eq!(found, samples);
    let earlier = stage_line("l", Stage::Dq, 9, hour(2));
    assert!(ledger.record_verdicts(std::slice::from_ref(&earlier), &[], &[sample(Some(1), hour(2))]).await.unwrap());
    assert_eq!(ledger.samples(&load_id("l")).await.unwrap().len(), 2);
    assert_eq!(ledger.stage_line(Stage::Transform, command(1)).await.unwrap(), Some(transform.clone()));
    assert_eq!(ledger.stage_line(Stage::Dq, command(1)).await.unwrap(), None);
    assert_eq!(ledger.stage_lines(&load_id("l")).await.unwrap(), [transform, earlier, dq.clone()]);
    assert_eq!(ledger.stage_lines_since(hour(3)).await.unwrap(), [dq]);
    assert_eq!(ledger.quality_lines(&load_id("l")).await.unwrap(), [quality]);
}

/// Quotes, backslashes, line breaks and long texts survive in every audit.
pub async fn hard_texts_survive(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let hard = "it's \\ \"x\" \\' \n\r\t -- ; /* äöü 轴 🏭 %s {} $1 ?";
    let id = r"quote' back\slash 轴承";
    let line = LoadLine {
        load_id: load_id(id),
        uri: hard.repeat(50),
        error: Some(hard.into()),
        file_id: None,
        finished_at: Utc::now().trunc_subsecs(6),
        status: LoadStatus::Failed,
        bytes: u64::from(u32::MAX) * 1_000,
        ..planned("x", 1, "x", 1)
    };
    ledger.record_load(&line).await.unwrap();
    assert_eq!(ledger.load_lines(&line.load_id).await.unwrap(), [line]);
    let stage = StageLine { error: Some(hard.into()), worker: hard.into(), ..stage_line(id, Stage::Dq, 1, hour(1)) };
    ledger.record_stages(std::slice::from_ref(&stage), &[]).await.unwrap();
    assert_eq!(ledger.stage_lines(&load_id(id)).await.unwrap(), [stage]);
}

/// The SUCCESS line tells what was loaded and comes with the rows.
pub async fn audit_and_rows_together(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    let watching = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move {
            let sql = "SELECT (SELECT COUNT(*) FROM RAW.BATCHES), (SELECT COUNT(*) FROM RAW_RUN.BATCHES_RUN), \
                (SELECT COALESCE(SUM(ROWS_LOADED), 0) FROM RAW.RAW_LOAD_AUDIT)";
            loop {
                let found = ask(&warehouse, sql).await;
                if found == ["50000 50000 50000"] {
                    return;
                }
                assert_eq!(found, ["0 0 0"]);
            }
        }
    });
    load(&warehouse, &slice, 50_000, "x").await;
    watching.await.unwrap();
    let lines = ledger.load_lines(&slice.load_id).await.unwrap();
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!((line.status, line.rows_loaded, line.bytes), (LoadStatus::Success, 50_000, 100));
    assert_eq!(line.file_id.as_deref(), Some("sha256:00"));
    assert_eq!((line.as_of, line.modified_at, line.run_files, line.table_files), (hour(1), hour(1), 1, 1));
    assert!(line.finished_at >= line.started_at);
}

/// The newest complete data of a source, and its last load, whichever came first.
pub async fn freshness_of_each_source(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    assert!(ledger.freshness().await.unwrap().is_empty());
    let newest = slice(&batches(), "newest", 1, "a.csv", hour(5));
    load(&warehouse, &newest, 1, "x").await;
    load(&warehouse, &slice(&batches(), "older", 2, "b.csv", hour(3)), 1, "x").await;
    // Half of a run is no data that anybody is shown.
    load(&warehouse, &of_run(slice(&batches(), "half", 3, "c.csv", hour(9)), 2), 1, "x").await;
    ledger
        .record_failure(&slice(&batches(), "failed", 4, "d.csv", hour(8)), 1, &Failure::permanent("no"))
        .await
        .unwrap();
    let found = ledger.freshness().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].source.as_str(), found[0].as_of), (newest.source.as_str(), Some(hour(5))));
    let loaded = ledger.load_lines(&LoadId::new("half").unwrap()).await.unwrap();
    assert_eq!(found[0].loaded_at, loaded[0].finished_at);
}
