//! From rows to what they were made of.

use std::collections::BTreeMap;

use messages::{Failure, LoadId, NodeOutcome};
use runtime::lineage::graph::{Level, Walk};
use serde::Serialize;
use serde_json::{Map, Value};
use warehouse::{Ledger, LoadLine, LoadStatus, Rows, StageLine, WarehouseError};

use crate::cli::Trace;
use crate::load::State;

/// What a walk found.
#[derive(Serialize)]
pub struct Traced {
    /// The table that it began at.
    pub table: String,
    /// What was asked of its rows.
    pub keys: BTreeMap<String, String>,
    /// Each table on the way.
    pub levels: Vec<Reached>,
    /// Each load and file behind the rows.
    pub files: Vec<File>,
    /// Each load, as many as were asked for.
    pub loads: Vec<Load>,
    /// What to know before one relies on it.
    pub notes: Vec<String>,
}

/// The rows of one table.
#[derive(Serialize)]
pub struct Reached {
    /// The layer: MARTS, CORE, STAGING, RAW.
    pub layer: String,
    /// The table.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// The first of them.
    pub first: Vec<Map<String, Value>>,
    /// dbt's name of it, and of the table of which each of its rows names one.
    #[serde(skip)]
    names: (String, Option<String>),
}

/// Lines of one file under one load.
#[derive(Serialize)]
pub struct File {
    /// The table of RAW.
    pub table: String,
    /// The load.
    pub load_id: String,
    /// The file: its path below the raw folder.
    pub source_file: String,
    /// How many of its rows.
    pub rows: u64,
    /// How many of them lie in the warehouse yet.
    pub rows_found: u64,
    /// The first of them, counted without the header from 1.
    pub first_row: u64,
    /// The last of them.
    pub last_row: u64,
    /// When the load wrote them.
    pub loaded_at: Option<String>,
    /// What the audit says of the file, where the load is among those that were asked for.
    pub audit: Option<LoadLine>,
}

/// One load behind the rows.
#[derive(Serialize)]
pub struct Load {
    /// The load.
    pub load_id: LoadId,
    /// Where it stands: the verdict, once it is judged.
    pub state: State,
    /// Its trace.
    pub trace_id: Option<String>,
    /// Where to look at it.
    pub trace_url: Option<String>,
    /// The last build for it: when, and how many models it built.
    pub built_at: Option<String>,
    /// Models that the last build did not build.
    pub not_built: Vec<String>,
}

pub async fn follow(
    ledger: &Ledger,
    walk: &Walk<'_>,
    options: &Trace,
    trace_url: Option<&str>,
) -> Result<Traced, Failure> {
    let mut traced = Traced {
        table: options.table.clone(),
        keys: options.keys.iter().cloned().collect(),
        levels: Vec::new(),
        files: Vec::new(),
        loads: Vec::new(),
        notes: Vec::new(),
    };
    for level in walk.levels() {
        let rows = ledger.warehouse().query(&walk.rows(level, options.limit), options.limit).await;
        let reached = reached(level, rows.map_err(|error| unread(level, error))?);
        if traced.levels.is_empty() {
            traced.table = reached.table.clone();
            if reached.rows == 0 {
                return Err(Failure::permanent(no_row(level, options)));
            }
        }
        if level.node.is_source {
            let rows = ledger.warehouse().query(&walk.files(level), usize::MAX).await?;
            traced.files.extend(rows.rows.iter().map(|row| file(level, row)));
        }
        traced.notes.extend(
            level.node.not_traced.as_ref().map(|what| format!("not traced from {}: {what}", level.node.relation())),
        );
        traced.levels.push(reached);
    }
    traced
        .levels
        .sort_by_key(|level| ["MARTS", "CORE", "STAGING", "RAW"].iter().position(|layer| *layer == level.layer));
    loads(ledger, &mut traced, options.limit, trace_url).await?;
    notes(&mut traced);
    Ok(traced)
}

fn unread(level: &Level<'_>, error: WarehouseError) -> Failure {
    let table = level.node.relation();
    let refused = matches!(error, WarehouseError::Statement(_));
    let why = if refused { "; a value may not fit its column, or its model was not built yet" } else { "" };
    Failure::from(error).context(format!("{table} can't be read{why}"))
}

fn no_row(level: &Level<'_>, options: &Trace) -> String {
    let told = |(name, value): &(String, String)| match value.as_str() {
        "" => format!("no {name}"),
        value => format!("{name} {value}"),
    };
    let keys: Vec<String> = options.keys.iter().map(told).collect();
    match keys.as_slice() {
        [] => format!("{} has no row", level.node.relation()),
        keys => format!("no row of {} has {}", level.node.relation(), keys.join(" and ")),
    }
}

