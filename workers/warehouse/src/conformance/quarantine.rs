//! What is held back, and what somebody decides about it.

use std::sync::Arc;

use chrono::Utc;
use messages::{CancelRequested, CheckOutcome, CheckStatus, Failure, Severity, Stage};

use super::kit::*;
use crate::{
    Gate, GateAnswer, GateVerdict, Held, Ledger, LoadLine, LoadOutcome, LoadStatus, QualityOrigin, Slice, StageLine,
    Warehouse,
};

async fn ledger(warehouse: &Arc<dyn Warehouse>) -> Ledger {
    warehouse.prepare(&[batches(), readings()]).await.unwrap();
    Ledger::new(Arc::clone(warehouse))
}

/// Objects to more than so many rows, and to what is refused.
struct AtMost {
    rows: u64,
    /// Asked besides; `{rows}` stands for the rows.
    besides: Vec<&'static str>,
}

impl Gate for AtMost {
    fn questions(&self, rows: &str) -> Vec<String> {
        let besides = self.besides.iter().map(|sql| sql.replace("{rows}", rows));
        [format!("SELECT COUNT(*), COUNT(STATE) FROM {rows}")].into_iter().chain(besides).collect()
    }

    fn names(&self) -> Vec<String> {
        vec!["at_most".into()]
    }

    fn judge(&self, answers: &[GateAnswer]) -> GateVerdict {
        assert_eq!(answers.len(), 1 + self.besides.len());
        let rows: u64 = answers[0].as_ref().unwrap()[0].as_deref().unwrap().parse().unwrap();
        let is_bad = rows > self.rows;
        let mut held: Vec<String> = is_bad.then(|| format!("{rows} rows, at most {}", self.rows)).into_iter().collect();
        held.extend(answers[1..].iter().filter(|answer| answer.is_err()).map(|_| "it could not be judged".into()));
        let check = CheckOutcome {
            check: "at_most".into(),
            table: "RAW.BATCHES".into(),
            severity: Severity::Error,
            status: if is_bad { CheckStatus::Fail } else { CheckStatus::Pass },
            observed: rows.to_string(),
            expected: format!("at most {}", self.rows),
            failed_rows: None,
            kind: "row_count".into(),
            value: Some(rows as f64),
        };
        GateVerdict { checks: vec![check], held }
    }
}

fn at_most(rows: u64) -> Option<Arc<dyn Gate>> {
    Some(Arc::new(AtMost { rows, besides: Vec::new() }))
}

async fn try_gated(warehouse: &Arc<dyn Warehouse>, slice: &Slice, count: usize, state: &str, rows: u64) -> LoadOutcome {
    warehouse.load(slice, Memory::new(pairs(count, state)).boxed(), at_most(rows)).await.unwrap()
}

/// Loads and expects it to be held back.
async fn hold(warehouse: &Arc<dyn Warehouse>, slice: &Slice, count: usize, state: &str) {
    let outcome = try_gated(warehouse, slice, count, state, 0).await;
    assert!(matches!(outcome, LoadOutcome::Quarantined { .. }), "{outcome:?}");
}

async fn statuses(ledger: &Ledger, load: &str) -> Vec<LoadStatus> {
    ledger.load_lines(&load_id(load)).await.unwrap().iter().map(|line| line.status).collect()
}

/// The lines of a decision about all that is held back of a load; none if nothing is.
async fn decision(ledger: &Ledger, load: &str, status: LoadStatus, by: &str) -> Vec<LoadLine> {
    let lines = ledger.load_lines(&load_id(load)).await.unwrap();
    let decided = |line: LoadLine| LoadLine {
        status,
        decided_by: Some(by.into()),
        decided_why: Some("it's right: C:\\plant".into()),
        finished_at: Utc::now(),
        ..line
    };
    Held::of(&lines).map_or_else(Vec::new, |held| held.files.into_iter().map(decided).collect())
}

async fn decide(ledger: &Ledger, load: &str, status: LoadStatus, by: &str) {
    let lines = decision(ledger, load, status, by).await;
    assert!(!lines.is_empty());
    ledger.decide(&lines).await.unwrap();
}

