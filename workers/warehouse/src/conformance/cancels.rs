//! Commands that are taken back.

use std::sync::Arc;

use chrono::Utc;
use messages::{CancelRequested, DqRequested, Envelope, Failure, LoadId, MessageId, Stage};

use super::kit::*;
use crate::{Ledger, LoadLine, LoadOutcome, LoadStatus, Slice, StageLine, StageStatus, Warehouse};

async fn ledger(warehouse: &Arc<dyn Warehouse>) -> Ledger {
    warehouse.prepare(&[batches(), readings()]).await.unwrap();
    Ledger::new(Arc::clone(warehouse))
}

fn cancel(load: &str, command_id: MessageId) -> CancelRequested {
    CancelRequested { load_id: load_id(load), command_id, reason: Some("the wrong day's file".into()) }
}

fn request(stage: Stage, load: &str, command_id: MessageId) -> StageLine {
    StageLine::cancel_requested(stage, &cancel(load, command_id), "trace", "conformance").unwrap()
}

fn cancelled(slice: &Slice) -> LoadLine {
    let line = LoadLine::failure(slice, 10, "cancelled: by hand", Utc::now());
    LoadLine { status: LoadStatus::Cancelled, ..line }
}

async fn statuses(ledger: &Ledger, load: &str) -> Vec<LoadStatus> {
    ledger.load_lines(&load_id(load)).await.unwrap().iter().map(|line| line.status).collect()
}

/// Its file is not even opened; another command for the same load is loaded.
pub async fn a_command_that_was_taken_back_loads_nothing(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    assert!(ledger.record_cancel(&request(Stage::Ingest, "l", command(1))).await.unwrap());
    // The same command at another stage, and the same number under another load, are no concern of it.
    assert!(ledger.record_cancel(&request(Stage::Dq, "l", command(2))).await.unwrap());
    let taken_back = slice(&batches(), "l", 1, "b.csv", hour(1));
    let unread = Memory::new(pairs(3, "x")).fail_after(0).boxed();
    let outcome = warehouse.load(&taken_back, unread, None).await.unwrap();
    assert_eq!(outcome, LoadOutcome::Cancelled { why: "cancelled: the wrong day's file".into() });
    assert!(held(&warehouse, &batches()).await.is_empty());
    assert!(statuses(&ledger, "l").await.is_empty());
    load(&warehouse, &slice(&batches(), "other", 1, "b.csv", hour(1)), 2, "other").await;
    load(&warehouse, &slice(&batches(), "l", 2, "b.csv", hour(2)), 3, "again").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["again 3"]);
}

/// A cancel that comes after the end changes nothing.
pub async fn what_was_loaded_stays(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    load(&warehouse, &slice, 3, "x").await;
    ledger.record_cancel(&request(Stage::Ingest, "l", command(1))).await.unwrap();
    ledger.record_cancelled(&cancelled(&slice)).await.unwrap();
    assert_eq!(try_load(&warehouse, &slice, 3, "x").await.unwrap(), LoadOutcome::AlreadyLoaded);
    assert_eq!(statuses(&ledger, "l").await, [LoadStatus::Success]);
    assert_eq!(shown(&warehouse, &batches()).await, ["x 3"]);
}

/// A failure is an end too: whoever replays it after the cancel wants it loaded.
pub async fn what_had_failed_may_be_loaded_again(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    ledger.record_failure(&slice, 10, &Failure::permanent("line 7 is bad")).await.unwrap();
    ledger.record_cancel(&request(Stage::Ingest, "l", command(1))).await.unwrap();
    load(&warehouse, &slice, 3, "mended").await;
    assert_eq!(statuses(&ledger, "l").await, [LoadStatus::Failed, LoadStatus::Success]);
}

/// Also for a worker that has not heard of the cancel; and it is recorded once.
pub async fn cancelled_is_for_good(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let slice = slice(&batches(), "l", 1, "it's b.csv", hour(1));
    for _ in 0..2 {
        ledger.record_cancelled(&cancelled(&slice)).await.unwrap();
    }
    let outcome = try_load(&warehouse, &slice, 3, "x").await.unwrap();
    assert_eq!(outcome, LoadOutcome::Cancelled { why: "cancelled: by hand".into() });
    assert_eq!(statuses(&ledger, "l").await, [LoadStatus::Cancelled]);
    let line = ledger.file_line(&slice.load_id, slice.command_id, &slice.uri).await.unwrap().unwrap();
    assert_eq!((line.status, line.bytes), (LoadStatus::Cancelled, 10));
    assert_eq!(ledger.file_line(&slice.load_id, slice.command_id, "other.csv").await.unwrap(), None);
}

