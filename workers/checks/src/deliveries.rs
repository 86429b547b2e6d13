//! What the audit knows of deliveries: which rows a check judges.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use messages::LoadId;
use warehouse::sql::{ident, literal};
use warehouse::{Ledger, Mode, TableSpec, WarehouseError};

use crate::check::Measure;
use crate::history::Point;
use crate::together::Together;
use crate::words::moment;

/// Deliveries of some loads, and the newest one of every table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deliveries {
    /// By table and load: its newest complete generation.
    own: HashMap<(String, String), Delivery>,
    /// By table: its current load.
    newest: HashMap<String, Current>,
}

/// A complete generation of a load's slice.
#[derive(Clone, Debug, PartialEq)]
struct Delivery {
    command_id: String,
    as_of: DateTime<Utc>,
    /// What stands for the LOAD_ID where many are told at once; the warehouse makes it, see [`mark`].
    mark: String,
}

/// A table's current load.
#[derive(Clone, Debug, PartialEq)]
struct Current {
    load_id: String,
    as_of: DateTime<Utc>,
}

/// What is judged: a table, for a load, at a time.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    table: &'a TableSpec,
    rows: Place<'a>,
    now: DateTime<Utc>,
}

/// Where the rows are that are judged.
#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    /// Those of a load, as the audit knows it.
    Audit { deliveries: &'a Deliveries, load_id: &'a LoadId, together: Option<&'a Together> },
    /// Those that stand and are not current yet, as the warehouse hands them in.
    Standing(&'a str),
}

impl Deliveries {
    /// Reads what the audit knows of these loads.
    pub async fn read(ledger: &Ledger, loads: impl IntoIterator<Item = &LoadId>) -> Result<Self, WarehouseError> {
        let loads: BTreeSet<String> = loads.into_iter().map(|load| literal(load.as_str())).collect();
        let loads = loads.into_iter().collect::<Vec<_>>().join(", ");
        // One question: each costs a round trip where the warehouse is far away.
        let sql = format!(
            "SELECT 'own' AS WHAT, TABLE_NAME, LOAD_ID, COMMAND_ID, CAST(AS_OF AS VARCHAR) AS AS_OF, \
            {} AS MARK FROM RAW.COMPLETE_LOADS WHERE LOAD_ID IN ({loads}) UNION ALL \
            SELECT 'newest' AS WHAT, TABLE_NAME, LOAD_ID, COMMAND_ID, CAST(AS_OF AS VARCHAR) AS AS_OF, '-' AS MARK \
            FROM RAW.CURRENT_LOADS",
            mark("LOAD_ID")
        );
        let mut known = Self::default();
        for row in ledger.warehouse().query(&sql, usize::MAX).await?.rows {
            let [Some(what), Some(table), Some(load_id), Some(command_id), Some(as_of), Some(mark)] = row.as_slice()
            else {
                return Err(unreadable(&format!("{row:?}")));
            };
            let as_of = moment(as_of).ok_or_else(|| unreadable(as_of))?;
            if what == "own" {
                let delivery = Delivery { command_id: command_id.clone(), as_of, mark: mark.clone() };
                known.own.insert((table.clone(), load_id.clone()), delivery);
            } else {
                known.newest.insert(table.clone(), Current { load_id: load_id.clone(), as_of });
            }
        }
        Ok(known)
    }

    /// A table as it is judged for a load.
    pub fn subject<'a>(&'a self, table: &'a TableSpec, load_id: &'a LoadId, now: DateTime<Utc>) -> Subject<'a> {
        Subject { table, rows: Place::Audit { deliveries: self, load_id, together: None }, now }
    }

    fn own(&self, table: &TableSpec, load_id: &LoadId) -> Option<&Delivery> {
        self.own.get(&(table.table.clone(), load_id.as_str().to_owned()))
    }
}

impl<'a> Subject<'a> {
    /// A table as it is judged before its `rows` (to stand behind FROM) become current.
    pub(crate) fn standing(table: &'a TableSpec, rows: &'a str, now: DateTime<Utc>) -> Self {
        Self { table, rows: Place::Standing(rows), now }
    }

    /// The same, and what was measured of the loads that are judged with it counts as if it stood in the audit.
    #[must_use]
    pub fn beside(self, together: &'a Together) -> Self {
        match self.rows {
            Place::Audit { deliveries, load_id, .. } => {
                Self { rows: Place::Audit { deliveries, load_id, together: Some(together) }, ..self }
            }
            Place::Standing(_) => self,
        }
    }

    /// The mark and the time of the load that is judged; `None` if it brought nothing of the table, or if that is not current yet.
    pub(crate) fn delivered(&self) -> Option<(&'a str, DateTime<Utc>)> {
        let Place::Audit { deliveries, load_id, .. } = self.rows else { return None };
        deliveries.own(self.table, load_id).map(|delivery| (delivery.mark.as_str(), delivery.as_of))
    }

    /// What `check` measured of the other loads that are judged together with this one, by mark: those whose data is older.
    pub(crate) fn measured_together(&self, check: &str) -> impl Iterator<Item = (&'a str, Point)> {
        let together = match self.rows {
            Place::Audit { together, .. } => together,
            Place::Standing(_) => None,
        };
        // Its own is as new as itself.
        let as_of = self.as_of();
        let points = together.into_iter().flat_map(|together| together.points(&self.table.table, check));
        points.filter(move |(_, point)| as_of.is_none_or(|as_of| point.at < as_of))
    }