/// Its rows are kept, its checks are written, and what stood stands. A second delivery changes nothing.
pub async fn a_gate_that_objects_holds_the_load_back(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    load(&warehouse, &slice(&batches(), "before", 1, "a.csv", hour(1)), 2, "before").await;
    load(&warehouse, &slice(&batches(), "l", 2, "b.csv", hour(2)), 3, "old").await;
    let slice = slice(&batches(), "l", 3, "b.csv", hour(3));
    let outcome = try_gated(&warehouse, &slice, 5, "new", 4).await;
    let LoadOutcome::Quarantined { facts, held: why } = outcome else { panic!("{outcome:?}") };
    assert_eq!((facts.rows, why), (5, vec!["5 rows, at most 4".to_owned()]));
    assert_eq!(shown(&warehouse, &batches()).await, ["old 3"]);
    assert_eq!(held(&warehouse, &batches()).await, ["before 2", "new 5", "old 3"]);
    let line = ledger.file_line(&slice.load_id, slice.command_id, "b.csv").await.unwrap().unwrap();
    assert_eq!((line.status, line.rows_loaded), (LoadStatus::Quarantined, 5));
    assert_eq!(line.error.as_deref(), Some("5 rows, at most 4"));
    let checks = ledger.quality_lines(&slice.load_id).await.unwrap();
    let found: Vec<_> = checks.iter().map(|line| (line.origin, line.outcome.status, line.outcome.value)).collect();
    assert_eq!(found, [(QualityOrigin::Gate, CheckStatus::Fail, Some(5.0))]);
    assert_eq!(try_gated(&warehouse, &slice, 5, "new", 4).await, LoadOutcome::AlreadyLoaded);
    assert_eq!(ledger.quality_lines(&slice.load_id).await.unwrap().len(), 1);
    assert!(ledger.current_tables(&slice.load_id).await.unwrap().contains(&"BATCHES".to_owned()), "the older one");
}

/// What it replaces goes, as without a gate; of other loads it is asked nothing.
pub async fn a_gate_that_passes_writes_its_checks(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 9, "old").await;
    load(&warehouse, &slice(&batches(), "other", 2, "b.csv", hour(1)), 9, "other").await;
    let slice = slice(&batches(), "l", 3, "b.csv", hour(2));
    assert!(matches!(try_gated(&warehouse, &slice, 4, "new", 4).await, LoadOutcome::Loaded(_)));
    assert_eq!(shown(&warehouse, &batches()).await, ["new 4"]);
    assert_eq!(held(&warehouse, &batches()).await, ["new 4", "other 9"]);
    let checks = ledger.quality_lines(&slice.load_id).await.unwrap();
    assert_eq!(checks.iter().map(|line| line.outcome.observed.as_str()).collect::<Vec<_>>(), ["4"]);
    assert_eq!(statuses(&ledger, "l").await, [LoadStatus::Success; 2]);
}

