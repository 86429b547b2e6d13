//! Plants, their lines, and the time that a sample spans.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

/// The moment of the export. Fixed, so that the same seed gives the same bytes on any day.
pub(super) const AS_OF: NaiveDateTime = {
    // Both are valid, which the compiler proves by evaluating this.
    match (NaiveDate::from_ymd_opt(2026, 11, 22), NaiveTime::from_hms_opt(6, 0, 0)) {
        (Some(day), Some(time)) => NaiveDateTime::new(day, time),
        _ => panic!("no such time"),
    }
};

/// From the planned start of an order to that of the next one on its line.
pub(super) const SLOT: TimeDelta = TimeDelta::hours(30);

/// How long an order is planned to take.
pub(super) const PLANNED: TimeDelta = TimeDelta::hours(27);

const PLANTS: [&str; 12] =
    ["DE01", "AT01", "CZ01", "PL01", "DE02", "HU01", "IT01", "US01", "MX01", "IN01", "BR01", "CN01"];

/// The lines of all plants, each with its row of orders.
pub(super) struct Lines {
    lines: u64,
    plants: u64,
    slots: u64,
}

impl Lines {
    /// Lines enough that `orders` orders span weeks or years, and not centuries.
    pub(super) fn for_orders(orders: u64) -> Self {
        let lines = (orders / 40).clamp(12, 480);
        Self { lines, plants: (lines / 4).clamp(3, PLANTS.len() as u64), slots: orders.div_ceil(lines) }
    }

    /// The plant that makes an order.
    pub(super) fn plant(&self, order: u64) -> &'static str {
        PLANTS[(order % self.lines % self.plants) as usize]
    }

    /// The line that makes it, counted within its plant from 1.
    pub(super) fn line(&self, order: u64) -> u64 {
        order % self.lines / self.plants + 1
    }

    /// When it should start. The orders beyond the last slot lie in the future.
    pub(super) fn start(&self, order: u64) -> NaiveDateTime {
        let slots_ago = self.slots as i32 - (order / self.lines) as i32;
        // Lines do not all start at the same minute.
        AS_OF - SLOT * slots_ago + TimeDelta::minutes((order % self.lines * 17 % 120) as i64)
    }

    /// Whether it is the one that its line works on at the moment of the export.
    pub(super) fn is_running(&self, order: u64) -> bool {
        order / self.lines + 1 == self.slots
    }
}

/// The shift that works at that time.
pub(super) fn shift(at: NaiveDateTime) -> &'static str {
    match at.hour() {
        6..14 => "EARLY",
        14..22 => "LATE",
        _ => "NIGHT",
    }
}
