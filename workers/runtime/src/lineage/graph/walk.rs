//! From rows of one table to the rows that they were made of, level by level, in SQL that DuckDB and Snowflake both take.
//!
//! Every level is a table expression over those before it, so that values are compared where they lie: the only ones that
//! stand in the text are those that somebody asked for. The rows that the ways lead to are joined and never looked up one
//! by one.

use warehouse::sql::{ident, literal};

use super::{Condition, Graph, LOADED_AT, Node, ORIGIN};

/// Where a walk begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Columns and the values that rows must have there; an empty value stands for none at all. Without any, all rows.
    pub keys: Vec<(String, String)>,
    /// Columns of the first level that every later row repeats, so that it is known which row it belongs to; none as a rule.
    pub kept: Vec<String>,
}

/// One table on the way.
#[derive(Clone, Debug)]
pub struct Level<'a> {
    /// The table.
    pub node: &'a Node,
    /// What its expression is called.
    alias: String,
    /// Its expression.
    sql: String,
    /// Whether its rows name the row of a source that they carry on.
    carries: Option<&'a str>,
}

/// The way from a table to the sources.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    levels: Vec<Level<'a>>,
    kept: Vec<String>,
}

/// How a row's own column is called where it is compared: no column of a parent's is called so.
fn own(column: &str) -> String {
    format!("MILLRACE_OF_{}", column.to_uppercase())
}

fn kept(at: usize) -> String {
    format!("MILLRACE_KEPT_{at}")
}

impl Graph {
    /// The way from rows of `start` to the rows of sources that they were made of.
    ///
    /// # Errors
    /// A name of a column that can't be one.
    pub fn walk<'a>(&'a self, start: &'a Node, from: &Start) -> Result<Walk<'a>, String> {
        for name in from.keys.iter().map(|(name, _)| name).chain(&from.kept) {
            if !super::condition::is_name(name) {
                return Err(format!("{name:?} is no name of a column"));
            }
            if !start.has(name) {
                let known: Vec<&str> = start.columns.iter().map(|(name, _)| name.as_str()).collect();
                return Err(format!("{} has no column {name}: it has {}", start.relation(), known.join(", ")));
            }
        }
        let mut order = Vec::new();
        self.after(start, &mut order);
        order.reverse();
        let mut walk = Walk { levels: Vec::new(), kept: from.kept.clone() };
        for node in order {
            let sql = if walk.levels.is_empty() { first(node, from) } else { walk.reached(node) };
            let alias = format!("MILLRACE_{}", walk.levels.len());
            let carries = if node.is_source { None } else { self.carries(node).map(|source| source.name.as_str()) };
            walk.levels.push(Level { node, alias, sql, carries });
        }
        Ok(walk)
    }

    /// Every node that can be reached, each behind those that it is made of.
    fn after<'a>(&'a self, node: &'a Node, order: &mut Vec<&'a Node>) {
        if order.iter().any(|known| known.name == node.name) {
            return;
        }
        for parent in node.from.iter().filter_map(|way| self.node(&way.to)) {
            self.after(parent, order);
        }
        order.push(node);
    }
}

impl Level<'_> {
    /// The table whose rows this one's rows name as their origin, each one.
    pub fn carried_from(&self) -> Option<&str> {
        Some(self.node.from.iter().find(|way| way.condition.is_origin())?.to.as_str())
    }
}

fn first(node: &Node, from: &Start) -> String {
    let kept = from.kept.iter().enumerate().map(|(at, name)| format!(", P.{} AS {}", ident(name), kept(at)));
    let is = |(name, value): &(String, String)| match value.as_str() {
        "" => format!("P.{} IS NULL", ident(name)),
        value => format!("P.{} = {}", ident(name), literal(value)),
    };
    let keys: Vec<String> = from.keys.iter().map(is).collect();
    let condition = if keys.is_empty() { String::new() } else { format!(" WHERE {}", keys.join(" AND ")) };
    format!("SELECT P.*{} FROM {} P{condition}", kept.collect::<String>(), node.relation())
}

impl<'a> Walk<'a> {
    /// The tables of the way, each behind those whose rows were made of its own.
    pub fn levels(&self) -> &[Level<'a>] {
        &self.levels
    }

