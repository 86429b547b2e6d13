//! Panels and alerts say what they are about, and what to do.

use std::collections::BTreeSet;

use crate::files;

#[test]
fn every_panel_says_what_it_shows_and_in_what() {
    let dashboard = files::dashboard();
    let ids: Vec<i64> =
        dashboard["panels"].as_array().unwrap().iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "two panels have one id: {ids:?}");
    let titles: Vec<_> = files::panels().iter().map(|panel| panel["title"].as_str().unwrap().to_owned()).collect();
    assert_eq!(titles.iter().collect::<BTreeSet<_>>().len(), titles.len(), "two panels have one title: {titles:?}");
    for panel in files::panels() {
        let title = panel["title"].as_str().unwrap();
        assert!(panel["description"].as_str().is_some_and(|text| text.len() > 30), "{title} has no description");
        // A text and a trace have none.
        let is_measured = !["text", "traces"].contains(&panel["type"].as_str().unwrap());
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or_default();
        assert_eq!(is_measured, !unit.is_empty(), "{title}: unit {unit:?}");
        for target in panel["targets"].as_array().into_iter().flatten() {
            let from = target["datasource"]["uid"].as_str().unwrap();
            assert!(["${datasource}", "${jaeger}"].contains(&from), "{title} asks {from}, which others have not");
            let is_graph = panel["type"] == "timeseries";
            assert!(
                !is_graph || target["legendFormat"].as_str().is_some_and(|text| !text.is_empty()),
                "{title}: legend"
            );
        }
    }
}

#[test]
fn no_panel_lies_on_another() {
    let panels = files::dashboard()["panels"].as_array().unwrap().clone();
    let mut taken = BTreeSet::new();
    for panel in panels {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{} is too wide", panel["title"]);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} lies on another", panel["title"]);
            }
        }
    }
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let alerts: Vec<_> = files::rules().into_iter().filter(|rule| rule["alert"].is_string()).collect();
    assert!(alerts.len() > 10, "{}", alerts.len());
    for alert in alerts {
        let name = alert["alert"].as_str().unwrap();
        let severity = alert["labels"]["severity"].as_str().unwrap_or_default();
        assert!(["page", "ticket"].contains(&severity), "{name}: severity {severity:?}");
        let text = |what: &str| alert["annotations"][what].as_str().unwrap_or_default().to_owned();
        assert!(!text("summary").is_empty(), "{name} has no summary");
        // What to run, to look at, or to set.
        assert!(text("description").len() > 80, "{name} says too little");
        assert!(severity != "page" || alert["for"].is_string(), "{name} wakes somebody for a moment's trouble");
    }
}
