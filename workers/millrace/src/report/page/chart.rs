//! Charts as SVG. Bars stretch with the page, so no text stands in them: labels are HTML around them, and every shape has a
//! title for whoever points at it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::output::{counted, thousands};
use crate::report::facts::{Check, CheckResult};
use crate::report::text::{moment, number, shown};

/// A load in a source's chart.
#[derive(Clone, Debug)]
pub struct Bar {
    pub at: DateTime<Utc>,
    pub rows: u64,
    pub rejected: u64,
    pub checks: u64,
    pub not_passed: u64,
    pub state: String,
}

/// Bars that have room at least: one load alone must not fill the page.
const MIN_BARS: usize = 12;
/// The width of a bar with its gap, and the height of the upper and the lower part, in the units of the drawing.
const STEP: usize = 10;
const ROWS_HEIGHT: f64 = 100.0;
const SHARE_HEIGHT: f64 = 34.0;

/// Rows by load, and below the share of checks that did not pass.
pub fn loads(source: &str, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.rows + bar.rejected).max().unwrap_or_default();
    let width = bars.len().max(MIN_BARS) * STEP;
    let worst = bars.iter().map(share).fold(0.0, f64::max);
    let rejected: u64 = bars.iter().map(|bar| bar.rejected).sum();
    let (first, last) = (bars.first().map(|bar| moment(bar.at)), bars.last().map(|bar| moment(bar.at)));
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    let about = format!(
        "{} from {first} to {last}: at most {} rows, {} rejected, at worst {:.0} % of a load's checks not passed",
        counted(bars.len(), "load"),
        thousands(most),
        thousands(rejected),
        worst * 100.0
    );
    html! {
        div.plot {
            p.axis { span { "Rows" } span { "up to " (thousands(most)) } }
            svg.bars viewBox={ "0 0 " (width) " " (ROWS_HEIGHT) } preserveAspectRatio="none" role="img" {
                title { "Rows per load of " (source) }
                desc { (about) }
                (grid(width, ROWS_HEIGHT, 4))
                @for (at, bar) in bars.iter().enumerate() {
                    @let (rows, rejects) = (height(bar.rows, most, ROWS_HEIGHT), height(bar.rejected, most, ROWS_HEIGHT));
                    g {
                        title { (said(bar)) }
                        rect.hit x=(at * STEP) y="0" width=(STEP) height=(ROWS_HEIGHT) {}
                        rect.loaded x=(at * STEP + 1) y=(short(ROWS_HEIGHT - rows)) width=(STEP - 2) height=(short(rows)) {}
                        @if bar.rejected > 0 {
                            rect.rejected x=(at * STEP + 1) y=(short(ROWS_HEIGHT - rows - rejects)) width=(STEP - 2) height=(short(rejects)) {}
                        }
                    }
                }
            }
            p.axis { span { "Checks not passed" } span { "of each load, 0 to 100 %" } }
            svg.shares viewBox={ "0 0 " (width) " " (SHARE_HEIGHT) } preserveAspectRatio="none" role="img" {
                title { "Share of checks that did not pass, per load of " (source) }
                desc { (about) }
                (grid(width, SHARE_HEIGHT, 2))
                @for (at, bar) in bars.iter().enumerate() {
                    g {
                        title { (said(bar)) }
                        rect.hit x=(at * STEP) y="0" width=(STEP) height=(SHARE_HEIGHT) {}
                        @if bar.not_passed > 0 {
                            @let share = (share(bar) * SHARE_HEIGHT).max(1.5);
                            rect.broken x=(at * STEP + 1) y=(short(SHARE_HEIGHT - share)) width=(STEP - 2) height=(short(share)) {}
                        }
                    }
                }
            }
            @if bars.len() > 1 { p.axis { span { (first) } span { (last) } } } @else { p.axis { span { (first) } } }
            ul.legend {
                li { span.key.loaded aria-hidden="true" {} "loaded" }
                li { span.key.rejected aria-hidden="true" {} "rejected" }
                li { span.key.broken aria-hidden="true" {} "checks not passed" }
            }
        }
    }
}

fn said(bar: &Bar) -> String {
    let rejected = if bar.rejected > 0 { format!(", {} rejected", thousands(bar.rejected)) } else { String::new() };
    let rows = thousands(bar.rows);
    format!("{}: {rows} rows{rejected}; {} of {} checks not passed", moment(bar.at), bar.not_passed, bar.checks)
}

#[allow(clippy::cast_precision_loss)]
fn share(bar: &Bar) -> f64 {
    if bar.checks == 0 { 0.0 } else { bar.not_passed as f64 / bar.checks as f64 }
}

/// What is not nothing is seen.
#[allow(clippy::cast_precision_loss)]
fn height(rows: u64, most: u64, full: f64) -> f64 {
    if rows == 0 { 0.0 } else { (rows as f64 / most.max(1) as f64 * full * 0.96).max(0.8) }
}

fn grid(width: usize, height: f64, parts: u32) -> Markup {
    html! { @for part in 0..=parts {
        @let y = short(height * f64::from(part) / f64::from(parts));
        line.grid x1="0" x2=(width) y1=(y) y2=(y) {}
    } }
}

/// In tenths: more digits are seen by nobody, and make the file longer.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 40.0;
const MARGIN: f64 = 6.0;

