//! How fresh each source is.

use maud::{Markup, html};

use super::{badge, name, nothing, section, table, when};
use crate::freshness::{Source, State};
use crate::output::age;
use crate::report::facts::Facts;

pub fn sources(facts: &Facts) -> Markup {
    let header = ["State", "Source", "Newest data (UTC)", "Expected by (UTC)", "Last loaded (UTC)", "Owner"];
    let body = html! {
        @if facts.sources.is_empty() {
            (nothing("There is no contract."))
        } @else if facts.faults.iter().any(|fault| fault.starts_with("freshness: ")) {
            (nothing("How fresh the data is could not be read: see above."))
        } @else {
            (table("Each source, and whether it delivered as expected", &header, &[], facts.sources.iter().map(row)))
        }
    };
    let intro =
        "How new the data is that is current, by its own date. What is expected stands in each contract as arrival.";
    section("sources", "Freshness", intro, body)
}

fn row(source: &Source) -> Vec<Markup> {
    vec![
        html! {
            (badge(source.state.as_str()))
            @if source.state == State::Late { " " span.faint { "for " (age(source.overdue_secs)) } }
        },
        name(&source.source),
        when(source.newest_as_of),
        when(source.expected_at),
        when(source.loaded_at),
        name(&source.owner),
    ]
}
