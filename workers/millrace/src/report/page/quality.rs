//! Quality over time: what each source brought, and what each check found.

use std::collections::HashMap;

use maud::{Markup, html};

use super::{badge, chart, folded, more, name, nothing, section, table, when, words};
use crate::output::{counted, thousands};
use crate::report::bounds::BARS;
use crate::report::facts::{Check, Facts, Load};
use crate::report::text::number;

pub fn quality(facts: &Facts) -> Markup {
    let body = html! {
        div.charts {
            @for source in &facts.sources {
                @let bars = bars(facts, &source.source);
                @if !bars.is_empty() { (of_source(&source.source, &bars)) }
            }
        }
        h3 { "Checks" }
        @if facts.checks.is_empty() {
            (nothing("No check was run in this time."))
        } @else {
            @let header = ["Now", "Check", "Expected", "Seen", "Not passed", "Over time"];
            @let rows = facts.checks.iter().map(check).collect();
            (folded("Each check, those that did not pass first", &header, &[4], rows, (open(facts), "More checks")))
            @if facts.more_checks > 0 {
                (more(&format!("And {}.", counted(facts.more_checks, "more check"))))
            }
        }
        @if !facts.samples.is_empty() {
            h3 { "Failing rows that were kept" }
            (table("Rows of RAW.QUALITY_SAMPLES", &["Table", "Check", "Rows", "Loads"], &[2, 3],
                facts.samples.iter().map(|sample| vec![
                    name(&sample.table), name(&sample.check), html! { (thousands(sample.rows)) },
                    html! { (thousands(sample.loads)) },
                ])))
        }
    };
    section("quality", "Quality over time", "", body)
}

/// Checks that are seen without asking for more: those that do not pass now, and some more.
fn open(facts: &Facts) -> usize {
    let passes = |check: &Check| check.results.last().is_none_or(|last| last.status == "PASS");
    facts.checks.iter().filter(|check| !passes(check)).count().max(12)
}

/// The newest loads of a source, oldest first.
fn bars(facts: &Facts, source: &str) -> Vec<chart::Bar> {
    let of_source = |load: &&Load| load.sources.iter().any(|name| name == source);
    let mut loads: Vec<&Load> = facts.loads.iter().filter(of_source).take(BARS).collect();
    loads.reverse();
    let judged: HashMap<(&str, &str), (u64, u64)> =
        facts.judged.iter().map(|of| ((of.table.as_str(), of.load_id.as_str()), (of.checks, of.not_passed))).collect();
    let bar = |load: &&Load| {
        let found = load.tables.iter().filter_map(|table| {
            let table = format!("RAW.{table}");
            judged.get(&(table.as_str(), load.load_id.as_str())).copied()
        });
        let (checks, not_passed) = found.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        chart::Bar {
            at: load.ended_at,
            rows: load.rows,
            rejected: load.rejected,
            checks,
            not_passed,
            state: load.state.clone(),
        }
    };
    loads.iter().map(bar).collect()
}

fn of_source(source: &str, bars: &[chart::Bar]) -> Markup {
    html! {
        figure {
            figcaption { h3 { (name(source)) } }
            (chart::loads(source, bars))
            details {
                summary { "As a table" }
                (table(&format!("Loads of {source}, newest first"), &["Ended (UTC)", "State", "Rows", "Rejected", "Checks not passed"],
                    &[2, 3, 4], bars.iter().rev().map(|bar| vec![
                        when(Some(bar.at)),
                        badge(&bar.state),
                        html! { (thousands(bar.rows)) },
                        html! { (thousands(bar.rejected)) },
                        html! { (bar.not_passed) " of " (bar.checks) },
                    ])))
            }
        }
    }
}

fn check(check: &Check) -> Vec<Markup> {
    let Some(last) = check.results.last() else { return Vec::new() };
    let seen = last.value.map(number).filter(|value| *value != last.observed);
    vec![
        badge(&last.status),
        html! {
            (name(&check.name))
            p.faint {
                (name(&check.table)) ", severity " (words(&check.severity, 20))
                @if check.origin == "DBT" { ", a test of dbt’s" }
                @if check.origin == "GATE" { ", decides whether rows become current" }
            }
        },
        words(&last.expected, 160),
        html! {
            (words(&last.observed, 160))
            @if let Some(value) = seen { " " span.faint { "(" (value) ")" } }
            @if let Some(rows) = last.failed_rows.filter(|rows| *rows > 0) { p.faint { (thousands(rows)) (if rows == 1 { " row at fault" } else { " rows at fault" }) } }
        },
        html! { (thousands(check.not_passed)) " of " (thousands(check.count)) },
        chart::history(check),
    ]
}
