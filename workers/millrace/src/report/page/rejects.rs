//! Rows that were set aside, and shapes that were not the contract's.

use maud::{Markup, html};

use super::{badge, more, name, nothing, section, table, when, words};
use crate::output::thousands;
use crate::report::bounds::{ERROR_CHARS, LISTED, RAW_CHARS, REJECT_GROUPS};
use crate::report::facts::{Facts, Reject};

pub fn rejects(facts: &Facts) -> Markup {
    let groups = &facts.reject_groups;
    let body = html! {
        @if groups.is_empty() {
            (nothing("No row was set aside in this time."))
        } @else {
            (table("Rejected rows by file and reason, the most first", &["Table", "File", "Reason", "Rows", "Last (UTC)"], &[3],
                groups.iter().take(REJECT_GROUPS).map(|group| vec![
                    name(&group.table), name(&group.file), words(&group.reason, ERROR_CHARS),
                    html! { (thousands(group.rows)) }, when(group.last_at),
                ])))
            @if groups.len() > REJECT_GROUPS { (more("There are more groups: ask RAW.REJECTED_ROWS.")) }
            details {
                summary { "The newest rejected rows as they stand in their files" }
                (table("Rejected rows, newest first", &["File", "Line", "Reason", "Text"], &[1], facts.rejects.iter().map(reject)))
            }
        }
        h3 { "Changes of shape" }
        @if facts.shapes.is_empty() {
            (nothing("Every file had the columns of its contract."))
        } @else {
            (table("Files whose columns were not the contract’s, newest first",
                &["Noted (UTC)", "Change", "Column", "Policy", "Table", "File"], &[],
                facts.shapes.iter().take(LISTED).map(|shape| vec![
                    when(shape.at), html! { (shape.change.to_lowercase().replace('_', " ")) },
                    name(&shape.column), words(&shape.policy, 20), name(&shape.table), name(&shape.file),
                ])))
            @if facts.shapes.len() > LISTED { (more("There are more: ask RAW.SCHEMA_CHANGES.")) }
        }
        h3 { "Given up" }
        @if facts.dead.is_empty() {
            (nothing("There are no dead letters."))
        } @else {
            (table("Dead letters, newest first", &["Stage", "Died (UTC)", "Tries", "Load", "Cause"], &[2],
                facts.dead.iter().take(LISTED).map(|letter| vec![
                    html! { (letter.stage) }, when(Some(letter.died_at)), html! { (letter.attempts) },
                    name(&letter.load_id.as_ref().map(ToString::to_string).unwrap_or_default()),
                    html! { (badge(letter.cause.class.as_str())) " " (words(&letter.cause.message, ERROR_CHARS)) },
                ])))
            @if facts.dead.len() > LISTED { (more("There are more: `millrace dead list` has them.")) }
        }
    };
    section("rejects", "Rejects", "Rows and messages that did not get through, and why.", body)
}

fn reject(reject: &Reject) -> Vec<Markup> {
    vec![
        html! { (name(&reject.file)) p.faint { (name(&reject.load_id)) } },
        html! { (thousands(reject.line)) },
        words(&reject.reason, ERROR_CHARS),
        html! { code.raw { (words(&reject.raw, RAW_CHARS)) @if reject.is_truncated { " …" } } },
    ]
}
