//! What `deploy/otel` asks Prometheus for is what the platform measures, all that it measures is shown and told of, and
//! every panel and alert says what it is about.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../harness/mod.rs"]
mod harness;

mod asked;
mod files;
mod measured;
mod promtool;
mod said;
mod scene;

use std::collections::BTreeSet;

use asked::Asked;
use measured::Measured;

/// Labels that Prometheus gives to what it collects; `plant` is the operator's (`prometheus/targets.yaml`).
const PROMETHEUS_LABELS: [&str; 3] = ["instance", "job", "plant"];

/// Series of Prometheus itself, and the one that operators set themselves (`prometheus/rules.yaml`).
const NOT_OURS: [&str; 3] = ["up", "ALERTS", "millrace:source_max_age:seconds"];

/// What a run in which nothing breaks for good can't show, with what would have to happen.
const UNSEEN: [(&str, &str, &str); 3] = [
    ("messaging_client_operation_duration_seconds_count", "error_type", "the bus would have to be away"),
    ("messaging_client_operation_duration_seconds_count", "error_type!=\"\"", "the bus would have to be away"),
    ("millrace_dbt_node_duration_seconds_count", "status=~\"fail|error\"", "a model would have to be broken"),
];

/// Measured, but in no panel.
const NOT_SHOWN: [&str; 0] = [];

#[test]
fn what_is_asked_for_is_measured_and_what_is_measured_is_shown_and_told() {
    let (panels, rules) = (files::panels(), files::rules());
    let mut asked: Vec<Asked> = panels.iter().flat_map(asked::of_panel).collect();
    asked.extend(files::variables().iter().map(|query| asked::of_variable(query)));
    let shown: BTreeSet<String> = asked.iter().map(|asked| family(&asked.metric).to_owned()).collect();
    asked.extend(rules.iter().flat_map(asked::of_rule));
    assert!(asked.len() > 80, "{} selectors are too few: the files are not read right", asked.len());
    let recorded: Vec<&str> = rules.iter().filter_map(|rule| rule["record"].as_str()).collect();
    asked.retain(|asked| !NOT_OURS.contains(&asked.metric.as_str()) && !recorded.contains(&asked.metric.as_str()));

    let missing =
        |measured: &Measured| -> BTreeSet<String> { asked.iter().flat_map(|asked| missing(asked, measured)).collect() };
    let measured = scene::play(missing);

    let ours: BTreeSet<&str> = measured.names().map(family).filter(|name| is_ours(name)).collect();
    let hidden: Vec<_> = ours.iter().filter(|name| !shown.contains(**name) && !NOT_SHOWN.contains(name)).collect();
    assert!(hidden.is_empty(), "in no panel, and not listed as not shown: {hidden:?}");
    let told = files::told();
    assert_eq!(told.keys().map(String::as_str).collect::<BTreeSet<_>>(), ours, "the table in deploy/otel/README.md");
    for (metric, labels) in &told {
        let found = measured.labels(metric);
        let unseen = |label: &str| UNSEEN.iter().any(|(of, what, _)| family(of) == metric && *what == label);
        let wrong: Vec<_> = found.symmetric_difference(labels).filter(|label| !unseen(label)).collect();
        assert!(wrong.is_empty(), "deploy/otel/README.md and {metric} differ in {wrong:?}");
    }
}

/// What is not there of what is asked for.
fn missing(asked: &Asked, measured: &Measured) -> Vec<String> {
    let Asked { metric, place, .. } = asked;
    if !measured.has(metric) {
        return vec![format!("{metric} ({place})")];
    }
    let excused = |what: &str| UNSEEN.iter().any(|(of, unseen, _)| of == metric && *unseen == what);
    let known = |label: &str| PROMETHEUS_LABELS.contains(&label) || excused(label) || measured.has_label(metric, label);
    let labels = asked.labels.iter().filter(|label| !known(label)).map(|label| format!("{metric}: {label} ({place})"));
    let mut missing: Vec<String> = labels.collect();
    let matchers: Vec<_> = asked
        .matchers
        .iter()
        .filter(|matcher| !PROMETHEUS_LABELS.contains(&matcher.name.as_str()) && !excused(&matcher.to_string()))
        .collect();
    if !measured.has_series(metric, &matchers) {
        let matchers: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        missing.push(format!("{metric}{{{}}} ({place})", matchers.join(", ")));
    }
    missing
}

fn is_ours(name: &str) -> bool {
    ["millrace_", "db_client_", "messaging_client_"].iter().any(|ours| name.starts_with(ours))
}

/// The metric that a series belongs to: a histogram is three.
fn family(name: &str) -> &str {
    let of_histogram = ["_seconds_bucket", "_seconds_sum", "_seconds_count"]
        .iter()
        .find_map(|suffix| name.ends_with(suffix).then(|| name.rsplit_once('_').map_or(name, |(family, _)| family)));
    of_histogram.unwrap_or(name)
}
