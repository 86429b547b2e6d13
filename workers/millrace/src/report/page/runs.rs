//! The loads, newest first.

use maud::{Markup, html};

use super::{badge, folded, more, name, nothing, section, when, words};
use crate::output::thousands;
use crate::report::bounds::{ERROR_CHARS, RUNS};
use crate::report::facts::{Facts, Load};
use crate::report::text::duration;

/// Loads that are seen without asking for more.
const OPEN: usize = 20;

pub fn runs(facts: &Facts) -> Markup {
    let header = ["State", "Load", "Source and files", "Rows", "Rejected", "Took", "Ended (UTC)", "Trace"];
    let body = html! {
        @if facts.loads.is_empty() {
            (nothing("No load in this time."))
        } @else {
            @let rows = facts.loads.iter().take(RUNS).map(|load| row(load, facts.trace_url.as_deref())).collect();
            (folded("Loads, newest first", &header, &[3, 4, 5], rows, (OPEN, "Older loads")))
            @if facts.loads.len() > RUNS {
                (more(&format!("The newest {RUNS} of {}.", thousands(facts.loads.len() as u64))))
            }
        }
    };
    section("runs", "Loads", "", body)
}

fn row(load: &Load, trace_url: Option<&str>) -> Vec<Markup> {
    let took = load.ended_at.signed_duration_since(load.begun_at).as_seconds_f64();
    vec![
        badge(&load.state),
        html! {
            (name(&load.load_id))
            @if let Some(error) = &load.error { p.error { (words(error, ERROR_CHARS)) } }
        },
        html! {
            @if load.sources.iter().all(String::is_empty) { span.faint { "no contract" } }
            @else { (name(&load.sources.join(", "))) }
            ul.files {
                @for file in load.files.iter().take(3) { li { (name(file)) } }
                @if load.file_count > 3 { li.faint { "and " (load.file_count - load.files.len().min(3)) " more" } }
            }
        },
        html! { (thousands(load.rows)) },
        html! { (thousands(load.rejected)) },
        html! { (duration(took)) },
        when(Some(load.ended_at)),
        trace(&load.trace_id, trace_url),
    ]
}

/// A link only where both can be nothing but what they should be.
fn trace(trace_id: &str, url: Option<&str>) -> Markup {
    let is_id = trace_id.len() == 32 && trace_id.chars().all(|digit| digit.is_ascii_hexdigit());
    let url = url.filter(|url| is_id && (url.starts_with("https://") || url.starts_with("http://")));
    html! {
        @match (url, is_id) {
            (Some(url), _) => { a href=(url.replace("{trace_id}", trace_id)) rel="noreferrer noopener" { (trace_id[..8]) "…" } }
            (None, true) => { code title=(trace_id) { (trace_id[..8]) "…" } }
            (None, false) => { span.faint { "none" } }
        }
    }
}