/// Also without a gate.
pub async fn what_a_reader_objects_to_is_held(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    let rows = Memory::new(pairs(3, "x")).held("the column grade is missing").boxed();
    let outcome = warehouse.load(&slice, rows, None).await.unwrap();
    let LoadOutcome::Quarantined { held: why, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(why, ["the column grade is missing"]);
    assert_eq!(statuses(&ledger, "l").await, [LoadStatus::Quarantined]);
    assert!(shown(&warehouse, &batches()).await.is_empty());
    assert_eq!(held(&warehouse, &batches()).await, ["x 3"]);
    assert!(ledger.freshness().await.unwrap().is_empty(), "nobody sees it");
}

/// Whatever the warehouse refuses it for: a name, a value, a text that is no query.
pub async fn a_question_that_is_refused_holds_the_load(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let refused = [
        "SELECT NO_SUCH_COLUMN FROM {rows}",
        "SELECT MAX(CAST(STATE AS INTEGER)) FROM {rows}",
        "SELECT SUM(CAST(STATE AS INTEGER)) FROM {rows}",
        "SELECT MAX(ID) FROM RAW.NO_SUCH_TABLE",
        "no query at all",
    ];
    for (number, question) in refused.into_iter().enumerate() {
        let number = u32::try_from(number).unwrap() + 1;
        let slice = slice(&batches(), &format!("l{number}"), number, "b.csv", hour(number));
        let gate: Option<Arc<dyn Gate>> = Some(Arc::new(AtMost { rows: 9, besides: vec![question] }));
        let outcome = warehouse.load(&slice, Memory::new(pairs(3, "x")).boxed(), gate).await.unwrap();
        assert!(
            matches!(&outcome, LoadOutcome::Quarantined { facts, held } if facts.rows == 3 && held.len() == 1),
            "{question}: {outcome:?}"
        );
    }
    let slice = slice(&batches(), "all", 9, "b.csv", hour(9));
    let gate: Option<Arc<dyn Gate>> = Some(Arc::new(AtMost { rows: 9, besides: refused.to_vec() }));
    let outcome = warehouse.load(&slice, Memory::new(pairs(3, "x")).boxed(), gate).await.unwrap();
    assert!(matches!(&outcome, LoadOutcome::Quarantined { held, .. } if held.len() == refused.len()), "{outcome:?}");
    assert_eq!(held(&warehouse, &batches()).await, ["x 18"]);
    assert_eq!(statuses(&ledger, "all").await, [LoadStatus::Quarantined]);
    assert_eq!(ledger.quality_lines(&load_id("all")).await.unwrap().len(), 1);
}

/// It is asked inside the load's transaction, and must not be able to end it or to write.
pub async fn a_gate_can_not_write(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let writers = [
        "DELETE FROM RAW.RAW_LOAD_AUDIT",
        "COMMIT",
        "SELECT 1; COMMIT",
        "WITH A AS (SELECT 1) DELETE FROM RAW.RAW_LOAD_AUDIT",
    ];
    load(&warehouse, &slice(&batches(), "before", 1, "a.csv", hour(1)), 2, "before").await;
    let slice = slice(&batches(), "l", 2, "b.csv", hour(2));
    let gate: Option<Arc<dyn Gate>> = Some(Arc::new(AtMost { rows: 9, besides: writers.to_vec() }));
    let outcome = warehouse.load(&slice, Memory::new(pairs(3, "x")).boxed(), gate).await.unwrap();
    assert!(matches!(&outcome, LoadOutcome::Quarantined { held, .. } if held.len() == writers.len()), "{outcome:?}");
    assert_eq!(shown(&warehouse, &batches()).await, ["before 2"]);
    assert_eq!(statuses(&ledger, "before").await, [LoadStatus::Success]);
}

/// The gate of a run is asked once, over the rows of all of its files.
pub async fn a_run_is_judged_whole(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let of = |number, uri| of_run(slice(&batches(), "run", number, uri, hour(number)), 3);
    for uri in ["a.csv", "b.csv"] {
        assert!(matches!(try_gated(&warehouse, &of(1, uri), 3, "one", 8).await, LoadOutcome::Loaded(_)));
        assert!(ledger.quality_lines(&load_id("run")).await.unwrap().is_empty());
    }
    assert!(matches!(try_gated(&warehouse, &of(1, "c.csv"), 3, "one", 8).await, LoadOutcome::Quarantined { .. }));
    assert_eq!(ledger.quality_lines(&load_id("run")).await.unwrap()[0].outcome.observed, "9");
    assert!(shown(&warehouse, &batches()).await.is_empty());
    for uri in ["a.csv", "b.csv", "c.csv"] {
        assert!(matches!(try_gated(&warehouse, &of(2, uri), 2, "two", 8).await, LoadOutcome::Loaded(_)));
    }
    assert_eq!(shown(&warehouse, &batches()).await, ["two 6"]);
    assert_eq!(held(&warehouse, &batches()).await, ["two 6"], "what was held is gone with it");
}

/// A file that is held back for its shape keeps its run back, and is judged with it.
pub async fn a_run_of_held_files(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let of = |uri| of_run(slice(&batches(), "run", 2, uri, hour(1)), 2);
    load(&warehouse, &slice(&batches(), "run", 1, "a.csv", hour(1)), 1, "old").await;
    let odd = Memory::new(pairs(3, "new")).held("odd").boxed();
    assert!(matches!(warehouse.load(&of("a.csv"), odd, at_most(9)).await, Ok(LoadOutcome::Quarantined { .. })));
    assert!(matches!(try_gated(&warehouse, &of("b.csv"), 4, "new", 9).await, LoadOutcome::Loaded(_)));
    assert_eq!(ledger.quality_lines(&load_id("run")).await.unwrap()[0].outcome.observed, "7");
    assert_eq!(shown(&warehouse, &batches()).await, ["old 1"]);
    let lines = decision(&ledger, "run", LoadStatus::Success, "jane").await;
    assert_eq!(lines.iter().map(|line| line.uri.as_str()).collect::<Vec<_>>(), ["a.csv"]);
    ledger.decide(&lines).await.unwrap();
    assert_eq!(shown(&warehouse, &batches()).await, ["new 7"]);
    assert_eq!(held(&warehouse, &batches()).await, ["new 7"]);
}

/// As if nothing had held it back: what it replaces is gone, and who decided stands there.
pub async fn release_makes_it_current(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 2, "old").await;
    hold(&warehouse, &slice(&batches(), "l", 2, "b.csv", hour(2)), 3, "new").await;
    hold(&warehouse, &slice(&batches(), "other", 3, "b.csv", hour(3)), 4, "other").await;
    decide(&ledger, "l", LoadStatus::Success, "jane").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["new 3"]);
    assert_eq!(held(&warehouse, &batches()).await, ["new 3", "other 4"]);
    let lines = ledger.load_lines(&load_id("l")).await.unwrap();
    let last = lines.last().unwrap();
    assert_eq!((last.status, last.rows_loaded), (LoadStatus::Success, 3));
    assert_eq!(last.decided_by.as_deref(), Some("jane"));
    assert_eq!(last.decided_why.as_deref(), Some("it's right: C:\\plant"));
    assert_eq!(Held::of(&lines), None);
    let state = ledger.run_state(&load_id("l"), command(2)).await.unwrap().unwrap();
    assert_eq!(state.files.iter().map(|line| line.status).collect::<Vec<_>>(), [LoadStatus::Success]);
    assert_eq!(ledger.current_tables(&load_id("l")).await.unwrap(), ["BATCHES"]);
}

