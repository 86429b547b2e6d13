//! Materials: what the plants buy, make and pack with.

use chrono::{NaiveDateTime, TimeDelta};

use super::faults::Faults;
use super::line::Line;
use super::plant::AS_OF;
use super::prng::Prng;

/// The columns of `materials.csv`.
pub(super) const HEADER: &str = "material_id,material_name,material_type,unit_of_measure,standard_cost,currency,supplier_id,lead_time_days,created_at";

const KIND: u64 = 1;

/// A material. It is drawn from its number whenever it is needed, so that a large master takes no memory.
pub(super) struct Material {
    index: u64,
    kind: Kind,
    unit: &'static str,
    name: String,
    /// Cost of one unit, in thousandths.
    cost: i64,
    /// A usual batch, in thousandths of the unit.
    pub(super) batch_quantity: i64,
    /// Mean process temperature, degrees Celsius.
    pub(super) temperature: f64,
    /// Mean process pressure, bar.
    pub(super) pressure: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Raw,
    SemiFinished,
    Finished,
    Packaging,
}

const THINGS: [(Kind, &[&str], &[&str]); 4] = [
    (
        Kind::Raw,
        &[
            "Granulate PP",
            "Granulate PA6",
            "Sheet steel 1,5 mm",
            "Aluminium rod",
            "Copper wire",
            "Masterbatch",
            "Lösungsmittel",
            "Resin",
            "Glass fibre",
        ],
        &["KG", "KG", "M", "L"],
    ),
    (
        Kind::SemiFinished,
        &["Housing", "Gehäuse-Unterteil", "Rotor", "Gear wheel", "Compound", "Ventilkörper", "Winding", "Front plate"],
        &["PC", "PC", "KG"],
    ),
    (
        Kind::Finished,
        &["Pump", "Valve", "Servo motor", "Getriebe", "Filter unit", "Fan", "Sensor, wired", "Heizelement"],
        &["PC"],
    ),
    (Kind::Packaging, &["Carton", "Pallet", "Label \"fragile\"", "Stretch film", "Etikett, klein"], &["PC", "PC", "M"]),
];
const VARIANTS: [&str; 8] = ["black", "grey", "blau", "A2", "B1", "40x60", "M8", "roh"];

impl Material {
    /// The material of that number, from 0.
    pub(super) fn of(seed: u64, index: u64) -> Self {
        let mut chance = Prng::of(seed, KIND, index);
        // The kinds stand at fixed places of every twenty, so that an order finds one that is made.
        let (kind, things, units) = THINGS[match index % 20 {
            0..8 => 0,
            8..13 => 1,
            13..18 => 2,
            _ => 3,
        }];
        let unit = chance.pick(units);
        let name = format!("{} {} {:02}", chance.pick(things), chance.pick(&VARIANTS), chance.between(1, 99));
        let (cost, batch_quantity) = match unit {
            "PC" if kind == Kind::Finished => (chance.between(15_000, 900_000), chance.between(50, 600) * 1000),
            "PC" => (chance.between(80, 25_000), chance.between(200, 6_000) * 1000),
            _ => (chance.between(400, 30_000), chance.between(250_000, 4_000_000)),
        };
        let temperature = chance.between(40, 260) as f64;
        let pressure = chance.between(2, 12) as f64;
        Self { index, kind, unit, name, cost, batch_quantity, temperature, pressure }
    }

    /// The material that an order asks for: one that is made, semi-finished or finished.
    pub(super) fn made(seed: u64, chance: &mut Prng, count: u64) -> Self {
        let block = chance.below(count.div_ceil(20)) * 20;
        // A master that ends within its last twenty has its made ones further up.
        let index = block + 8 + chance.below(10);
        Self::of(seed, if index < count { index } else { index % count.clamp(1, 20) })
    }

    /// Its id.
    pub(super) fn id(&self) -> String {
        id(self.index)
    }

    /// Digits behind the point of its quantities.
    pub(super) fn digits(&self) -> usize {
        if self.unit == "PC" { 0 } else { 3 }
    }

    /// Its line in the file.
    pub(super) fn write(&self, seed: u64, faults: &Faults, line: &mut Line) {
        let mut chance = Prng::of(seed, KIND + 100, self.index);
        let bought = matches!(self.kind, Kind::Raw | Kind::Packaging);
        let at = self.index;
        line.plain(self.id()).text(&self.name);
        let kind = self.kind.as_str();
        if faults.at(at, 90) {
            line.plain(kind.to_lowercase())
        } else {
            line.plain(kind)
        };
        if faults.at(at, 130) {
            line.blank()
        } else {
            line.plain(self.unit)
        };
        if faults.at(at, 75) {
            line.blank()
        } else {
            line.decimal(self.cost, 3)
        };
        line.plain(chance.pick(&["EUR", "EUR", "EUR", "EUR", "CZK", "PLN", "USD"]));
        let supplier = chance.between(1, 240);
        if bought {
            line.plain(format_args!("SUP-{supplier:04}"))
        } else {
            line.blank()
        };
        let days = if bought { chance.between(3, 90) } else { chance.between(1, 10) };
        line.plain(if faults.at(at, 160) { -1 } else { days });
        line.time(Some(created(&mut chance)));
    }
}

/// The id of the material of that number.
pub(super) fn id(index: u64) -> String {
    format!("MAT-{:06}", index + 1)
}

fn created(chance: &mut Prng) -> NaiveDateTime {
    AS_OF - TimeDelta::seconds(chance.between(400 * 86_400, 4_000 * 86_400))
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "RAW",
            Self::SemiFinished => "SEMI_FINISHED",
            Self::Finished => "FINISHED",
            Self::Packaging => "PACKAGING",
        }
    }
}
