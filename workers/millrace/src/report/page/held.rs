//! Loads that were held back, and what somebody decided.

use maud::{Markup, html};

use super::{badge, more, name, nothing, section, table, when, words};
use crate::output::thousands;
use crate::report::bounds::{ERROR_CHARS, LISTED};
use crate::report::facts::{Facts, Held};

pub fn held(facts: &Facts) -> Markup {
    let header = ["State", "Load", "File", "Rows", "Why it was held", "Decision", "When (UTC)"];
    let body = html! {
        @if facts.held.is_empty() {
            (nothing("Nothing was held back in this time."))
        } @else {
            (table("Loads that were held back, newest first", &header, &[3], facts.held.iter().take(LISTED).map(row)))
            @if facts.held.len() > LISTED { (more(&format!("The newest {LISTED} of {}.", facts.held.len()))) }
        }
    };
    section(
        "held",
        "Held loads",
        "Rows that a gate or a contract’s policy keeps from being current until somebody decides.",
        body,
    )
}

fn row(held: &Held) -> Vec<Markup> {
    // What was released is a success like others.
    let state = if held.status == "SUCCESS" { "released" } else { &held.status };
    vec![
        if held.status == "SUCCESS" {
            html! { span.badge.good { span aria-hidden="true" { "●" } " " (state) } }
        } else {
            badge(state)
        },
        name(&held.load_id),
        html! { (name(&held.file)) p.faint { (name(&held.table)) } },
        html! { (thousands(held.rows)) },
        words(&held.why, ERROR_CHARS),
        html! {
            @if held.decided_by.is_empty() { span.faint { "none yet" } }
            @else { (name(&held.decided_by)) p.faint { (words(&held.decided_why, ERROR_CHARS)) } }
        },
        when(Some(held.at)),
    ]
}
