//! The tree that the spans of one trace make.

mod render;

use crate::span::Span;

/// All spans of one trace, by their start.
///
/// What asks for one span panics, with the tree, where there is none or more than one.
#[derive(Debug, Clone)]
pub struct Trace {
    spans: Vec<Span>,
}

impl Trace {
    /// Every trace in `spans`, by their start.
    pub fn all(spans: &[Span]) -> Vec<Self> {
        let mut sorted = spans.to_vec();
        sorted.sort_by_key(|span| (span.start_nanos, span.end_nanos));
        let mut traces: Vec<Self> = Vec::new();
        for span in sorted {
            match traces.iter_mut().find(|trace| trace.id() == span.trace_id) {
                Some(trace) => trace.spans.push(span),
                None => traces.push(Self { spans: vec![span] }),
            }
        }
        traces
    }

    /// The trace of that id, if there is any span of it.
    pub fn find(spans: &[Span], trace_id: &str) -> Option<Self> {
        Self::all(spans).into_iter().find(|trace| trace.id() == trace_id)
    }

    /// The only trace in `spans`.
    #[track_caller]
    pub fn single(spans: &[Span]) -> Self {
        let mut traces = Self::all(spans);
        assert!(traces.len() == 1, "expected one trace, not {}:\n{}", traces.len(), render_all(spans));
        traces.remove(0)
    }

    /// Its id, in lower-case hex.
    pub fn id(&self) -> &str {
        &self.spans[0].trace_id
    }

    /// All its spans, by their start.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The span without a parent.
    #[track_caller]
    pub fn root(&self) -> &Span {
        self.one("root", self.spans.iter().filter(|span| span.parent_span_id.is_none()).collect())
    }

    /// Spans whose parent is not here: not yet exported, lost, or another process's.
    pub fn orphans(&self) -> Vec<&Span> {
        let lost = |span: &&Span| span.parent_span_id.is_some() && self.parent_of(span).is_none();
        self.spans.iter().filter(lost).collect()
    }

    /// The span that `span` is a part of, if it is here.
    pub fn parent_of(&self, span: &Span) -> Option<&Span> {
        let parent = span.parent_span_id.as_ref()?;
        self.spans.iter().find(|other| other.span_id == *parent)
    }

    /// What `span` is made of, by their start.
    pub fn children_of(&self, span: &Span) -> Vec<&Span> {
        self.spans.iter().filter(|child| child.parent_span_id.as_ref() == Some(&span.span_id)).collect()
    }

    /// All spans of that name.
    pub fn named(&self, name: &str) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.name == name).collect()
    }

    /// The only span of that name.
    #[track_caller]
    pub fn only(&self, name: &str) -> &Span {
        self.one(name, self.named(name))
    }

    /// The only span that one comes to by these names from a span without a parent: `ingest/publish/process`. Names may
    /// have slashes of their own.
    #[track_caller]
    pub fn path(&self, path: &str) -> &Span {
        self.one(path, self.paths(path))
    }

    /// All spans that one comes to by these names: see [`Trace::path`].
    pub fn paths(&self, path: &str) -> Vec<&Span> {
        let roots = self.spans.iter().filter(|span| span.parent_span_id.is_none());
        roots.flat_map(|root| self.walk(root, path)).collect()
    }

    fn walk<'a>(&'a self, span: &'a Span, path: &str) -> Vec<&'a Span> {
        let Some(rest) = path.strip_prefix(&span.name) else { return Vec::new() };
        if rest.is_empty() {
            return vec![span];
        }
        let Some(rest) = rest.strip_prefix('/') else { return Vec::new() };
        self.children_of(span).into_iter().flat_map(|child| self.walk(child, rest)).collect()
    }

    #[track_caller]
    fn one<'a>(&self, what: &str, found: Vec<&'a Span>) -> &'a Span {
        match found[..] {
            [span] => span,
            _ => panic!("expected one span {what:?}, not {}:\n{}", found.len(), self.render()),
        }
    }

    /// The tree as text: a line for each span with its name, service, kind, status, length and links, below its parent.
    pub fn render(&self) -> String {
        render::tree(self)
    }
}

/// Every trace in `spans` as text, for what a failed test prints.
pub fn render_all(spans: &[Span]) -> String {
    if spans.is_empty() {
        return "no spans\n".into();
    }
    Trace::all(spans).iter().map(Trace::render).collect()
}