/// One loads and another records that it was cancelled, at the same moment.
pub async fn loaded_or_cancelled_and_never_both(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    for number in 1..=6 {
        let slice = slice(&batches(), "race", number, "b.csv", hour(number));
        let line = cancelled(&slice);
        let rows = Memory::new(pairs(2_000, "x")).boxed();
        let (outcome, recorded) = tokio::join!(warehouse.load(&slice, rows, None), ledger.record_cancelled(&line));
        recorded.unwrap();
        let state = ledger.run_state(&slice.load_id, slice.command_id).await.unwrap().unwrap();
        let expected = match outcome.unwrap() {
            LoadOutcome::Loaded(_) => LoadStatus::Success,
            LoadOutcome::Cancelled { .. } => LoadStatus::Cancelled,
            other => panic!("{other:?}"),
        };
        assert_eq!(state.files.iter().map(|line| line.status).collect::<Vec<_>>(), [expected]);
        let of_command = ledger.load_lines(&slice.load_id).await.unwrap();
        assert_eq!(of_command.iter().filter(|line| line.command_id == slice.command_id).count(), 1);
    }
}

fn plan(load: &str, number: u32, files: &[&str]) -> Vec<LoadLine> {
    let count = u32::try_from(files.len()).unwrap();
    let line = |uri: &&str| {
        let slice = of_run(slice(&batches(), load, number, uri, hour(number)), count);
        LoadLine { status: LoadStatus::Planned, ..LoadLine::failure(&slice, 10, "", hour(1)) }
    };
    files.iter().map(line).collect()
}

fn cancelled_plan(load: &str, number: u32) -> StageLine {
    let asked = request(Stage::Ingest, load, command(number));
    StageLine { status: StageStatus::Cancelled, ..asked }
}

/// A command that is taken back gets no plan; one that has a plan keeps it, and its files end one by one.
pub async fn no_plan_after_a_cancel(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    ledger.record_cancel(&request(Stage::Ingest, "l", command(1))).await.unwrap();
    assert!(ledger.plan(&plan("l", 1, &["a.csv"])).await.unwrap().is_empty());
    assert_eq!(ledger.plan(&plan("l", 2, &["a.csv", "b.csv"])).await.unwrap().len(), 2);
    ledger.record_cancel(&request(Stage::Ingest, "l", command(2))).await.unwrap();
    ledger.cancel_plan(&cancelled_plan("l", 2)).await.unwrap();
    assert_eq!(ledger.stage_line(Stage::Ingest, command(2)).await.unwrap(), None);
    assert_eq!(ledger.plan(&plan("l", 2, &["c.csv"])).await.unwrap().len(), 2);
    assert_eq!(ledger.planned(&load_id("l"), command(2)).await.unwrap().len(), 2);
    for _ in 0..2 {
        ledger.cancel_plan(&cancelled_plan("l", 3)).await.unwrap();
    }
    assert!(ledger.plan(&plan("l", 3, &["a.csv"])).await.unwrap().is_empty());
    let ends = ledger.stage_lines(&load_id("l")).await.unwrap();
    assert_eq!(ends.iter().filter(|line| line.status == StageStatus::Cancelled).count(), 1);
}

/// One plans and another records that it was cancelled, at the same moment.
pub async fn planned_or_cancelled_and_never_both(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    for number in 1..=6 {
        let (lines, end) = (plan("l", number, &["a.csv", "b.csv"]), cancelled_plan("l", number));
        let (planned, recorded) = tokio::join!(ledger.plan(&lines), ledger.cancel_plan(&end));
        recorded.unwrap();
        let is_cancelled = ledger.stage_line(Stage::Ingest, command(number)).await.unwrap().is_some();
        assert_eq!(planned.unwrap().is_empty(), is_cancelled);
        assert_eq!(ledger.planned(&load_id("l"), command(number)).await.unwrap().is_empty(), is_cancelled);
    }
}

