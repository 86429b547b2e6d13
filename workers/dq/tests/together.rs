//! Loads that are judged together are history for each other, as if each had been judged and recorded alone, the one with the oldest
//! data first.
//!
//! `MILLRACE_TEST_SEED` plays another plant.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use messages::{CancelRequested, CheckOutcome, FailureClass, Message, TraceContext};
use millrace_dq::{DqHandler, compile};
use runtime::{Cancels, Handler, Work};
use serde_json::{Value, json};
use support::{Mill, at, checks, contract, requested, transformed};
use warehouse::{Gate, Ledger, Lent, LoadOutcome, RowSource, Rows, Slice, TableSpec, Warehouse, WarehouseError};

const SEEDS: [u64; 2] = [1, 2];
const LOADS: u64 = 24;
const TABLES: [&str; 3] = ["t", "u", "plain"];

fn noon(day: u64) -> DateTime<Utc> {
    at("2026-01-05T12:00:00Z") + TimeDelta::days(i64::try_from(day).unwrap())
}

fn changes() -> Value {
    json!([
        {"kind": "row_count", "min": 1},
        {"kind": "change", "metric": "row_count", "training_loads": 3, "window_loads": 6},
        {"kind": "change", "metric": "mean", "column": "x", "training_loads": 3, "except": ["01-12"],
            "warn": {"sensitivity": 3}, "error": {"sensitivity": 6}},
        {"kind": "change", "metric": "null_share", "column": "x", "training_loads": 4, "season": "weekly"},
        {"kind": "change", "metric": "distinct", "column": "x", "training_loads": 3, "severity": "warn"},
    ])
}

fn contracts() -> Vec<Value> {
    let plain = json!([{"kind": "row_count", "min": 1}]);
    vec![contract("t", &["x"], changes()), contract("u", &["x"], changes()), contract("plain", &["x"], plain)]
}

/// Random numbers that are the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn one_of(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

/// A load of one or two tables. Many are of the same day.
#[derive(Clone, Debug)]
struct Load {
    load_id: String,
    as_of: DateTime<Utc>,
    /// With what it brings of each.
    tables: Vec<(&'static str, Vec<Vec<String>>)>,
}

fn load(dice: &mut Dice, number: u64) -> Load {
    let tables = match dice.below(4) {
        0 => &TABLES[..2],
        1 => &TABLES[1..],
        _ => &TABLES[..1],
    };
    let tables = tables.iter().map(|&table| (table, rows(dice))).collect();
    // What a LOAD_ID may hold, it may hold here too.
    Load { load_id: format!("a'b=c;{number}"), as_of: noon(dice.below(18)), tables }
}

/// Mostly alike; now and then far more, of other numbers, or of none at all.
fn rows(dice: &mut Dice) -> Vec<Vec<String>> {
    let (many, odd, none) = (dice.one_of(8), dice.one_of(8), dice.one_of(8));
    let count = if many { 40 } else { 8 + dice.below(4) };
    let value = |dice: &mut Dice| match (none, dice.one_of(6)) {
        (true, _) => "n/a".into(),
        (_, true) => String::new(),
        _ => format!("{}", dice.below(10) + if odd { 700 } else { 70 }),
    };
    (0..count).map(|_| vec![value(dice)]).collect()
}

/// What happens before loads are judged together, and which are.
struct Plant {
    /// Loaded and judged one by one, long ago; some of them are loaded anew since.
    before: Vec<Load>,
    loads: Vec<Load>,
    /// Held back since they were loaded, or never whole.
    never_current: Vec<String>,
    /// Some twice.
    judged: Vec<String>,
}

impl Plant {
    fn of(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            dice.below(2);
        }
        let loads: Vec<Load> = (0..LOADS).map(|number| load(&mut dice, number)).collect();
        let mut before: Vec<Load> = (LOADS..LOADS + 5).map(|number| load(&mut dice, number)).collect();
        // Those that are loaded anew brought something else then, as of another day.
        before.extend(loads.iter().filter(|_| dice.one_of(4)).cloned().collect::<Vec<_>>().into_iter().map(|again| {
            let number = again.load_id.trim_start_matches("a'b=c;").parse().unwrap();
            let tables = again.tables.iter().map(|(table, _)| (*table, rows(&mut dice))).collect();
            Load { tables, ..load(&mut dice, number) }
        }));
        let ids = |of: &mut dyn FnMut() -> bool| {
            loads.iter().map(|load| load.load_id.clone()).filter(|_| of()).collect::<Vec<_>>()
        };
        let never_current = ids(&mut || dice.one_of(8));
        let judged = [ids(&mut || !dice.one_of(6)), ids(&mut || dice.one_of(6))].concat();
        Self { before, loads, never_current, judged }
    }

