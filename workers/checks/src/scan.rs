//! Measuring: as few statements as can be, and none twice.

use std::collections::HashMap;
use std::sync::Arc;

use messages::FailureClass;
use warehouse::{Ledger, Warehouse, WarehouseError};

use crate::check::Measure;

/// Measures, and remembers what was measured: loads that are judged together share what is the same.
pub struct Scans<'a> {
    ledger: &'a Ledger,
    /// By statement: its values, or why it failed.
    done: HashMap<String, Result<Vec<Option<String>>, String>>,
}

/// A statement that measures, and where each measure's value stands in its row.
pub(crate) struct Scan {
    pub(crate) sql: String,
    places: HashMap<Measure, usize>,
}

impl Scan {
    /// One statement for all of these. Measures with the same `from` share a scan, the same measure is taken once.
    pub(crate) fn of(measures: &[Measure]) -> Self {
        let mut scans: Vec<(&str, Vec<String>)> = Vec::new();
        let mut seen: HashMap<&Measure, (usize, usize)> = HashMap::new();
        for measure in measures {
            let scan = scans.iter().position(|(from, _)| *from == measure.from).unwrap_or_else(|| {
                scans.push((&measure.from, Vec::new()));
                scans.len() - 1
            });
            seen.entry(measure).or_insert_with(|| {
                let values = &mut scans[scan].1;
                values.push(format!("{} AS M{scan}_{}", measure.value, values.len()));
                (scan, values.len() - 1)
            });
        }
        // Each gives one row, so their product is one row too.
        let parts = scans
            .iter()
            .enumerate()
            .map(|(at, (from, values))| format!("(SELECT {} FROM {from}) S{at}", values.join(", ")));
        let sql = format!("SELECT * FROM {}", parts.collect::<Vec<_>>().join(" CROSS JOIN "));
        let before = |scan: usize| scans[..scan].iter().map(|(_, values)| values.len()).sum::<usize>();
        let places = seen.into_iter().map(|(measure, (scan, at))| (measure.clone(), before(scan) + at)).collect();
        Self { sql, places }
    }

    /// Whether there is nothing to measure.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The value of `measure` in the row that the statement gave.
    pub(crate) fn value<'v>(&self, measure: &Measure, row: &'v [Option<String>]) -> Option<&'v str> {
        row.get(*self.places.get(measure)?)?.as_deref()
    }
}

impl<'a> Scans<'a> {
    /// Nothing measured yet.
    pub fn new(ledger: &'a Ledger) -> Self {
        Self { ledger, done: HashMap::new() }
    }

    /// The row that the scan gives, or the warehouse's word on why its SQL failed.
    ///
    /// # Errors
    /// The warehouse can't be used now, or not at all: that says nothing about the check.
    pub(crate) async fn run(&mut self, scan: &Scan) -> Result<Result<Vec<Option<String>>, String>, WarehouseError> {
        if let Some(done) = self.done.get(&scan.sql) {
            return Ok(done.clone());
        }
        let result = match self.ledger.warehouse().query(&scan.sql, 2).await {
            Ok(rows) => match <[Vec<Option<String>>; 1]>::try_from(rows.rows) {
                Ok([row]) => Ok(row),
                Err(rows) => Err(format!("the warehouse gave {} rows instead of one", rows.len())),
            },
            Err(error) if error.class() == FailureClass::Permanent => Err(error.to_string()),
            Err(error) => return Err(error),
        };
        self.done.insert(scan.sql.clone(), result.clone());
        Ok(result)
    }

    /// The warehouse that is asked.
    pub(crate) fn warehouse(&self) -> &Arc<dyn Warehouse> {
        self.ledger.warehouse()
    }

    /// Statements that were run.
    pub fn count(&self) -> usize {
        self.done.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(value: &str, from: &str) -> Measure {
        Measure { value: value.into(), from: from.into() }
    }

    #[test]
    fn what_is_the_same_is_measured_once() {
        let measures = [
            measure("COUNT(*)", "T R"),
            measure("MAX(A)", "U D"),
            measure("COUNT(B)", "T R"),
            measure("COUNT(*)", "T R"),
        ];
        let scan = Scan::of(&measures);
        assert_eq!(
            scan.sql,
            "SELECT * FROM (SELECT COUNT(*) AS M0_0, COUNT(B) AS M0_1 FROM T R) S0 \
            CROSS JOIN (SELECT MAX(A) AS M1_0 FROM U D) S1"
        );
        let row = [Some("3".to_owned()), Some("2".to_owned()), None];
        let values: Vec<_> = measures.iter().map(|measure| scan.value(measure, &row)).collect();
        assert_eq!(values, [Some("3"), None, Some("2"), Some("3")]);
    }
}