fn reached(level: &Level<'_>, rows: Rows) -> Reached {
    // The last column is the number of all rows.
    let count = rows.rows.first().and_then(|row| row.last()?.as_deref()?.parse().ok()).unwrap_or(0);
    let names: Vec<String> = rows.columns.iter().map(|name| name.to_lowercase()).collect();
    let object = |row: Vec<Option<String>>| {
        let values = names.iter().cloned().zip(row.into_iter().map(Value::from));
        values.filter(|(name, _)| name != "millrace_rows").collect()
    };
    let first = rows.rows.into_iter().map(object).collect();
    let names = (level.node.name.clone(), level.carried_from().map(Into::into));
    Reached { layer: level.node.schema.clone(), table: level.node.relation(), rows: count, first, names }
}

fn file(level: &Level<'_>, row: &[Option<String>]) -> File {
    let text = |at: usize| row.get(at).cloned().flatten();
    let number = |at: usize| text(at).and_then(|text| text.parse().ok()).unwrap_or(0);
    File {
        table: level.node.table.clone(),
        load_id: text(0).unwrap_or_default(),
        source_file: text(1).unwrap_or_default(),
        rows: number(2),
        rows_found: number(3),
        first_row: number(4),
        last_row: number(5),
        loaded_at: text(6),
        audit: None,
    }
}

/// Reads what the audits say of the loads, `limit` of them: those of most rows first.
async fn loads(ledger: &Ledger, traced: &mut Traced, limit: usize, trace_url: Option<&str>) -> Result<(), Failure> {
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for file in &traced.files {
        *rows.entry(&file.load_id).or_default() += file.rows;
    }
    let all = rows.len();
    let mut most: Vec<(String, u64)> = rows.into_iter().map(|(load_id, rows)| (load_id.to_owned(), rows)).collect();
    most.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    for (load_id, _) in most.into_iter().take(limit) {
        let Ok(load_id) = LoadId::new(&load_id) else { continue };
        let lines = ledger.load_lines(&load_id).await?;
        let stages = ledger.stage_lines(&load_id).await?;
        for file in traced.files.iter_mut().filter(|file| file.load_id == load_id.as_str()) {
            let of_file = lines.iter().filter(|line| line.uri == file.source_file && line.table == file.table);
            file.audit = of_file.max_by_key(|line| (line.status == LoadStatus::Success, line.finished_at)).cloned();
        }
        traced.loads.push(load(load_id, &lines, &stages, trace_url));
    }
    if all > traced.loads.len() {
        traced.notes.push(format!("{} of {all} loads are shown in full: see --limit", traced.loads.len()));
    }
    Ok(())
}

fn load(load_id: LoadId, lines: &[LoadLine], stages: &[StageLine], trace_url: Option<&str>) -> Load {
    let trace_id = lines.last().map(|line| line.trace_id.clone());
    let build = stages.iter().rfind(|line| line.stage == messages::Stage::Transform);
    let nodes = build.and_then(|line| line.announced.get("nodes")).cloned().unwrap_or_default();
    let nodes: Vec<NodeOutcome> = serde_json::from_value(nodes).unwrap_or_default();
    let not_built = nodes.into_iter().filter(|node| node.resource_type == "model" && node.status != "success");
    Load {
        state: State::of(lines, stages),
        trace_url: trace_url.zip(trace_id.as_ref()).map(|(url, id)| url.replace("{trace_id}", id)),
        trace_id,
        built_at: build.map(|line| line.finished_at.format("%Y-%m-%d %H:%M:%S").to_string()),
        not_built: not_built.map(|node| node.unique_id).collect(),
        load_id,
    }
}

/// What to know before one relies on it.
fn notes(traced: &mut Traced) {
    let gone: u64 = traced.files.iter().map(|file| file.rows - file.rows_found.min(file.rows)).sum();
    if gone > 0 {
        traced.notes.push(format!(
            "{gone} of the rows name a load, file and line that RAW_RUN does not hold any more: the load was replaced since; build \
            the models anew"
        ));
    }
    for level in &traced.levels {
        let named = traced.levels.iter().find(|other| level.names.1.as_ref() == Some(&other.names.0));
        // Whether RAW holds them is told above.
        if let Some(named) = named.filter(|named| named.rows < level.rows && named.layer != "RAW") {
            traced.notes.push(format!(
                "{} shows {} of the {} rows that {} was made of: a newer load is current, and the models are not built with it yet",
                named.table, named.rows, level.rows, level.table
            ));
        }
    }
    for load in traced.loads.iter().filter(|load| !load.not_built.is_empty()) {
        traced.notes.push(format!(
            "the last build for {} did not build all models: MARTS may be older than CORE",
            load.load_id
        ));
    }
}