    /// The rows of `node` that any way leads to, from what was reached before.
    fn reached(&self, node: &Node) -> String {
        let kept: String = (0..self.kept.len()).map(|at| format!(", C.{0} AS {0}", kept(at))).collect();
        let ways = self.levels.iter().flat_map(|level| {
            let told = level.node.from.iter().filter(|way| way.to == node.name).map(|way| way.condition.clone());
            // A view between may show a newer load by now: what rows say of themselves leads past it.
            let past = (node.is_source && level.carries == Some(&node.name) && told.clone().count() == 0)
                .then(|| Condition::Same(origin_of(level.node)));
            told.chain(past).map(move |condition| (level, condition))
        });
        let table = if node.is_source { slices(node) } else { node.relation() };
        let selects: Vec<String> = ways
            .map(|(level, condition)| {
                let columns = condition.own().into_iter().map(|name| format!("{} AS {}", ident(&name), own(&name)));
                let columns: Vec<String> = columns.chain((0..self.kept.len()).map(self::kept)).collect();
                let on = condition.sql(|name| format!("C.{}", own(name)));
                format!(
                    "SELECT DISTINCT P.*{kept} FROM {table} P JOIN (SELECT DISTINCT {} FROM {}) C ON {on}",
                    columns.join(", "),
                    level.alias
                )
            })
            .collect();
        selects.join(" UNION ")
    }

    /// A query over the levels down to `last`: `select` may name each by [`Level::alias`]. None behind it leads to its rows, so none
    /// is sent: whether a table that nobody reads must be there is for each warehouse to say.
    fn with(&self, last: &Level<'_>, select: &str) -> String {
        let end = self.levels.iter().position(|level| level.alias == last.alias).map_or(self.levels.len(), |at| at + 1);
        let levels: Vec<String> =
            self.levels[..end].iter().map(|level| format!("{} AS ({})", level.alias, level.sql)).collect();
        format!("WITH {} {select}", levels.join(", "))
    }

    /// The first rows of a level, each with the number of all of them behind its columns.
    pub fn rows(&self, level: &Level<'_>, limit: usize) -> String {
        // The first column is the key by custom; a source's rows stand in the order of their files.
        let order = if level.node.is_source { "SOURCE_FILE, SOURCE_ROW" } else { "1" };
        let select = format!(
            "SELECT P.*, COUNT(*) OVER () AS MILLRACE_ROWS FROM {} P ORDER BY {order} LIMIT {limit}",
            level.alias
        );
        self.with(level, &select)
    }

    /// Of a source: by load and file, how many rows the way leads to, how many of them are there still, the first and the
    /// last of them, and when the load wrote them. Rows name their origin themselves, so it is known also of what is gone.
    pub fn files(&self, level: &Level<'_>) -> String {
        let origin = ORIGIN.map(str::to_uppercase).join(", ");
        let named = self.levels.iter().filter(|other| other.carries == Some(&level.node.name));
        let named = named.map(|other| format!("SELECT {origin} FROM {}", other.alias));
        let all: Vec<String> = std::iter::once(format!("SELECT {origin} FROM {}", level.alias)).chain(named).collect();
        let select = format!(
            "SELECT O.LOAD_ID, O.SOURCE_FILE, COUNT(*) AS ROW_COUNT, COUNT(R.SOURCE_ROW) AS ROWS_FOUND, \
            MIN(O.SOURCE_ROW) AS FIRST_ROW, MAX(O.SOURCE_ROW) AS LAST_ROW, MIN(R.LOADED_AT) AS LOADED_AT \
            FROM ({}) O LEFT JOIN (SELECT DISTINCT {origin}, LOADED_AT FROM {}) R ON R.LOAD_ID = O.LOAD_ID \
            AND R.SOURCE_FILE = O.SOURCE_FILE AND R.SOURCE_ROW = O.SOURCE_ROW \
            GROUP BY O.LOAD_ID, O.SOURCE_FILE ORDER BY O.LOAD_ID, O.SOURCE_FILE",
            all.join(" UNION "),
            level.alias
        );
        self.with(level, &select)
    }

    /// All rows of a level with what was kept, in no order: for whoever compares a whole table.
    pub fn all(&self, level: &Level<'_>) -> String {
        self.with(level, &format!("SELECT * FROM {}", level.alias))
    }
}

/// The columns by which a row names its origin, the moment of the load too where it has that.
fn origin_of(node: &Node) -> Vec<String> {
    let moment = (!node.columns.is_empty() && node.has(LOADED_AT)).then_some(LOADED_AT);
    ORIGIN.into_iter().chain(moment).map(Into::into).collect()
}

/// Where the rows of all loads lie, not those of the current one alone.
fn slices(node: &Node) -> String {
    if node.schema == "RAW" { format!("RAW_RUN.{}_RUN", node.table) } else { node.relation() }
}
