//! The page. Each section is a file; what they share is here.

mod chart;
mod graph;
mod head;
mod held;
mod quality;
mod rejects;
mod runs;
mod sources;

use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::bounds::NAME_CHARS;
use super::facts::Facts;
use super::text::{moment, shown};

/// Nothing may be fetched and nothing may run. Styles stand in the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole file.
pub fn page(facts: &Facts) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "millrace: " (shown(&facts.warehouse, NAME_CHARS)) }
                style { (PreEscaped(include_str!("page/style.css"))) }
            }
            body {
                a.skip href="#main" { "To the report" }
                (head::head(facts))
                main id="main" {
                    (head::needs(facts))
                    (runs::runs(facts))
                    (sources::sources(facts))
                    (quality::quality(facts))
                    (rejects::rejects(facts))
                    (held::held(facts))
                    (graph::lineage(facts))
                }
                footer {
                    p { "Written by millrace " (env!("CARGO_PKG_VERSION")) ". All times are UTC. This file runs nothing and fetches nothing." }
                }
            }
        }
    }
}

/// A section with its heading, and what there is to say about it.
fn section(id: &str, title: &str, intro: &str, body: Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            @if !intro.is_empty() { p.intro { (intro) } }
            (body)
        }
    }
}

/// A table in a box that scrolls by itself: a wide one must not make the page wide. `numeric` are the columns of numbers.
fn table(caption: &str, header: &[&str], numeric: &[usize], rows: impl IntoIterator<Item = Vec<Markup>>) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-label=(caption) {
            table class=[(header.len() > 5).then_some("wide")] {
                caption { span { (caption) } }
                thead {
                    tr { @for (at, name) in header.iter().enumerate() {
                        th scope="col" class=[numeric.contains(&at).then_some("number")] { (name) }
                    } }
                }
                tbody { @for row in rows {
                    tr { @for (at, cell) in row.iter().enumerate() {
                        td class=[numeric.contains(&at).then_some("number")] { (cell) }
                    } }
                } }
            }
        }
    }
}

/// The same, with all rows but the first `open` folded away: what comes below must be found too.
fn folded(
    caption: &str,
    header: &[&str],
    numeric: &[usize],
    mut rows: Vec<Vec<Markup>>,
    (open, summary): (usize, &str),
) -> Markup {
    let rest = rows.split_off(rows.len().min(open));
    html! {
        (table(caption, header, numeric, rows))
        @if !rest.is_empty() {
            details {
                summary { (summary) " (" (rest.len()) ")" }
                (table(&format!("{caption}: the others"), header, numeric, rest))
            }
        }
    }
}

/// A name that somebody else gave: a file's, a LOAD_ID. Its direction stays inside of it.
fn name(text: &str) -> Markup {
    html! { bdi.name { (shown(text, NAME_CHARS)) } }
}

/// A moment, on one line.
fn when(at: Option<DateTime<Utc>>) -> Markup {
    html! { @if let Some(at) = at { time.when datetime=(at.to_rfc3339()) { (moment(at)) } } @else { span.faint { "none" } } }
}

/// Text that somebody else wrote, in so many characters.
fn words(text: &str, max_chars: usize) -> Markup {
    html! { bdi { (shown(text, max_chars)) } }
}

/// A state in a word, with a shape beside its colour.
fn badge(state: &str) -> Markup {
    let (class, sign) = match state {
        "PASSED" | "PASS" | "SUCCESS" | "in time" => ("good", "●"),
        "WARNED" | "WARN" | "CANCELLED" | "never delivered" | "DISCARDED" | "overtaken" => ("warn", "▲"),
        "INGESTING" | "LOADED" | "TRANSFORMED" | "not expected" | "PLANNED" => ("calm", "○"),
        _ => ("bad", "◆"),
    };
    html! { span class={ "badge " (class) } { span aria-hidden="true" { (sign) } " " (state.to_lowercase()) } }
}

/// That there is nothing to show.
fn nothing(text: &str) -> Markup {
    html! { p.nothing { (text) } }
}

/// That more is there than is shown.
fn more(text: &str) -> Markup {
    html! { p.more { (text) } }
}