/// The file's older rows show until then, and other files all the time.
pub async fn an_increment_is_held_and_released(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    load(&warehouse, &slice(&readings(), "a", 1, "a.csv", hour(1)), 1, "a").await;
    load(&warehouse, &slice(&readings(), "b", 2, "b.csv", hour(1)), 2, "b").await;
    hold(&warehouse, &slice(&readings(), "a grown", 3, "a.csv", hour(2)), 3, "a grown").await;
    assert_eq!(shown(&warehouse, &readings()).await, ["a 1", "b 2"]);
    decide(&ledger, "a grown", LoadStatus::Success, "jane").await;
    assert_eq!(shown(&warehouse, &readings()).await, ["a grown 3", "b 2"]);
}

/// What it would have replaced stays, and the file is not loaded by a second delivery.
pub async fn discard_removes_the_rows(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    load(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 2, "old").await;
    let of = |uri| of_run(slice(&batches(), "l", 2, uri, hour(2)), 2);
    load(&warehouse, &of("good.csv"), 1, "good").await;
    hold(&warehouse, &of("b.csv"), 3, "bad").await;
    decide(&ledger, "l", LoadStatus::Discarded, "jane").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["old 2"]);
    assert_eq!(held(&warehouse, &batches()).await, ["good 1", "old 2"]);
    assert_eq!(try_gated(&warehouse, &of("b.csv"), 3, "bad", 9).await, LoadOutcome::AlreadyLoaded);
    let state = ledger.run_state(&load_id("l"), command(2)).await.unwrap().unwrap();
    let found: Vec<_> = state.files.iter().map(|line| (line.uri.as_str(), line.status)).collect();
    assert_eq!(found, [("b.csv", LoadStatus::Discarded), ("good.csv", LoadStatus::Success)]);
    // The next command for it replaces all of them.
    load(&warehouse, &slice(&batches(), "l", 3, "b.csv", hour(3)), 4, "mended").await;
    assert_eq!(held(&warehouse, &batches()).await, ["mended 4"]);
    assert_eq!(shown(&warehouse, &batches()).await, ["mended 4"]);
}

