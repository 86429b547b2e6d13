//! What the audit knows of deliveries: which rows a check judges.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use messages::LoadId;
use warehouse::sql::{ident, literal};
use warehouse::{Ledger, Mode, TableSpec, WarehouseError};

use crate::words::moment;

/// Deliveries of some loads, and the newest one of every table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Deliveries {
    /// By table and load: its newest complete generation.
    own: HashMap<(String, String), Delivery>,
    /// By table: how new its current load is.
    newest: HashMap<String, DateTime<Utc>>,
}

/// A complete generation of a load's slice.
#[derive(Clone, Debug, PartialEq)]
struct Delivery {
    command_id: String,
    as_of: DateTime<Utc>,
}

/// What is judged: a table, for a load, at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    deliveries: &'a Deliveries,
    table: &'a TableSpec,
    load_id: &'a LoadId,
    now: DateTime<Utc>,
}

impl Deliveries {
    /// Reads what the audit knows of these loads.
    pub(crate) async fn read(
        ledger: &Ledger,
        loads: impl IntoIterator<Item = &LoadId>,
    ) -> Result<Self, WarehouseError> {
        let loads: BTreeSet<String> = loads.into_iter().map(|load| literal(load.as_str())).collect();
        let loads = loads.into_iter().collect::<Vec<_>>().join(", ");
        // One question: each costs a round trip where the warehouse is far away.
        let sql = format!(
            "SELECT 'own' AS WHAT, TABLE_NAME, LOAD_ID, COMMAND_ID, CAST(AS_OF AS VARCHAR) AS AS_OF \
            FROM RAW.COMPLETE_LOADS WHERE LOAD_ID IN ({loads}) UNION ALL \
            SELECT 'newest' AS WHAT, TABLE_NAME, LOAD_ID, COMMAND_ID, CAST(AS_OF AS VARCHAR) AS AS_OF \
            FROM RAW.CURRENT_LOADS"
        );
        let mut known = Self::default();
        for row in ledger.warehouse().query(&sql, usize::MAX).await?.rows {
            let [Some(what), Some(table), Some(load_id), Some(command_id), Some(as_of)] = row.as_slice() else {
                return Err(unreadable(&format!("{row:?}")));
            };
            let as_of = moment(as_of).ok_or_else(|| unreadable(as_of))?;
            if what == "own" {
                let delivery = Delivery { command_id: command_id.clone(), as_of };
                known.own.insert((table.clone(), load_id.clone()), delivery);
            } else {
                known.newest.insert(table.clone(), as_of);
            }
        }
        Ok(known)
    }

    /// A table as it is judged for a load.
    pub(crate) fn subject<'a>(&'a self, table: &'a TableSpec, load_id: &'a LoadId, now: DateTime<Utc>) -> Subject<'a> {
        Subject { deliveries: self, table, load_id, now }
    }

    fn own(&self, table: &TableSpec, load_id: &LoadId) -> Option<&Delivery> {
        self.own.get(&(table.table.clone(), load_id.as_str().to_owned()))
    }
}

impl Subject<'_> {
    /// The rows that are judged, to stand behind FROM: the load's own slice, or what `RAW` shows if it brought none.
    pub(crate) fn rows(&self) -> String {
        match self.deliveries.own(self.table, self.load_id) {
            Some(delivery) => slice(self.table, self.load_id, delivery),
            None => view(self.table),
        }
    }

    /// The rows of another table that belong to them; `None` if it has never been delivered.
    pub(crate) fn rows_of(&self, table: &TableSpec) -> Option<String> {
        match self.deliveries.own(table, self.load_id) {
            Some(delivery) if table.mode == Mode::Snapshot => Some(slice(table, self.load_id, delivery)),
            _ => self.deliveries.newest.contains_key(&table.table).then(|| view(table)),
        }
    }

    /// How new the rows are that are judged; `None` if the table has never been delivered.
    pub(crate) fn as_of(&self) -> Option<DateTime<Utc>> {
        let own = self.deliveries.own(self.table, self.load_id);
        own.map(|delivery| delivery.as_of).or_else(|| self.newest())
    }

    /// How new the newest delivery of the table is.
    pub(crate) fn newest(&self) -> Option<DateTime<Utc>> {
        self.deliveries.newest.get(&self.table.table).copied()
    }

    /// The time of judging.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.now
    }
}

fn view(table: &TableSpec) -> String {
    format!("RAW.{}", ident(&table.table))
}

fn slice(table: &TableSpec, load_id: &LoadId, delivery: &Delivery) -> String {
    format!(
        "(SELECT * FROM RAW_RUN.{} WHERE LOAD_ID = {} AND COMMAND_ID = {})",
        ident(&format!("{}_RUN", table.table)),
        literal(load_id.as_str()),
        literal(&delivery.command_id)
    )
}

fn unreadable(what: &str) -> WarehouseError {
    WarehouseError::Statement(format!("the audit's list of complete loads can't be read: {what}"))
}

#[cfg(test)]
impl Deliveries {
    /// Deliveries for tests: (table, load, command, how new).
    pub(crate) fn of(all: &[(&str, &str, &str, &str)]) -> Self {
        let mut known = Self::default();
        for (table, load_id, command_id, as_of) in all {
            let as_of = moment(as_of).unwrap();
            let delivery = Delivery { command_id: (*command_id).into(), as_of };
            known.own.insert(((*table).into(), (*load_id).into()), delivery);
            let newest = known.newest.entry((*table).into()).or_insert(as_of);
            *newest = as_of.max(*newest);
        }
        known
    }
}
