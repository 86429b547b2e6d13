//! What people see of it.

use serde_json::{Map, Value};

use super::follow::{File, Reached, Traced};
use crate::output::{self, Output, counted, thousands};

/// Columns of a table that fit beside each other; `--json` has them all.
const COLUMNS: usize = 6;

pub fn show(traced: &Traced, output: &Output) {
    for (at, level) in traced.levels.iter().enumerate() {
        let rows = usize::try_from(level.rows).unwrap_or(usize::MAX);
        output.note(&format!(
            "{}{:<8} {}  {}",
            if at == 0 { "" } else { "\n" },
            level.layer,
            name(level),
            counted(rows, "row")
        ));
        match level.first.as_slice() {
            [] => {}
            // The row that somebody asks about is shown whole.
            [only] if at == 0 => whole(only, output),
            rows => table(rows, output),
        }
        if level.first.len() < rows && !level.first.is_empty() {
            output.note(&output::faint(&format!("         the first {}: see --limit", level.first.len())));
        }
    }
    output.note("");
    files(&traced.files, output);
    loads(traced, output);
    for note in &traced.notes {
        output.note(&format!("\n{} {note}", output::warn("note:")));
    }
}

fn name(level: &Reached) -> &str {
    level.table.split_once('.').map_or(level.table.as_str(), |(_, name)| name)
}

fn text(row: &Map<String, Value>, name: &str) -> String {
    row.get(name).and_then(Value::as_str).unwrap_or_default().replace(['\n', '\r'], " ")
}

fn whole(row: &Map<String, Value>, output: &Output) {
    let width = row.keys().map(String::len).max().unwrap_or(0);
    for column in row.keys() {
        output.note(&format!("         {column:<width$}  {}", text(row, column)));
    }
}

fn table(rows: &[Map<String, Value>], output: &Output) {
    let Some(first) = rows.first() else { return };
    let origin = ["source_file", "source_row"];
    let mut columns: Vec<&str> =
        first.keys().map(String::as_str).filter(|name| !origin.contains(name)).take(COLUMNS).collect();
    columns.extend(origin.into_iter().filter(|name| first.contains_key(*name)));
    let cells = |row: &Map<String, Value>| columns.iter().map(|name| text(row, name)).collect();
    output.table(&columns, rows.iter().map(cells).collect());
}

fn files(files: &[File], output: &Output) {
    let rows = files.iter().map(|file| {
        let audit = file.audit.as_ref();
        let found = match file.rows_found {
            found if found == file.rows => thousands(file.rows),
            found => format!("{} ({} there yet)", thousands(file.rows), thousands(found)),
        };
        let lines = if file.first_row == file.last_row {
            file.first_row.to_string()
        } else {
            format!("{} to {}", file.first_row, file.last_row)
        };
        vec![
            format!("RAW.{}", file.table),
            file.source_file.clone(),
            found,
            lines,
            audit.map(|line| output::status(line.status.as_str())).unwrap_or_default(),
            audit.map(|line| line.as_of.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default(),
            audit.and_then(|line| line.file_id.clone()).unwrap_or_default(),
            file.load_id.clone(),
        ]
    });
    output.table(&["table", "file", "rows", "data row", "ingest", "as of (UTC)", "content", "LOAD_ID"], rows.collect());
}

fn loads(traced: &Traced, output: &Output) {
    if traced.loads.is_empty() {
        return;
    }
    output.note("");
    let rows = traced.loads.iter().map(|load| {
        vec![
            output::status(load.state.as_str()),
            load.built_at.clone().unwrap_or_default(),
            load.trace_url.clone().or_else(|| load.trace_id.clone()).unwrap_or_default(),
            load.load_id.to_string(),
        ]
    });
    output.table(&["verdict", "built (UTC)", "trace", "LOAD_ID"], rows.collect());
}
