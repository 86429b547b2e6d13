//! What messages tell of lineage. Each is looked at where a stage takes it up, and where what it led to is announced.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use messages::{Envelope, Message};
use serde_json::Value;

use super::names::Names;
use super::run::{Kind, Run};
use crate::Contracts;
use crate::lineage::graph::Graph;

/// Builds that are remembered: of the loads that were built together, the first tells of the models.
const BUILDS: usize = 1_000;

/// Knows what is needed to tell.
pub(super) struct Teller {
    pub(super) names: Names,
    /// The namespace of the jobs.
    pub(super) namespace: String,
    pub(super) contracts: Arc<Contracts>,
    pub(super) graph: Graph,
    told: Mutex<VecDeque<String>>,
}

impl Teller {
    pub(super) fn new(names: Names, namespace: String, contracts: Arc<Contracts>, graph: Graph) -> Self {
        Self { names, namespace, contracts, graph, told: Mutex::default() }
    }

    /// A stage takes a message up: what begins with it.
    pub(super) fn taken(&self, envelope: &Envelope) -> Vec<Value> {
        match &envelope.message {
            // Files of a larger run were told of with its plan.
            Message::SourceFileDiscovered(file) if file.run_files <= 1 => self.file_begins(envelope, file),
            Message::IngestCompleted(data) => {
                let sources = data.tables.iter().map(|table| table.source.as_str());
                vec![self.build_begins(envelope, sources)]
            }
            Message::TransformRequested(data) => {
                vec![self.build_begins(envelope, data.sources.iter().map(String::as_str))]
            }
            Message::TransformCompleted(_) | Message::DqRequested(_) => {
                vec![self.begins(envelope, "dq").event(Kind::Start, Vec::new(), Vec::new())]
            }
            _ => Vec::new(),
        }
    }

    /// What a message led to was announced: what ended with it.
    pub(super) fn led_to(&self, cause: &Envelope, announced: &[Envelope]) -> Vec<Value> {
        let mut events = self.run_begins(announced);
        for envelope in announced {
            match &envelope.message {
                Message::IngestCompleted(data) => events.extend(self.loaded(cause, envelope, data)),
                Message::IngestFailed(data) => events.extend(self.not_loaded(cause, envelope, data)),
                Message::TransformCompleted(data) => events.extend(self.built(envelope, data)),
                Message::TransformFailed(data) => events.extend(self.not_built(envelope, data)),
                Message::DqCompleted(data) => events.push(self.judged(envelope, &data.checks, None)),
                Message::DqFailed(data) => events.push(self.judged(envelope, &data.checks, Some(&data.failure))),
                _ => {}
            }
        }
        events
    }

    /// The run that begins now.
    pub(super) fn begins(&self, envelope: &Envelope, job: impl Into<String>) -> Run {
        self.run(envelope, job).at(Utc::now())
    }

    /// The run that a message tells of, at the moment when that was made.
    pub(super) fn run(&self, envelope: &Envelope, job: impl Into<String>) -> Run {
        Run::of(envelope, &self.namespace, job)
    }

    /// Whether a build's models are to be told of yet; from then on they are not.
    pub(super) fn is_first(&self, build: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if build.is_empty() {
            return true;
        }
        if told.iter().any(|known| known == build) {
            return false;
        }
        told.push_back(build.to_owned());
        if told.len() > BUILDS {
            told.pop_front();
        }
        true
    }
}
