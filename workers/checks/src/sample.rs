//! Rows that did not pass, to be looked at.

use messages::{CheckOutcome, CheckStatus, FailureClass};
use serde_json::{Map, Value};
use warehouse::sql::ident;
use warehouse::{Rows, WarehouseError};

use crate::check::Failing;
use crate::deliveries::Subject;
use crate::plan::TablePlan;
use crate::scan::Scans;

/// Characters of a value that are kept.
const MAX_VALUE_CHARS: usize = 200;

/// A row that did not pass a check.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The check.
    pub check: String,
    /// The file that it stands in, where the check tells.
    pub source_file: Option<String>,
    /// Its number in that file, from 1.
    pub source_row: Option<u64>,
    /// The row as a JSON object of its columns, long values cut.
    pub row: String,
}

/// Rows that did not pass, for each check of `outcomes` (those of this table, as [`judge`](crate::judge()) gave them) that did
/// not: as many as the contract wants, the first ones of the files. One statement for all checks whose rows are the table's. A
/// query of the contract's that can't be run again gives none.
///
/// # Errors
/// The warehouse can't be used now.
pub async fn samples(
    plan: &TablePlan,
    subject: &Subject<'_>,
    outcomes: &[CheckOutcome],
    scans: &mut Scans<'_>,
) -> Result<Vec<Sample>, WarehouseError> {
    let (mut of_rows, mut samples) = (Vec::new(), Vec::new());
    for (planned, outcome) in plan.checks.iter().zip(outcomes) {
        let broken = matches!(outcome.status, CheckStatus::Warn | CheckStatus::Fail);
        if !broken || planned.sample_rows == 0 || outcome.failed_rows.is_none_or(|rows| rows == 0) {
            continue;
        }
        let level = planned.levels.iter().find(|level| level.severity == outcome.severity);
        match level.and_then(|level| level.check.failing(subject)) {
            None => {}
            Some(Failing::Rows(from)) => of_rows.push((planned.name.as_str(), from, planned.sample_rows)),
            Some(Failing::Query(query)) => {
                let sql = format!("SELECT * FROM {query} Q LIMIT {}", planned.sample_rows);
                let rows = run(scans, &sql, planned.sample_rows).await?;
                samples.extend(
                    rows.iter().flat_map(|rows| {
                        rows.rows.iter().map(|row| of_query(planned.name.as_str(), &rows.columns, row))
                    }),
                );
            }
        }
    }
    if !of_rows.is_empty() {
        let columns = &plan.table.columns;
        let rows = run(scans, &statement(columns, &of_rows), u64::MAX).await?;
        let of_row =
            |row: &Vec<Option<String>>| Some(of_table(of_rows.get(number::<usize>(row.first()?)?)?.0, columns, row));
        samples.extend(rows.iter().flat_map(|rows| rows.rows.iter().filter_map(of_row)));
    }
    Ok(samples)
}

async fn run(scans: &Scans<'_>, sql: &str, most: u64) -> Result<Option<Rows>, WarehouseError> {
    match scans.warehouse().query(sql, usize::try_from(most).unwrap_or(usize::MAX)).await {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if error.class() == FailureClass::Permanent => Ok(None),
        Err(error) => Err(error),
    }
}

/// The rows of all checks: the check's place in the list, where the row stands, and its columns.
fn statement(columns: &[String], checks: &[(&str, String, u64)]) -> String {
    let names: Vec<String> = columns
        .iter()
        .enumerate()
        // One more than is kept, to tell that it was cut.
        .map(|(at, name)| format!("LEFT(R.{}, {}) AS C{at}", ident(name), MAX_VALUE_CHARS + 1))
        .collect();
    let part = |(at, (_, from, most)): (usize, &(&str, String, u64))| {
        format!(
            "SELECT * FROM (SELECT {at} AS NTH, R.SOURCE_FILE, R.SOURCE_ROW, {} FROM {from} \
            ORDER BY R.SOURCE_FILE, R.SOURCE_ROW LIMIT {most}) S{at}",
            names.join(", ")
        )
    };
    checks.iter().enumerate().map(part).collect::<Vec<_>>().join(" UNION ALL ")
}

fn number<T: std::str::FromStr>(text: &Option<String>) -> Option<T> {
    text.as_ref()?.parse().ok()
}

fn of_table(check: &str, columns: &[String], row: &[Option<String>]) -> Sample {
    let values = columns.iter().zip(row.iter().skip(3));
    let row_data: Map<String, Value> = values.map(|(name, value)| (name.clone(), cut(value))).collect();
    Sample {
        check: check.into(),
        source_file: row.get(1).cloned().flatten(),
        source_row: row.get(2).and_then(number),
        row: Value::Object(row_data).to_string(),
    }
}

/// A row of the contract's own query: where it stands is told by the columns that the query may have kept.
fn of_query(check: &str, columns: &[String], row: &[Option<String>]) -> Sample {
    let mut sample = Sample { check: check.into(), source_file: None, source_row: None, row: String::new() };
    let mut data = Map::new();
    for (name, value) in columns.iter().map(|name| name.to_lowercase()).zip(row) {
        match name.as_str() {
            "source_file" => sample.source_file.clone_from(value),
            "source_row" => sample.source_row = number(value),
            "load_id" | "command_id" | "loaded_at" => {}
            _ => drop(data.insert(name, cut(value))),
        }
    }
    sample.row = Value::Object(data).to_string();
    sample
}

fn cut(value: &Option<String>) -> Value {
    let Some(text) = value else { return Value::Null };
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        None => text.clone().into(),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}