/// Whichever it was; a copy of it changes nothing.
pub async fn the_first_decision_holds(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    for (number, first, second) in
        [(1, LoadStatus::Success, LoadStatus::Discarded), (2, LoadStatus::Discarded, LoadStatus::Success)]
    {
        let load = format!("l{number}");
        hold(&warehouse, &slice(&batches(), &load, number, "b.csv", hour(number)), 3, "x").await;
        let late = decision(&ledger, &load, second, "late").await;
        let early = decision(&ledger, &load, first, "early").await;
        for lines in [&early, &late, &early] {
            ledger.decide(lines).await.unwrap();
        }
        assert_eq!(statuses(&ledger, &load).await, [LoadStatus::Quarantined, first]);
        let line = ledger.file_line(&load_id(&load), command(number), "b.csv").await.unwrap().unwrap();
        assert_eq!((line.status, line.decided_by.as_deref()), (first, Some("early")));
    }
    assert_eq!(held(&warehouse, &batches()).await, ["x 3"]);
    assert_eq!(shown(&warehouse, &batches()).await, ["x 3"]);
}

/// One releases and another discards, at the same moment.
pub async fn two_decisions_at_once(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    for number in 1..=4 {
        let load = format!("l{number}");
        hold(&warehouse, &slice(&batches(), &load, number, "b.csv", hour(number)), 3, &load).await;
        let release = decision(&ledger, &load, LoadStatus::Success, "one").await;
        let discard = decision(&ledger, &load, LoadStatus::Discarded, "other").await;
        let (one, other) = tokio::join!(ledger.decide(&release), ledger.decide(&discard));
        one.and(other).unwrap();
        let lines = statuses(&ledger, &load).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        let rows = ask(&warehouse, &format!("SELECT COUNT(*) FROM RAW_RUN.BATCHES_RUN WHERE LOAD_ID = '{load}'")).await;
        assert_eq!(rows, [if lines[1] == LoadStatus::Success { "3" } else { "0" }]);
    }
}

/// What it has taken over can't be released any more.
pub async fn a_newer_command_supersedes_what_is_held(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    hold(&warehouse, &slice(&batches(), "l", 1, "b.csv", hour(1)), 3, "held").await;
    let late = decision(&ledger, "l", LoadStatus::Success, "late").await;
    let newer = slice(&batches(), "l", 2, "b.csv", hour(1));
    let planned = LoadLine { status: LoadStatus::Planned, ..LoadLine::failure(&newer, 0, "", hour(1)) };
    ledger.plan(&[planned]).await.unwrap();
    assert_eq!(Held::of(&ledger.load_lines(&load_id("l")).await.unwrap()), None);
    ledger.decide(&late).await.unwrap();
    assert_eq!(statuses(&ledger, "l").await.iter().filter(|status| **status == LoadStatus::Success).count(), 0);
    // An older command that comes late is fenced out by what is held, too.
    hold(&warehouse, &newer, 4, "newer").await;
    let older = slice(&batches(), "l", 1, "c.csv", hour(1));
    assert_eq!(try_load(&warehouse, &older, 1, "late").await.unwrap(), LoadOutcome::Fenced { by: command(2) });
    let state = ledger.run_state(&load_id("l"), command(1)).await.unwrap().unwrap();
    assert_eq!(state.overtaken.into_iter().collect::<Vec<_>>(), ["BATCHES"]);
    decide(&ledger, "l", LoadStatus::Success, "jane").await;
    assert_eq!(held(&warehouse, &batches()).await, ["newer 4"]);
    assert_eq!(shown(&warehouse, &batches()).await, ["newer 4"]);
}

