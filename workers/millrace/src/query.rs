//! `millrace query`: a look into the warehouse.

use messages::Failure;
use runtime::Settings;
use warehouse::Rows;

use crate::End;
use crate::cli::Query;
use crate::output::{self, Output, counted};
use crate::platform;

pub async fn query(settings: Settings, options: &Query, output: &Output) -> Result<End, Failure> {
    let warehouse = platform::open_to_look(&settings).await?;
    let rows = warehouse.query(&options.sql, options.limit).await?;
    output.value(&objects(&rows), |_| show(&rows, output))?;
    warehouse.close().await;
    Ok(End::Good)
}

/// Each row as an object, for programs. Numbers stay text: what the warehouse wrote is what comes out.
fn objects(rows: &Rows) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let object = |row: &Vec<Option<String>>| {
        rows.columns.iter().cloned().zip(row.iter().cloned().map(serde_json::Value::from)).collect()
    };
    rows.rows.iter().map(object).collect()
}

fn show(rows: &Rows, output: &Output) {
    let header: Vec<&str> = rows.columns.iter().map(String::as_str).collect();
    let cells = |row: &Vec<Option<String>>| row.iter().map(|value| value.clone().unwrap_or_default()).collect();
    output.table(&header, rows.rows.iter().map(cells).collect());
    if rows.truncated {
        output.note(&output::faint(&format!(
            "only the first {}: there are more, see --limit",
            counted(rows.rows.len(), "row")
        )));
    }
}
