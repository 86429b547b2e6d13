//! What has come, and what requests suffer.

use std::sync::{Mutex, MutexGuard};

use super::fault::Fault;
use crate::metric::Metric;
use crate::span::Span;

#[derive(Default)]
pub struct Store {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    spans: Vec<Span>,
    metrics: Vec<Metric>,
    requests: usize,
    fault: Fault,
}

impl Store {
    pub fn add_spans(&self, spans: Vec<Span>) {
        self.lock().spans.extend(spans);
    }

    /// Each takes the place of the one of the same time series.
    pub fn add_metrics(&self, metrics: Vec<Metric>) {
        let mut state = self.lock();
        for metric in metrics {
            match state.metrics.iter_mut().find(|known| is_same_series(known, &metric)) {
                Some(known) => *known = metric,
                None => state.metrics.push(metric),
            }
        }
    }

    /// Counts a request, and answers what it suffers.
    pub fn request_came(&self) -> Fault {
        let mut state = self.lock();
        state.requests += 1;
        state.fault
    }

    pub fn set_fault(&self, fault: Fault) {
        self.lock().fault = fault;
    }

    pub fn spans(&self) -> Vec<Span> {
        self.lock().spans.clone()
    }

    pub fn metrics(&self) -> Vec<Metric> {
        self.lock().metrics.clone()
    }

    pub fn requests(&self) -> usize {
        self.lock().requests
    }

    pub fn clear(&self) {
        let mut state = self.lock();
        state.spans.clear();
        state.metrics.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn is_same_series(one: &Metric, other: &Metric) -> bool {
    (&one.name, &one.scope) == (&other.name, &other.scope)
        && one.attributes == other.attributes
        && one.resource == other.resource
}
