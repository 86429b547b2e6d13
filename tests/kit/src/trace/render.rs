//! A trace as people read it.

use std::fmt::Write;

use super::Trace;
use crate::span::{Span, Status};

pub fn tree(trace: &Trace) -> String {
    let mut text = format!("trace {}\n", trace.id());
    let mut seen = Vec::new();
    for root in trace.spans().iter().filter(|span| span.parent_span_id.is_none()) {
        branch(trace, root, 1, &mut seen, &mut text);
    }
    for orphan in trace.orphans() {
        let _ = writeln!(text, "  of {}, which is not here:", orphan.parent_span_id.as_deref().unwrap_or_default());
        branch(trace, orphan, 2, &mut seen, &mut text);
    }
    // Below no root and no orphan: each is its own ancestor.
    for span in trace.spans() {
        if !seen.iter().any(|other| std::ptr::eq(*other, span)) {
            text += "  in a circle:\n";
            branch(trace, span, 2, &mut seen, &mut text);
        }
    }
    text
}

fn branch<'a>(trace: &'a Trace, span: &'a Span, depth: usize, seen: &mut Vec<&'a Span>, text: &mut String) {
    // Stops at circles, and shows the children of a span that was exported twice once.
    if seen.iter().any(|other| std::ptr::eq(*other, span)) {
        return;
    }
    seen.push(span);
    *text += &"  ".repeat(depth);
    line(span, text);
    for child in trace.children_of(span) {
        branch(trace, child, depth + 1, seen, text);
    }
}

fn line(span: &Span, text: &mut String) {
    let kind = format!("{:?}", span.kind).to_lowercase();
    let status = match &span.status {
        Status::Unset => String::new(),
        Status::Ok => ", ok".into(),
        Status::Error(message) => format!(", error: {message}"),
    };
    let millis = span.end_nanos.saturating_sub(span.start_nanos) / 1_000_000;
    let _ = write!(text, "{} [{}, {kind}{status}] {millis} ms", span.name, span.service);
    for link in &span.links {
        let _ = write!(text, ", link to {} of trace {}", link.span_id, link.trace_id);
    }
    text.push('\n');
}
