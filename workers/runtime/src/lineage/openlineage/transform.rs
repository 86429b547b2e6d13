//! dbt builds models: one job for the build of a load, and one for each model.

use chrono::{DateTime, TimeDelta, Utc};
use messages::{Envelope, NodeOutcome, TransformCompleted, TransformFailed};
use serde_json::Value;

use super::facets::{self, Facets};
use super::run::{Kind, Run};
use super::teller::Teller;
use crate::lineage::graph::Node;

impl Teller {
    pub(super) fn build_begins<'a>(&self, envelope: &Envelope, sources: impl Iterator<Item = &'a str>) -> Value {
        self.begins(envelope, "transform").event(Kind::Start, self.sources(sources), Vec::new())
    }

    pub(super) fn built(&self, envelope: &Envelope, data: &TransformCompleted) -> Vec<Value> {
        let run = self.run(envelope, "transform");
        let inputs = self.sources(data.sources.iter().map(String::as_str));
        let mut events = vec![run.event(Kind::Complete, inputs, self.made(&data.nodes))];
        events.extend(self.models(&run, &data.nodes, &data.invocation_id, envelope.time));
        events
    }

    pub(super) fn not_built(&self, envelope: &Envelope, data: &TransformFailed) -> Vec<Value> {
        let run = self.run(envelope, "transform");
        let inputs = self.sources(data.sources.iter().map(String::as_str));
        let mut events = self.models(&run, &data.nodes, "", envelope.time);
        let run = run.with("errorMessage", facets::error(&data.failure));
        events.insert(0, run.event(Kind::of(&data.failure), inputs, self.made(&data.nodes)));
        events
    }

    /// The tables of these sources; of all, if none is named.
    fn sources<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<Value> {
        let names: Vec<String> = names.map(Into::into).collect();
        let contracts = self.contracts.named(&names).unwrap_or_default();
        contracts.into_iter().map(|contract| self.raw(contract, Facets::new())).collect()
    }

    /// The models that were built, without what is told of each.
    fn made(&self, nodes: &[NodeOutcome]) -> Vec<Value> {
        let built = nodes.iter().filter(|node| node.status == "success").filter_map(|node| self.model(node));
        built.map(|node| self.names.table(&node.schema, &node.table, Facets::new())).collect()
    }

    fn model(&self, outcome: &NodeOutcome) -> Option<&Node> {
        let is_model = outcome.resource_type == "model";
        is_model.then(|| self.graph.node(outcome.unique_id.rsplit('.').next()?)).flatten()
    }

    /// Each model that was built or failed, once for all loads that share the build. How long it took is known, and when
    /// the build was over.
    fn models(&self, run: &Run, nodes: &[NodeOutcome], build: &str, ended_at: DateTime<Utc>) -> Vec<Value> {
        if !self.is_first(build) {
            return Vec::new();
        }
        let mut events = Vec::new();
        for (outcome, node) in nodes.iter().filter_map(|outcome| Some((outcome, self.model(outcome)?))) {
            let kind = match outcome.status.as_str() {
                "success" => Kind::Complete,
                "error" | "fail" => Kind::Fail,
                _ => continue,
            };
            let took = TimeDelta::try_milliseconds((outcome.elapsed_secs * 1000.0) as i64).unwrap_or_default();
            let begun = run.of_model(&node.name, build).at(ended_at.checked_sub_signed(took).unwrap_or(ended_at));
            events.push(begun.event(Kind::Start, self.parents(node), vec![self.described(node)]));
            let mut ended = run.of_model(&node.name, build);
            if let Some(message) = outcome.message.as_deref().filter(|_| kind == Kind::Fail) {
                ended = ended.with("errorMessage", facets::error_text(message));
            }
            events.push(ended.event(kind, self.parents(node), vec![self.described(node)]));
        }
        events
    }

    fn parents(&self, node: &Node) -> Vec<Value> {
        let parents = node.parents.iter().filter_map(|parent| self.graph.node(parent));
        parents.map(|parent| self.names.table(&parent.schema, &parent.table, Facets::new())).collect()
    }

    fn described(&self, node: &Node) -> Value {
        let mut facets = Facets::new();
        if !node.columns.is_empty() {
            let columns = node.columns.iter().map(|(name, what)| (name.as_str(), None, what.as_str()));
            facets.insert("schema".into(), facets::schema(columns));
        }
        if !node.description.is_empty() {
            facets.insert("documentation".into(), facets::documentation(&node.description));
        }
        self.names.table(&node.schema, &node.table, facets)
    }
}
