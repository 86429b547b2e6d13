//! What is made of what, as a drawing.

use maud::{Markup, html};

use super::{more, name, nothing, section, table};
use crate::output::thousands;
use crate::report::facts::Facts;
use crate::report::lineage::Lineage;
use crate::report::text::shown;

const BOX: (usize, usize) = (194, 42);
const GAP: (usize, usize) = (43, 14);
const TOP: usize = 34;
/// Characters of a name that have room in a box.
const ROOM: usize = 26;

pub fn lineage(facts: &Facts) -> Markup {
    let graph = &facts.lineage;
    let body = html! {
        @if graph.nodes.is_empty() {
            (nothing("There is no contract and no model."))
        } @else {
            (drawing(graph, facts.faults.iter().any(|fault| fault.starts_with("tables: ") || fault.starts_with("rows of tables: "))))
            @if graph.more > 0 { (more(&format!("{} models are left out.", graph.more))) }
            details {
                summary { "As a table" }
                (table("Tables and models, and what each is made of", &["Layer", "Name", "Made of", "Rows"], &[3],
                    graph.nodes.iter().enumerate().filter(|(_, node)| node.layer > 0).map(|(at, node)| {
                        let from: Vec<&str> = graph.edges.iter().filter(|(_, to)| *to == at)
                            .map(|(from, _)| graph.nodes[*from].name.as_str()).collect();
                        vec![
                            html! { (graph.layers[node.layer]) }, name(&node.name), html! { bdi { (shown(&from.join(", "), 400)) } },
                            html! { @if let Some(rows) = node.rows { (thousands(rows)) } },
                        ]
                    })))
            }
        }
    };
    section("lineage", "Lineage", "From the sources to the marts, with the rows that each table shows now.", body)
}

fn drawing(graph: &Lineage, is_uncounted: bool) -> Markup {
    let places = places(graph);
    let lowest = places.iter().map(|(_, y)| y + BOX.1).max().unwrap_or_default();
    let width = graph.layers.len() * (BOX.0 + GAP.0) - GAP.0 + 2;
    let height = lowest + 2;
    html! {
        div.scroll role="region" tabindex="0" aria-label="Lineage as a drawing" {
            svg.graph width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" {
                title { "Lineage" }
                desc { (graph.nodes.len()) " sources, tables and models in " (graph.layers.len()) " layers; the table below says the same" }
                @for (at, layer) in graph.layers.iter().enumerate() {
                    text.layer x=(1 + at * (BOX.0 + GAP.0)) y="16" { (shown(layer, ROOM)) }
                }
                @for (from, to) in &graph.edges { (edge(places[*from], places[*to])) }
                @for (node, (x, y)) in graph.nodes.iter().zip(&places) {
                    g {
                        title { (shown(&node.name, 200)) }
                        rect.node x=(x) y=(y) width=(BOX.0) height=(BOX.1) rx="7" {}
                        text.title x=(x + 10) y=(y + 18) { (shown(&node.name, ROOM)) }
                        text.rows x=(x + 10) y=(y + 33) {
                            @match (node.rows, &node.relation) {
                                (Some(rows), _) => { (thousands(rows)) " rows" }
                                (None, Some(_)) => { @if is_uncounted { "not counted" } @else { "not built yet" } }
                                (None, None) => { "files" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn edge(from: (usize, usize), to: (usize, usize)) -> Markup {
    let (x1, y1) = (from.0 + BOX.0, from.1 + BOX.1 / 2);
    let (x2, y2) = (to.0, to.1 + BOX.1 / 2);
    let (line, head) = if x2 > x1 {
        let middle = usize::midpoint(x1, x2);
        (format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"), format!("M{x2} {y2}l-6 -3.5v7Z"))
    } else {
        // Within a layer, or backwards: around the right side, and below the middle, where no other begins.
        let (x2, y2, bend) = (to.0 + BOX.0, y2 + 9, x1.max(to.0 + BOX.0) + GAP.0 - 9);
        (format!("M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}"), format!("M{x2} {y2}l6 -3.5v7Z"))
    };
    html! { path.edge d=(line) {} path.arrow d=(head) {} }
}

/// Where each node stands: in its layer's column, beside what it is made of, so that few edges cross.
fn places(graph: &Lineage) -> Vec<(usize, usize)> {
    let mut places = vec![(0, 0); graph.nodes.len()];
    for layer in 0..graph.layers.len() {
        let mut column: Vec<usize> = (0..graph.nodes.len()).filter(|at| graph.nodes[*at].layer == layer).collect();
        column.sort_by_cached_key(|at| {
            let from: Vec<usize> =
                graph.edges.iter().filter(|(_, to)| to == at).map(|(from, _)| places[*from].1).collect();
            from.iter().sum::<usize>() * 1000 / from.len().max(1)
        });
        for (row, at) in column.into_iter().enumerate() {
            places[at] = (1 + layer * (BOX.0 + GAP.0), TOP + row * (BOX.1 + GAP.1));
        }
    }
    places
}
