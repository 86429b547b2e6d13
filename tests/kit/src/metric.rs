//! A measured value as a receiver got it.

use std::collections::BTreeMap;

/// The latest data point of one time series of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// As the exporter wrote it: `millrace.load.duration`.
    pub name: String,
    /// As the exporter wrote it, empty where it gave none: `s`, `By`, `{row}`.
    pub unit: String,
    /// What it is to people.
    pub description: String,
    /// `service.name` of the process that exported it, empty where it names none.
    pub service: String,
    /// What the process says of itself.
    pub resource: BTreeMap<String, String>,
    /// The instrumentation scope.
    pub scope: String,
    /// Its own attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// What was measured.
    pub value: Measured,
}

/// What was measured, by its kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// Of a counter, since its process began or, where its exporter sends differences, since the export before.
    Sum(f64),
    /// What is now.
    Gauge(f64),
    /// Of a histogram, whatever its buckets.
    #[allow(missing_docs)]
    Histogram { count: u64, sum: f64 },
}

impl Metric {
    /// An attribute; empty where it has none of that name.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// The value of a sum or gauge, the sum of a histogram.
    pub fn number(&self) -> f64 {
        match self.value {
            Measured::Sum(value) | Measured::Gauge(value) | Measured::Histogram { sum: value, .. } => value,
        }
    }
}