    /// The rows that are judged, to stand behind FROM: the load's own slice, or what `RAW` shows if it brought none.
    pub(crate) fn rows(&self) -> String {
        match self.rows {
            Place::Standing(rows) => rows.into(),
            Place::Audit { deliveries, load_id, .. } => match deliveries.own(self.table, load_id) {
                Some(delivery) => slice(self.table, load_id, delivery),
                None => view(self.table),
            },
        }
    }

    /// The rows of another table that belong to them; `None` if it has never been delivered. Rows that are not current yet
    /// belong to what `RAW` shows, and among themselves.
    pub(crate) fn rows_of(&self, table: &TableSpec) -> Option<String> {
        match self.rows {
            Place::Standing(_) if table.table != self.table.table => Some(view(table)),
            Place::Standing(rows) if table.mode == Mode::Snapshot => Some(rows.into()),
            Place::Standing(rows) => Some(both(table, rows)),
            Place::Audit { deliveries, load_id, .. } => match deliveries.own(table, load_id) {
                Some(delivery) if table.mode == Mode::Snapshot => Some(slice(table, load_id, delivery)),
                _ => deliveries.newest.contains_key(&table.table).then(|| view(table)),
            },
        }
    }

    /// What must be counted to know whether the table has ever been delivered, where the audit was not asked before.
    pub(crate) fn deliveries_of(&self, table: &TableSpec) -> Option<Measure> {
        let asked = matches!(self.rows, Place::Standing(_)) && table.table != self.table.table;
        let from = format!("RAW.CURRENT_LOADS C WHERE C.TABLE_NAME = {}", literal(&table.table));
        asked.then(|| Measure { value: "COUNT(*)".into(), from })
    }

    /// How new the rows are that are judged; `None` if the table has never been delivered, or if they are not current yet.
    pub(crate) fn as_of(&self) -> Option<DateTime<Utc>> {
        let Place::Audit { deliveries, load_id, .. } = self.rows else { return None };
        let own = deliveries.own(self.table, load_id);
        own.map(|delivery| delivery.as_of).or_else(|| self.newest())
    }

    /// How new the newest delivery of the table is, as far as it is current.
    pub(crate) fn newest(&self) -> Option<DateTime<Utc>> {
        let Place::Audit { deliveries, .. } = self.rows else { return None };
        deliveries.newest.get(&self.table.table).map(|current| current.as_of)
    }

    /// A condition on lines of an audit whose columns begin with `of` (such as `S.`): they are about the rows that are judged.
    /// `None` if the load brought none.
    pub(crate) fn own_lines(&self, of: &str) -> Option<String> {
        let Place::Audit { deliveries, load_id, .. } = self.rows else { return None };
        let delivery = deliveries.own(self.table, load_id)?;
        let (table, load_id) = (literal(&self.table.table), literal(load_id.as_str()));
        let command_id = literal(&delivery.command_id);
        Some(format!("{of}TABLE_NAME = {table} AND {of}LOAD_ID = {load_id} AND {of}COMMAND_ID = {command_id}"))
    }

    /// The load whose rows are judged, as SQL.
    pub(crate) fn load_id(&self) -> String {
        match self.rows {
            Place::Standing(rows) => format!("COALESCE((SELECT MAX(N.LOAD_ID) FROM {rows} N), '')"),
            Place::Audit { load_id, .. } => literal(load_id.as_str()),
        }
    }

    /// What must be measured to know how new the rows are, where the audit can't tell yet.
    pub(crate) fn time_measure(&self) -> Option<Measure> {
        matches!(self.rows, Place::Standing(_)).then(|| Measure::over(self, "CAST(MAX(R.LOADED_AT) AS VARCHAR)"))
    }

    /// Whether another load than the one that is judged is current.
    pub(crate) fn is_overtaken(&self) -> bool {
        let Place::Audit { deliveries, load_id, .. } = self.rows else { return false };
        let current = deliveries.newest.get(&self.table.table);
        deliveries.own(self.table, load_id).is_some()
            && current.is_some_and(|current| current.load_id != load_id.as_str())
    }

    /// The table that is judged.
    pub(crate) fn table(&self) -> &TableSpec {
        self.table
    }

    /// What `RAW` shows of the table.
    pub(crate) fn current_rows(&self) -> String {
        view(self.table)
    }

    /// The time of judging.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.now
    }
}

/// What `RAW` shows of a table, and rows that will be added to it.
fn both(table: &TableSpec, rows: &str) -> String {
    let columns: Vec<String> = table.columns.iter().map(|name| ident(name)).collect();
    let columns = columns.join(", ");
    format!("(SELECT {columns} FROM {rows} N UNION ALL SELECT {columns} FROM {} V)", view(table))
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

/// What stands for a LOAD_ID, as SQL: short, and of letters and digits alone.
pub(crate) fn mark(load_id: &str) -> String {
    format!("LEFT(MD5({load_id}), 16)")
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
            let delivery = Delivery { command_id: (*command_id).into(), as_of, mark: (*load_id).into() };
            known.own.insert(((*table).into(), (*load_id).into()), delivery);
            let current = Current { load_id: (*load_id).into(), as_of };
            let newest = known.newest.entry((*table).into()).or_insert_with(|| current.clone());
            if as_of > newest.as_of {
                *newest = current;
            }
        }
        known
    }
}
