//! Production orders, and the batches that make them.

use chrono::{NaiveDateTime, TimeDelta};

use super::batch::Batch;
use super::faults::Faults;
use super::line::Line;
use super::material::{self, Material};
use super::plant::{AS_OF, Lines, PLANNED};
use super::prng::Prng;

/// The columns of `production_orders.csv`.
pub(super) const HEADER: &str = "production_order_id,material_id,plant,line,planned_quantity,actual_quantity,planned_start,planned_end,actual_start,actual_end,order_status,priority";

const KIND: u64 = 2;
const PAIR: u64 = 3;
const BACK: u64 = 5;

/// How large a sample is: so many of each.
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) materials: u64,
    pub(super) orders: u64,
    /// Orders that have begun; the others lie ahead.
    started: u64,
    /// Batches, without those that are delivered a second time.
    batches: u64,
    /// Those that are.
    corrections: u64,
    pub(super) lines: Lines,
}

/// A production order with its batches.
pub(super) struct Order {
    pub(super) index: u64,
    pub(super) material: Material,
    pub(super) plant: &'static str,
    pub(super) line: u64,
    pub(super) batches: Vec<Batch>,
    planned_start: NaiveDateTime,
    planned_quantity: i64,
    status: &'static str,
    priority: &'static str,
}

impl Plan {
    /// The plan of a sample whose largest file has `rows` rows, `corrections` of them batches that come a second time:
    /// 100 materials and 250 orders for every 1,000.
    pub(super) fn new(seed: u64, rows: u64, corrections: u64) -> Self {
        let orders = (rows / 4).max(1);
        let started = orders - orders / 25;
        Self {
            seed,
            materials: (rows / 10).max(20),
            orders,
            started,
            batches: rows - corrections,
            corrections,
            lines: Lines::for_orders(started),
        }
    }

    /// The number of an order's first batch, counted over all orders.
    pub(super) fn first_batch(&self, order: u64) -> u64 {
        let even = |order: u64| order.min(self.started) * self.batches / self.started;
        // Of two neighbours one gives a batch to the other, sometimes.
        let given = match order % 2 {
            1 if order < self.started => Prng::of(self.seed, PAIR, order / 2).between(-1, 1),
            _ => 0,
        };
        even(order).saturating_add_signed(given)
    }

    /// The order of which a batch is corrected after the order `index`: one some days back. Corrections are spread
    /// evenly over all orders.
    pub(super) fn corrected_after(&self, index: u64) -> Option<u64> {
        let due = |orders: u64| orders.min(self.started) * self.corrections / self.started;
        let back = 1 + Prng::of(self.seed, BACK, index).below(12);
        (due(index + 1) > due(index)).then(|| index.saturating_sub(back))
    }

    /// The order of that number, from 0.
    pub(super) fn order(&self, index: u64) -> Order {
        let mut chance = Prng::of(self.seed, KIND, index);
        let material = Material::made(self.seed, &mut chance, self.materials);
        let planned_start = self.lines.start(index);
        let running = self.lines.is_running(index) && index < self.started;
        let late = if chance.once_in(12) { chance.between(30, 240) } else { 0 };
        let first = planned_start + TimeDelta::seconds((chance.normal() * 900.0) as i64) + TimeDelta::minutes(late);
        let range = self.first_batch(index)..self.first_batch(index + 1);
        let batches = Batch::row(self.seed, range, first, &material, running);
        let planned = batches.len().max(3) as i64 * material.batch_quantity;
        Order {
            index,
            plant: self.lines.plant(index),
            line: self.lines.line(index),
            planned_start,
            // Plans are round.
            planned_quantity: planned / 10_000 * 10_000,
            status: match (batches.is_empty(), running) {
                (false, true) => "IN_PROGRESS",
                (false, false) => "COMPLETED",
                _ => chance.pick(&["PLANNED", "PLANNED", "PLANNED", "RELEASED", "RELEASED", "CANCELLED"]),
            },
            priority: chance.pick(&["LOW", "NORMAL", "NORMAL", "NORMAL", "NORMAL", "HIGH", "HIGH", "URGENT"]),
            material,
            batches,
        }
    }
}

impl Order {
    /// Its line in the file.
    pub(super) fn write(&self, plan: &Plan, faults: &Faults, line: &mut Line) {
        let (at, digits) = (self.index, self.material.digits());
        line.plain(id(at));
        if faults.at(at, 180) {
            line.plain(material::id(plan.materials + at))
        } else {
            line.plain(self.material.id())
        };
        line.plain(self.plant).plain(format_args!("L{:02}", self.line));
        line.decimal(self.planned_quantity, digits);
        match self.batches.is_empty() {
            true => line.blank(),
            false => line.decimal(self.batches.iter().map(|batch| batch.produced).sum(), digits),
        };
        line.time(Some(self.planned_start));
        line.time((!faults.at(at, 240)).then_some(self.planned_start + PLANNED));
        line.time(self.batches.first().map(|batch| batch.start));
        line.time(self.batches.last().and_then(|batch| batch.end).filter(|end| *end < AS_OF));
        if faults.at(at, 150) {
            line.plain(self.status.to_lowercase())
        } else {
            line.plain(self.status)
        };
        if faults.at(at, 130) {
            line.plain(self.priority.to_lowercase())
        } else {
            line.plain(self.priority)
        };
    }
}

/// The id of the order of that number.
pub(super) fn id(index: u64) -> String {
    format!("PO-{:07}", index + 1)
}