    async fn build(&self) -> Mill {
        let mut mill = Mill::new(contracts()).await;
        for load in &self.before {
            bring(&mill, load).await;
            mill.judge(&load.load_id, &[]).await;
        }
        for load in &self.loads {
            bring(&mill, load).await;
        }
        for load_id in &self.never_current {
            let sql = "UPDATE RAW.RAW_LOAD_AUDIT SET STATUS = 'QUARANTINED' WHERE LOAD_ID = ";
            let sql = format!("{sql}'{}'", load_id.replace('\'', "''"));
            mill.warehouse().transact(&[sql], None).await.unwrap();
        }
        mill
    }
}

async fn bring(mill: &Mill, load: &Load) {
    for (table, rows) in &load.tables {
        mill.load_rows(table, &load.load_id, load.as_of, rows.clone()).await;
    }
}

/// All that was found, each with what the audit keeps of it.
fn found(outcomes: &[CheckOutcome]) -> Vec<String> {
    let one = |outcome: &CheckOutcome| {
        let CheckOutcome { table, check, severity, status, observed, value, .. } = outcome;
        format!("{table}.{check} {severity:?} {status:?} {observed} {value:?}")
    };
    outcomes.iter().map(one).collect()
}

/// The tables of each load, each judged alone, the oldest data first; what a load did not bring is judged by the newest.
async fn one_after_another(plant: &Plant) -> (Mill, Vec<Vec<String>>) {
    let mut mill = plant.build().await;
    let times =
        mill.ask("SELECT TABLE_NAME || ' ' || LOAD_ID || ' ' || CAST(AS_OF AS VARCHAR) FROM RAW.COMPLETE_LOADS").await;
    let time_of = |load_id: &str, table: &str| {
        let name = format!("{} {load_id} ", table.to_uppercase());
        times.iter().find_map(|line| line.strip_prefix(&name)).map(str::to_owned)
    };
    let mut turns: Vec<(String, usize, usize)> = Vec::new();
    for (message, load_id) in plant.judged.iter().enumerate() {
        for (at, table) in TABLES.iter().enumerate() {
            let turn = time_of(load_id, table).unwrap_or_else(|| "9999".into());
            turns.push((turn, message, at));
        }
    }
    turns.sort();
    let mut outcomes = vec![vec![Vec::new(); TABLES.len()]; plant.judged.len()];
    for (_, message, at) in turns {
        outcomes[message][at] = found(&mill.outcomes(&plant.judged[message], &[TABLES[at]]).await);
    }
    (mill, outcomes.into_iter().map(|tables| tables.concat()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn together_is_as_one_after_another() {
    let other = std::env::var("MILLRACE_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let mut learned = 0;
    for seed in other.map_or_else(|| SEEDS.to_vec(), |seed| vec![seed]) {
        let plant = Plant::of(seed);
        let (mut alone, expected) = one_after_another(&plant).await;
        let mut mill = plant.build().await;
        let work: Vec<Work> = plant.judged.iter().map(|load_id| requested(load_id, &TABLES)).collect();
        let told = mill.handle(&work).await;
        for ((load_id, told), expected) in plant.judged.iter().zip(&told).zip(&expected) {
            assert_eq!(&found(checks(&told.message)), expected, "seed {seed}: {load_id}");
        }
        learned += expected.concat().iter().filter(|found| found.contains("usual is")).count();
        // And what stands in the audit then is history for those that come.
        let next = load(&mut Dice(seed), 99);
        let next = Load { as_of: noon(30), tables: vec![("t", next.tables[0].1.clone())], ..next };
        for mill in [&mill, &alone] {
            bring(mill, &next).await;
        }
        let (one, other) = (mill.outcomes(&next.load_id, &["t"]).await, alone.outcomes(&next.load_id, &["t"]).await);
        assert_eq!(found(&one), found(&other), "seed {seed}");
    }
    assert!(learned > 20, "hardly anything was judged by its history: {learned}");
}

/// Somebody sees each question before it is answered.
struct Watched<F>(Arc<dyn Warehouse>, F);

#[async_trait]
impl<F: Fn(&str) + Send + Sync + 'static> Warehouse for Watched<F> {
    fn system(&self) -> &'static str {
        self.0.system()
    }
    async fn prepare(&self, tables: &[TableSpec]) -> Result<(), WarehouseError> {
        self.0.prepare(tables).await
    }
    async fn load(
        &self,
        slice: &Slice,
        rows: Box<dyn RowSource>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Result<LoadOutcome, WarehouseError> {
        self.0.load(slice, rows, gate).await
    }
    async fn transact(&self, statements: &[String], alone: Option<&str>) -> Result<u64, WarehouseError> {
        self.0.transact(statements, alone).await
    }
    async fn query(&self, sql: &str, max_rows: usize) -> Result<Rows, WarehouseError> {
        (self.1)(sql);
        self.0.query(sql, max_rows).await
    }
    async fn lend(&self) -> Result<Lent, WarehouseError> {
        self.0.lend().await
    }
    async fn reach(&self) -> Result<(), WarehouseError> {
        self.0.reach().await
    }
    async fn check(&self) -> Result<String, WarehouseError> {
        self.0.check().await
    }
    async fn close(&self) {
        self.0.close().await;
    }
}

fn days(count: usize) -> Vec<Vec<String>> {
    (0..count).map(|row| vec![format!("{}", 70 + row % 5)]).collect()
}

/// Thirty files of a month come at once, in any order, and in one of them half is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_among_files_that_come_at_once_is_found() {
    let checks = json!([{"kind": "change", "metric": "row_count", "name": "rows"}]);
    let mill = Mill::new([contract("t", &["x"], checks)]).await;
    for day in 0..30 {
        mill.load_rows("t", &format!("day {day}"), noon(day), days(if day == 20 { 50 } else { 100 })).await;
    }
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let count = move |sql: &str| {
        counted.fetch_add(usize::from(sql.contains("RAW_RUN")), Ordering::SeqCst);
    };
    let counted = Arc::new(Watched(mill.warehouse().clone(), count));
    let plan = Arc::new(compile(&mill.contracts).unwrap());
    let mut handler = DqHandler::new(Ledger::new(counted), plan, "test", 500);
    let work: Vec<Work> = (0..30).rev().map(|day| transformed(&format!("day {day}"), &["t"])).collect();
    let results = handler.handle(&work).await;
    for (day, result) in (0..30).rev().zip(results) {
        let message = &result.unwrap().announce[0].message;
        let outcome = &support::checks(message)[0];
        let expected = match day {
            20 => "50; usual is 100, from 90 to 110 (20 loads)".to_owned(),
            0..14 => format!("100; training, {day} of 14 loads"),
            _ => format!("100; usual is 100, from 90 to 110 ({day} loads)"),
        };
        assert_eq!(outcome.observed, expected, "day {day}");
        assert_eq!(matches!(message, Message::DqFailed(_)), day == 20, "day {day}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 30, "one question for each load");
}

/// Somebody takes a message back while another, behind it, is measured: no verdict of it stands, so it teaches nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_meanwhile_is_no_history() {
    let checks = json!([{"kind": "change", "metric": "row_count", "training_loads": 3}]);
    let mut mill = Mill::new([contract("t", &["x"], checks)]).await;
    for day in 0..4 {
        mill.load_rows("t", &format!("day {day}"), noon(day), days(10)).await;
    }
    let cancels = Cancels::default();
    let mut work: Vec<Work> = (0..4).map(|day| requested(&format!("day {day}"), &["t"])).collect();
    let taken_back = work[1].clone().heeding(&cancels);
    work[1] = taken_back.clone();
    let (load_id, command_id) = (taken_back.envelope.load_id().clone(), taken_back.envelope.id);
    let cancel = CancelRequested { load_id, command_id, reason: None };
    let hear = move |sql: &str| {
        if sql.contains("RAW_RUN") && sql.contains("'day 2'") {
            cancels.hear(&cancel, TraceContext::root());
        }
    };
    let hearing = Arc::new(Watched(mill.warehouse().clone(), hear));
    let plan = Arc::new(compile(&mill.contracts).unwrap());
    mill.handler = DqHandler::new(Ledger::new(hearing), plan, "test", 500);
    let results = mill.handler.handle(&work).await;
    assert_eq!(results[1].as_ref().unwrap_err().class, FailureClass::Cancelled);
    let observed = |at: usize| support::checks(&results[at].as_ref().unwrap().announce[0].message)[0].observed.clone();
    assert_eq!((observed(2), observed(3)), ("10; training, 1 of 3 loads".into(), "10; training, 2 of 3 loads".into()));
    assert_eq!(mill.ask("SELECT LOAD_ID FROM RAW.DATA_QUALITY_AUDIT ORDER BY 1").await, ["day 0", "day 2", "day 3"]);
}