/// Of a run that was cancelled half way nothing is shown, and what it would have replaced stays.
pub async fn half_a_run_stays_hidden(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let of = |number, uri| of_run(slice(&batches(), "l", number, uri, hour(number)), 2);
    for uri in ["a.csv", "b.csv"] {
        load(&warehouse, &of(1, uri), 1, "old").await;
    }
    ledger.plan(&plan("l", 2, &["a.csv", "b.csv"])).await.unwrap();
    load(&warehouse, &of(2, "a.csv"), 1, "half").await;
    ledger.record_cancel(&request(Stage::Ingest, "l", command(2))).await.unwrap();
    assert!(matches!(try_load(&warehouse, &of(2, "b.csv"), 1, "half").await, Ok(LoadOutcome::Cancelled { .. })));
    ledger.record_cancelled(&cancelled(&of(2, "b.csv"))).await.unwrap();
    let state = ledger.run_state(&load_id("l"), command(2)).await.unwrap().unwrap();
    let found: Vec<_> = state.files.iter().map(|line| (line.uri.as_str(), line.status)).collect();
    assert_eq!(found, [("a.csv", LoadStatus::Success), ("b.csv", LoadStatus::Cancelled)]);
    assert_eq!(shown(&warehouse, &batches()).await, ["old 2"]);
    for uri in ["a.csv", "b.csv"] {
        load(&warehouse, &of(3, uri), 1, "new").await;
    }
    assert_eq!(shown(&warehouse, &batches()).await, ["new 2"]);
    assert_eq!(held(&warehouse, &batches()).await, ["new 2"]);
}

fn asked(load: &str) -> Envelope {
    Envelope::new("conformance", DqRequested { load_id: load_id(load), sources: vec![] })
}

fn end(of: &Envelope, status: StageStatus) -> StageLine {
    let line = StageLine::cancel_requested(Stage::Dq, &cancel(of.load_id().as_str(), of.id), "t", "w").unwrap();
    StageLine { status, attempt: 1, ..line }
}

/// It holds for the command, what followed from it, and nothing else; a copy of it changes nothing.
pub async fn a_cancel_is_known_once(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let (one, other) = (asked("l"), asked("l"));
    let followed = one.leads_to("conformance", DqRequested { load_id: load_id("l"), sources: vec!["x".into()] });
    let all = [&one, &other, &followed];
    assert_eq!(ledger.known(Stage::Dq, []).await.unwrap(), crate::Known::default());
    let request = request(Stage::Dq, "l", one.id);
    assert!(ledger.record_cancel(&request).await.unwrap());
    assert!(!ledger.record_cancel(&StageLine { trace_id: "again".into(), ..request }).await.unwrap());
    let known = ledger.known(Stage::Dq, all).await.unwrap();
    let failure = cancel("l", one.id).failure();
    let found = all.map(|envelope| known.cancelled(envelope));
    assert_eq!(found, [Some(failure.clone()), None, Some(failure)]);
    assert!(all.iter().all(|envelope| known.end(envelope.id).is_none()));
    assert_eq!(ledger.stage_line(Stage::Dq, one.id).await.unwrap(), None);
    let elsewhere = ledger.known(Stage::Transform, all).await.unwrap();
    assert!(all.iter().all(|envelope| elsewhere.cancelled(envelope).is_none()));
}

/// What was done and what was cancelled exclude each other; that a cancel was asked for is no end.
pub async fn a_stage_ends_once_whichever_was_first(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    for (first, second) in [
        (StageStatus::Success, StageStatus::Cancelled),
        (StageStatus::Failed, StageStatus::Cancelled),
        (StageStatus::Cancelled, StageStatus::Success),
        (StageStatus::Cancelled, StageStatus::Failed),
        (StageStatus::Cancelled, StageStatus::Cancelled),
    ] {
        let message = asked(&format!("{first:?} {second:?}"));
        let begun = end(&message, second);
        ledger.record_cancel(&end(&message, StageStatus::CancelRequested)).await.unwrap();
        assert!(ledger.record_stages(&[end(&message, first)], &[]).await.unwrap());
        // As one who began before, and as one whose clock is ahead.
        let ahead = StageLine { started_at: begun.started_at + chrono::Duration::hours(1), ..begun.clone() };
        for late in [begun, ahead] {
            assert!(!ledger.record_stages(&[late], &[]).await.unwrap(), "{first:?}, then {second:?}");
        }
        let known = ledger.known(Stage::Dq, [&message]).await.unwrap();
        assert_eq!(known.end(message.id).unwrap().status, first);
        assert_eq!(ledger.stage_lines(&LoadId::clone(message.load_id())).await.unwrap().len(), 2);
    }
}
