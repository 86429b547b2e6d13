//! The head: which warehouse, how many loads ended how, and what needs somebody now.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{badge, name, nothing, section, table};
use crate::freshness::State;
use crate::output::{counted, thousands};
use crate::report::bounds::{ERROR_CHARS, LINES, LISTED, NAME_CHARS};
use crate::report::facts::Facts;
use crate::report::text::{moment, shown};

const SECTIONS: [(&str, &str); 7] = [
    ("needs", "Needs you"),
    ("runs", "Loads"),
    ("sources", "Freshness"),
    ("quality", "Quality"),
    ("rejects", "Rejects"),
    ("held", "Held loads"),
    ("lineage", "Lineage"),
];

pub fn head(facts: &Facts) -> Markup {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    facts.loads.iter().for_each(|load| *states.entry(&load.state).or_default() += 1);
    let rows: u64 = facts.loads.iter().map(|load| load.rows).sum();
    let rejected: u64 = facts.loads.iter().map(|load| load.rejected).sum();
    let late = facts.sources.iter().filter(|source| source.state == State::Late).count();
    html! {
        header {
            p.brand { "millrace" }
            h1 { "How the plant’s data is" }
            p.sub {
                bdi { (shown(&facts.warehouse, NAME_CHARS)) } " · " (moment(facts.since)) " to "
                time datetime=(facts.made_at.to_rfc3339()) { (moment(facts.made_at)) } " UTC"
            }
            dl.cards {
                (card("Loads", &thousands(facts.loads.len() as u64), &format!("in {}", counted(facts.days as usize, "day"))))
                (card("Rows", &thousands(rows), &format!("{} set aside", thousands(rejected))))
                (card("Late sources", &late.to_string(), &format!("of {}", facts.sources.len())))
                (card("Dead letters", &facts.dead.len().to_string(), "given up"))
            }
            @if !states.is_empty() {
                ul.verdicts aria-label="Loads by how they ended" {
                    @for (state, count) in &states { li { (badge(state)) " " b { (thousands(*count as u64)) } } }
                }
            }
            nav aria-label="Sections" { ul { @for (id, title) in SECTIONS { li { a href={ "#" (id) } { (title) } } } } }
            @if facts.is_cut {
                p.more { "Only the newest " (thousands(LINES as u64)) " lines of the audit are counted: ask for fewer days with --days." }
            }
            @if !facts.faults.is_empty() {
                div.fault role="note" {
                    p { b { "Missing in this report" } }
                    ul { @for fault in &facts.faults { li { bdi { (shown(fault, ERROR_CHARS)) } } } }
                }
            }
        }
    }
}

fn card(title: &str, value: &str, beside: &str) -> Markup {
    html! { div { dt { (title) } dd { span.value { (value) } " " span.beside { (beside) } } } }
}

/// What stands between backquotes is a command.
fn act(text: &str) -> Markup {
    html! { @for (at, part) in text.split('`').enumerate() { @if at % 2 == 1 { code { (part) } } @else { (part) } } }
}

pub fn needs(facts: &Facts) -> Markup {
    let needs = facts.needs();
    let body = html! {
        @if needs.is_empty() && (!facts.faults.is_empty() || facts.is_cut) {
            (nothing("Nothing in what could be read; what is missing in this report, as named above, may need somebody."))
        } @else if needs.is_empty() {
            (nothing("Nothing. No source is late, nothing is held back, and what failed was made up for since."))
        } @else {
            (table("What needs somebody, and what to do", &["What", "Which", "What to do"], &[],
                needs.iter().take(LISTED).map(|need| vec![
                    badge(&need.what), name(&need.about), act(&need.act),
                ])))
            @if needs.len() > LISTED { (super::more(&format!("And {} more.", needs.len() - LISTED))) }
        }
    };
    section("needs", "Needs somebody now", "", body)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bus::DeadLetter;
    use messages::{Failure, Stage};
    use serde_json::json;

    use super::*;
    use crate::freshness::Source;
    use crate::load::State as LoadState;
    use crate::report::facts::{Held, Load, QUARANTINED};

    /// What stands where everything is well.
    const ALL_CLEAR: &str = "Nothing. No source is late";

    fn shown(facts: &Facts) -> String {
        needs(facts).into_string()
    }

    fn load(state: LoadState) -> Load {
        Load {
            load_id: "a::1".into(),
            state: state.as_str().into(),
            is_failure: state.is_failure(),
            sources: vec!["a".into()],
            tables: Vec::new(),
            files: vec!["a.csv".into()],
            file_count: 1,
            rows: 0,
            rejected: 0,
            begun_at: Default::default(),
            ended_at: Default::default(),
            error: None,
            trace_id: String::new(),
        }
    }

    fn held() -> Held {
        Held {
            load_id: "a::1".into(),
            table: "A".into(),
            file: "a.csv".into(),
            status: QUARANTINED.into(),
            rows: 1,
            why: String::new(),
            decided_by: String::new(),
            decided_why: String::new(),
            at: Default::default(),
        }
    }

    fn dead() -> DeadLetter {
        let cause = Failure::permanent("no such column");
        serde_json::from_value(json!({
            "dead_id": "1", "stage": Stage::Ingest, "message_id": null, "message_type": null, "load_id": null, "cause": cause,
            "attempts": 1, "worker": "w", "died_at": "2026-11-23T00:00:00Z", "trace_id": null, "body": ""
        }))
        .unwrap()
    }

    fn late() -> Source {
        Source {
            source: "a".into(),
            owner: String::new(),
            state: State::Late,
            newest_as_of: None,
            loaded_at: None,
            expected_at: None,
            overdue_secs: 60,
        }
    }

    #[test]
    fn all_is_well_where_all_was_read_and_nothing_needs_anybody() {
        for state in [LoadState::Passed, LoadState::Warned, LoadState::Transformed, LoadState::Discarded] {
            let page = shown(&Facts { loads: vec![load(state)], ..Facts::default() });
            assert!(page.contains(ALL_CLEAR), "{state:?}: {page}");
        }
    }

    #[test]
    fn it_is_not_said_that_all_is_well_while_anything_needs_somebody() {
        let of_load = |state| Facts { loads: vec![load(state)], ..Facts::default() };
        for (facts, seen) in [
            (of_load(LoadState::IngestFailed), "a::1"),
            (of_load(LoadState::TransformFailed), "a::1"),
            // Its checks did not pass.
            (of_load(LoadState::Failed), "a::1"),
            (Facts { held: vec![held()], ..of_load(LoadState::Quarantined) }, "held back"),
            (Facts { dead: vec![dead()], ..Facts::default() }, "dead letters"),
            (Facts { sources: vec![late()], ..Facts::default() }, "late for"),
        ] {
            let page = shown(&facts);
            assert!(!page.contains(ALL_CLEAR) && page.contains(seen), "{seen}: {page}");
        }
    }

    #[test]
    fn it_is_not_said_that_all_is_well_where_not_all_was_read() {
        let unread = Facts { faults: vec!["loads: the warehouse is away".into()], ..Facts::default() };
        for facts in [unread, Facts { is_cut: true, ..Facts::default() }] {
            let page = shown(&facts);
            assert!(!page.contains(ALL_CLEAR) && page.contains("Nothing in what could be read"), "{page}");
        }
    }
}
