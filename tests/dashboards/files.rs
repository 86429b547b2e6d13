//! The files of `deploy/otel`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::repository;

pub fn path(below: &str) -> PathBuf {
    repository().join("deploy/otel").join(below)
}

pub fn read(below: &str) -> String {
    std::fs::read_to_string(path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
}

pub fn dashboard() -> Value {
    serde_json::from_str(&read("grafana/millrace.json")).unwrap()
}

/// The panels, without the rows' headings.
pub fn panels() -> Vec<Value> {
    let mut panels = dashboard()["panels"].as_array().unwrap().clone();
    panels.retain(|panel| panel["type"] != "row");
    panels
}

/// What the dashboard's variables ask Prometheus for.
pub fn variables() -> Vec<String> {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    variables.filter(|one| one["type"] == "query").map(|one| one["definition"].as_str().unwrap().to_owned()).collect()
}

/// Alerts and what is recorded for them.
pub fn rules() -> Vec<Value> {
    let rules: Value = serde_saphyr::from_str(&read("prometheus/rules.yaml")).unwrap();
    let groups = rules["groups"].as_array().unwrap().iter();
    groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// The metrics of README's table, with their labels.
pub fn told() -> BTreeMap<String, BTreeSet<String>> {
    let readme = read("README.md");
    let lines = readme.lines().skip_while(|line| !line.starts_with("| Prometheus")).skip(2);
    let told = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        (quoted(cells[0]).remove(0), quoted(cells[3]).into_iter().collect())
    });
    told.collect()
}
