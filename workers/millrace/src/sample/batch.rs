//! Batches: what the lines made of the orders.

use std::ops::Range;

use chrono::{NaiveDateTime, TimeDelta};

use super::faults::{Faults, REMARKS};
use super::line::Line;
use super::material::{self, Material};
use super::order::{self, Order, Plan};
use super::plant::{AS_OF, shift};
use super::prng::Prng;

/// The columns of `batches.csv`.
pub(super) const HEADER: &str = "batch_id,production_order_id,material_id,plant,line,shift,quantity_produced,quantity_rejected,start_time,end_time,status,operator_id,temperature_c_avg,pressure_bar_avg,remarks";

const KIND: u64 = 4;

/// A batch. Quantities are thousandths of the material's unit.
pub(super) struct Batch {
    index: u64,
    pub(super) produced: i64,
    rejected: i64,
    pub(super) start: NaiveDateTime,
    /// `None` while it runs.
    pub(super) end: Option<NaiveDateTime>,
    operator: i64,
    /// Thousandths of a degree Celsius.
    temperature: i64,
    /// Thousandths of a bar.
    pressure: i64,
    scrap: f64,
    remark: Option<&'static str>,
}

impl Batch {
    /// The batches of one order, one after the other from `first` on. Those of an order that is `running` begin such that
    /// the last one is under way at the moment of the export.
    pub(super) fn row(
        seed: u64,
        numbers: Range<u64>,
        first: NaiveDateTime,
        material: &Material,
        running: bool,
    ) -> Vec<Self> {
        let usual_secs = 24.5 * 3600.0 / (numbers.end - numbers.start).max(1) as f64;
        let mut start = first;
        let mut batches = Vec::with_capacity(6);
        for index in numbers {
            let mut chance = Prng::of(seed, KIND, index);
            let slow = if chance.once_in(40) { 1.35 } else { 1.0 };
            let length = TimeDelta::seconds((usual_secs * slow * (1.0 + 0.06 * chance.normal())) as i64);
            batches.push(Self::drawn(&mut chance, index, start, start + length, material));
            start += length + TimeDelta::seconds(chance.between(600, 1500));
        }
        if let (true, Some(last)) = (running, batches.last_mut()) {
            let done = Prng::of(seed, KIND + 100, last.index).between(10, 90) as i32;
            let length = last.end.map_or(TimeDelta::zero(), |end| end - last.start);
            let shift = AS_OF - length * done / 100 - last.start;
            last.produced = last.produced * i64::from(done) / 100;
            last.rejected = last.rejected * i64::from(done) / 100;
            last.end = None;
            for batch in &mut batches {
                batch.start += shift;
                batch.end = batch.end.map(|end| end + shift);
            }
        }
        batches
    }

    /// Scrap grows with the square of how far the process was off its temperature.
    fn drawn(chance: &mut Prng, index: u64, start: NaiveDateTime, end: NaiveDateTime, material: &Material) -> Self {
        let off = chance.normal();
        let scrap = 0.006 + 0.006 * chance.unit() + 0.009 * off * off;
        // Pieces come whole.
        let grain = if material.digits() == 0 { 1000 } else { 1 };
        let produced = (material.batch_quantity as f64 * (1.0 + 0.04 * chance.normal())) as i64 / grain * grain;
        let rejected = (produced as f64 * scrap) as i64 / grain * grain;
        let temperature = material.temperature * (1.0 + 0.02 * off);
        let pressure = material.pressure * (1.0 + 0.005 * off + 0.01 * chance.normal());
        Self {
            index,
            produced,
            rejected,
            start,
            end: Some(end),
            operator: chance.between(1, 180),
            temperature: (temperature * 1000.0) as i64,
            pressure: (pressure * 1000.0) as i64,
            scrap,
            remark: chance.once_in(12).then(|| chance.pick(&REMARKS)),
        }
    }

    fn status(&self) -> &'static str {
        match self.scrap {
            _ if self.end.is_none() => "IN_PROCESS",
            ..0.05 => "RELEASED",
            ..0.075 => "QUARANTINED",
            _ => "REJECTED",
        }
    }

    /// Its line in the file, with the faults that its number has.
    pub(super) fn write(&self, order: &Order, plan: &Plan, faults: &Faults, line: &mut Line) {
        let (at, digits) = (self.index, order.material.digits());
        line.plain(id(at));
        if faults.at(at, 600) {
            line.plain(order::id(plan.orders + at))
        } else {
            line.plain(order::id(order.index))
        };
        if faults.at(at, 400) {
            line.plain(material::id(plan.materials + at))
        } else {
            line.plain(order.material.id())
        };
        if faults.at(at, 450) {
            line.plain(format_args!(" {} ", order.plant))
        } else {
            line.plain(order.plant)
        };
        line.plain(format_args!("L{:02}", order.line));
        let shift = shift(self.start);
        if faults.at(at, 300) {
            line.plain(shift.to_lowercase())
        } else {
            line.plain(shift)
        };
        line.decimal(self.produced, digits);
        // A decimal point in the wrong place.
        line.decimal(if faults.at(at, 900) { self.rejected * 1000 } else { self.rejected }, digits);
        line.time(Some(self.start)).time(self.end.filter(|_| !faults.at(at, 330)));
        let status = self.status();
        if faults.at(at, 250) {
            line.plain(status.to_lowercase())
        } else {
            line.plain(status)
        };
        if faults.at(at, 90) {
            line.blank()
        } else {
            line.plain(format_args!("OP-{:04}", self.operator))
        };
        match () {
            () if faults.at(at, 700) => line.plain("n/a"),
            () if faults.at(at, 120) => line.blank(),
            () => line.decimal(self.temperature, 2),
        };
        line.decimal(self.pressure, 3);
        match self.remark {
            Some(remark) => line.text(remark),
            None => line.blank(),
        };
    }

    /// The line that corrects it: the same batch again, counted anew.
    pub(super) fn write_correction(&self, order: &Order, line: &mut Line) {
        let digits = order.material.digits();
        line.plain(id(self.index)).plain(order::id(order.index)).plain(order.material.id());
        line.plain(order.plant).plain(format_args!("L{:02}", order.line)).plain(shift(self.start));
        line.decimal(self.produced, digits).decimal(self.rejected + self.rejected / 4 / 1000 * 1000, digits);
        line.time(Some(self.start)).time(self.end).plain(self.status());
        line.plain(format_args!("OP-{:04}", self.operator));
        line.decimal(self.temperature, 2).decimal(self.pressure, 3).text("corrected, Ausschuss nachgezählt");
    }
}

fn id(index: u64) -> String {
    format!("B-{:08}", index + 1)
}