/// A check's results: its value as a line where it has one, and a mark for each result, whose shape tells its status.
pub fn history(check: &Check) -> Markup {
    let values: Vec<f64> = check.results.iter().filter_map(|result| result.value).collect();
    let (low, high) =
        values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let count = check.results.len();
    #[allow(clippy::cast_precision_loss)]
    let x = |at: usize| {
        if count < 2 { WIDTH / 2.0 } else { MARGIN + (WIDTH - 2.0 * MARGIN) * at as f64 / (count - 1) as f64 }
    };
    let y = |value: Option<f64>| match value {
        // Finite, and so is the difference of what is drawn; where it is not, all stands in the middle.
        Some(value) if high > low && (high - low).is_finite() => {
            HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * (value - low) / (high - low)
        }
        _ => HEIGHT / 2.0,
    };
    let mut line = String::new();
    for (at, result) in check.results.iter().enumerate().filter(|(_, result)| result.value.is_some()) {
        let _ = write!(line, "{},{} ", short(x(at)), short(y(result.value)));
    }
    let range = if values.is_empty() { String::new() } else { format!("{} to {}", number(low), number(high)) };
    html! {
        svg.history width=(WIDTH) height=(HEIGHT) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" {
            title { "The newest " (counted(count, "result")) " of " (shown(&check.name, 80)) }
            desc { (check.not_passed) " of " (check.count) " did not pass" @if !range.is_empty() { "; values from " (range) } }
            @if values.len() > 1 { polyline points=(line.trim_end()) {} }
            @for (at, result) in check.results.iter().enumerate() { (mark(result, x(at), y(result.value))) }
        }
        @if !range.is_empty() && high > low { p.faint { (range) } }
        @if count > 1 {
            details {
                summary { "Values" }
                ol.values { @for result in check.results.iter().rev().take(10) {
                    li { (moment(result.at)) " " (result.status.to_lowercase()) @if let Some(value) = result.value { " " (number(value)) } }
                } }
            }
        }
    }
}

/// Circle, triangle, diamond and cross: told apart without their colours.
fn mark(result: &CheckResult, x: f64, y: f64) -> Markup {
    let said = || {
        let value = result.value.map(|value| format!(", {}", number(value))).unwrap_or_default();
        format!("{} {}{value}", moment(result.at), result.status.to_lowercase())
    };
    let at = |dx: f64, dy: f64| format!("{} {}", short(x + dx), short(y + dy));
    html! {
        @match result.status.as_str() {
            // Of most there is nothing to say: what passed is in the list.
            "PASS" => { circle.pass cx=(short(x)) cy=(short(y)) r="2" {} }
            "WARN" => { path.warn d={ "M" (at(0.0, -4.5)) "L" (at(4.5, 3.5)) "L" (at(-4.5, 3.5)) "Z" } { title { (said()) } } }
            "FAIL" => { path.fail d={ "M" (at(0.0, -5.0)) "L" (at(5.0, 0.0)) "L" (at(0.0, 5.0)) "L" (at(-5.0, 0.0)) "Z" } { title { (said()) } } }
            _ => { path.cross d={ "M" (at(-4.0, -4.0)) "L" (at(4.0, 4.0)) "M" (at(4.0, -4.0)) "L" (at(-4.0, 4.0)) } { title { (said()) } } }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bar(rows: u64, rejected: u64, not_passed: u64) -> Bar {
        let at = DateTime::from_timestamp(1_795_435_200, 0).unwrap();
        Bar { at, rows, rejected, checks: 4, not_passed, state: "PASSED".into() }
    }

    #[test]
    fn bars_are_as_high_as_their_rows_and_never_out_of_the_picture() {
        let drawn = loads("x", &[bar(100, 0, 0), bar(50, 50, 1), bar(0, 0, 4), bar(u64::MAX / 4, 0, 0)]).into_string();
        assert!(!drawn.contains("NaN") && !drawn.contains("inf") && !drawn.contains("=\"-"), "{drawn}");
        let even = loads("x", &[bar(100, 0, 0), bar(50, 50, 1)]).into_string();
        assert!(even.contains("y=\"4\" width=\"8\" height=\"96\"") && even.contains("height=\"48\""), "{even}");
        assert!(even.contains("2026-11-23 12:00:00: 50 rows, 50 rejected; 1 of 4 checks not passed"), "{even}");
    }

    #[test]
    fn a_history_can_be_drawn_of_any_values() {
        for values in [
            vec![],
            vec![None],
            vec![Some(1.0)],
            vec![Some(f64::MAX), Some(f64::MIN)],
            vec![Some(0.0), None, Some(0.0)],
        ] {
            let result = |value: &Option<f64>| CheckResult {
                at: DateTime::default(),
                status: "FAIL".into(),
                value: *value,
                observed: String::new(),
                expected: String::new(),
                failed_rows: None,
            };
            let check = Check {
                table: "T".into(),
                name: "c".into(),
                kind: String::new(),
                origin: String::new(),
                severity: "warn".into(),
                results: values.iter().map(result).collect(),
                count: 1,
                not_passed: 1,
            };
            let drawn = history(&check).into_string();
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
            assert_eq!(drawn.matches("class=\"fail\"").count(), values.len());
        }
    }
}
