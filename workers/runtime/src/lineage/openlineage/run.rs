//! One run of a job, and the events that tell of it.

use chrono::{DateTime, SecondsFormat, Utc};
use messages::{Envelope, Failure, FailureClass, LoadId, Message, MessageId};
use serde_json::{Value, json};

use super::facets::{self, Facets, PRODUCER};

/// What an event says of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Start,
    /// More is told of a run that goes on.
    Running,
    Complete,
    Fail,
    Abort,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Running => "RUNNING",
            Self::Complete => "COMPLETE",
            Self::Fail => "FAIL",
            Self::Abort => "ABORT",
        }
    }

    /// How a run ends that failed so.
    pub(super) fn of(failure: &Failure) -> Self {
        if failure.class == FailureClass::Cancelled { Self::Abort } else { Self::Fail }
    }
}

/// One run of a job.
pub(super) struct Run {
    id: String,
    at: DateTime<Utc>,
    namespace: String,
    job: String,
    job_facets: Facets,
    run_facets: Facets,
}

/// The command that led to a message, by which what belongs together is known.
fn command(envelope: &Envelope) -> MessageId {
    match &envelope.message {
        Message::SourceFileDiscovered(file) => file.command_id,
        _ => envelope.correlation_id.unwrap_or(envelope.id),
    }
}

/// The run that a LOAD_ID stands for: whatever is done under it is part of that one.
fn of_load(load_id: &LoadId) -> String {
    MessageId::derived(DateTime::UNIX_EPOCH, &format!("openlineage\n{load_id}")).to_string()
}

/// The job that a LOAD_ID is a run of: the DAG's, where it is Airflow's `dag_id::run_id`.
fn job_of_load(load_id: &LoadId) -> &str {
    load_id.as_str().split_once("::").map_or("load", |(job, _)| job)
}

impl Run {
    /// The run of `job` that `envelope` tells of. Whatever led to the same command says the same run.
    pub(super) fn of(envelope: &Envelope, namespace: &str, job: impl Into<String>) -> Self {
        let job = job.into();
        let (load_id, command) = (envelope.load_id(), command(envelope));
        let mut told = json!({
            "loadId": load_id.as_str(), "commandId": command.to_string(), "traceId": envelope.trace.trace_id(),
        });
        if let Some((dag_id, run_id)) = load_id.as_str().split_once("::")
            && !["watch", "overdue"].contains(&dag_id)
        {
            told["dagId"] = dag_id.into();
            told["runId"] = run_id.into();
        }
        let mut run_facets = Facets::new();
        run_facets.insert("parent".into(), facets::parent(&of_load(load_id), namespace, job_of_load(load_id)));
        run_facets.insert("millrace_load".into(), facets::load(told));
        Self {
            id: command.leading_to(&format!("openlineage\n{job}\n{load_id}")).to_string(),
            at: envelope.time,
            namespace: namespace.into(),
            job_facets: Facets::from_iter([("jobType".into(), facets::job_type("MILLRACE", "TASK"))]),
            job,
            run_facets,
        }
    }

    /// The run of one of its models. Loads that were built together share it, so it has `build`'s name where that is known.
    pub(super) fn of_model(&self, model: &str, build: &str) -> Self {
        let id = match MessageId::parse(build) {
            Some(build) => build.leading_to(&format!("openlineage\n{model}")).to_string(),
            None => MessageId::parse(&self.id).map_or_else(|| self.id.clone(), |id| id.leading_to(model).to_string()),
        };
        let mut run_facets = self.run_facets.clone();
        run_facets.insert("parent".into(), facets::parent(&self.id, &self.namespace, &self.job));
        Self {
            id,
            at: self.at,
            namespace: self.namespace.clone(),
            job: format!("{}.{model}", self.job),
            job_facets: Facets::from_iter([("jobType".into(), facets::job_type("DBT", "MODEL"))]),
            run_facets,
        }
    }

    /// The same, told at another moment.
    pub(super) fn at(mut self, at: DateTime<Utc>) -> Self {
        self.at = at;
        self
    }

    /// The same with another facet of the run.
    pub(super) fn with(mut self, name: &str, facet: Value) -> Self {
        self.run_facets.insert(name.into(), facet);
        self
    }

    /// The same, of data that is so new.
    pub(super) fn of_data(self, as_of: DateTime<Utc>) -> Self {
        self.with("nominalTime", facets::nominal_time(&moment(as_of)))
    }

    /// The event.
    pub(super) fn event(&self, kind: Kind, inputs: Vec<Value>, outputs: Vec<Value>) -> Value {
        json!({
            "eventType": kind.as_str(),
            "eventTime": moment(self.at),
            "producer": PRODUCER,
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": { "runId": self.id, "facets": self.run_facets },
            "job": { "namespace": self.namespace, "name": self.job, "facets": self.job_facets },
            "inputs": inputs,
            "outputs": outputs,
        })
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