/// With a file that was cancelled the newer command can't become whole any more, and has removed nothing: what the older one holds
/// can be decided about. While it may still become whole it can't.
pub async fn a_cancelled_reload_leaves_what_is_held(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    for (name, number, decided) in [("kept", 1, LoadStatus::Success), ("given up", 11, LoadStatus::Discarded)] {
        hold(&warehouse, &slice(&batches(), name, number, "b.csv", hour(number)), 3, name).await;
        let early = decision(&ledger, name, decided, "early").await;
        // A run over two files of the table, of which one is loaded before it is taken back.
        let of = |uri| of_run(slice(&batches(), name, number + 1, uri, hour(number)), 2);
        let line = |uri, status| LoadLine { status, ..LoadLine::failure(&of(uri), 0, "", Utc::now()) };
        let planned = ["a.csv", "b.csv"].map(|uri| line(uri, LoadStatus::Planned));
        assert_eq!(ledger.plan(&planned).await.unwrap().len(), 2);
        load(&warehouse, &of("a.csv"), 1, "half").await;
        assert_eq!(Held::of(&ledger.load_lines(&load_id(name)).await.unwrap()), None);
        ledger.decide(&early).await.unwrap();
        assert_eq!(ledger.load_lines(&load_id(name)).await.unwrap().iter().filter(is_decided).count(), 0);
        ledger.record_cancelled(&line("b.csv", LoadStatus::Cancelled)).await.unwrap();
        let lines = ledger.load_lines(&load_id(name)).await.unwrap();
        let held = Held::of(&lines).unwrap();
        assert_eq!((held.command_id, held.files.len(), held.open), (command(number), 1, 0));
        decide(&ledger, name, decided, "jane").await;
        let lines = ledger.load_lines(&load_id(name)).await.unwrap();
        assert_eq!(lines.iter().filter(is_decided).map(|line| line.status).collect::<Vec<_>>(), [decided]);
        assert_eq!((Held::of(&lines), shown(&warehouse, &batches()).await), (None, vec!["kept 3".to_owned()]));
    }
    assert_eq!(held(&warehouse, &batches()).await, ["half 2", "kept 3"]);
    // The next command for it replaces all of them.
    load(&warehouse, &slice(&batches(), "kept", 3, "b.csv", hour(1)), 4, "mended").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["mended 4"]);
    assert_eq!(held(&warehouse, &batches()).await, ["half 1", "mended 4"]);
}

fn is_decided(line: &&LoadLine) -> bool {
    line.decided_by.is_some()
}

/// A cancel that comes after it, and a failure of a second delivery, change nothing.
pub async fn held_is_an_end(warehouse: Arc<dyn Warehouse>) {
    let ledger = ledger(&warehouse).await;
    let slice = slice(&batches(), "l", 1, "b.csv", hour(1));
    hold(&warehouse, &slice, 3, "x").await;
    let cancel = CancelRequested { load_id: load_id("l"), command_id: command(1), reason: None };
    ledger.record_cancel(&StageLine::cancel_requested(Stage::Ingest, &cancel, "t", "w").unwrap()).await.unwrap();
    let line = LoadLine::failure(&slice, 10, "cancelled", Utc::now());
    ledger.record_cancelled(&LoadLine { status: LoadStatus::Cancelled, ..line }).await.unwrap();
    assert_eq!(try_load(&warehouse, &slice, 3, "x").await.unwrap(), LoadOutcome::AlreadyLoaded);
    ledger.record_failure(&slice, 1, &Failure::permanent("deleted meanwhile")).await.unwrap();
    let state = ledger.run_state(&load_id("l"), command(1)).await.unwrap().unwrap();
    assert_eq!(state.files.iter().map(|line| line.status).collect::<Vec<_>>(), [LoadStatus::Quarantined]);
    assert_eq!(statuses(&ledger, "l").await, [LoadStatus::Quarantined, LoadStatus::Failed]);
    decide(&ledger, "l", LoadStatus::Success, "jane").await;
    assert_eq!(shown(&warehouse, &batches()).await, ["x 3"]);
}
