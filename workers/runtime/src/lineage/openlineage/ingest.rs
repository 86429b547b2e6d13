//! Files become rows of RAW: one job per table.

use std::collections::BTreeMap;

use messages::{Envelope, Failure, IngestCompleted, IngestFailed, Message, SourceFileDiscovered, TableLoad};
use serde_json::Value;

use super::facets::{self, Facets};
use super::run::Kind;
use super::teller::Teller;
use crate::Contract;
use crate::contract::Column;
use crate::lineage::graph::{LOADED_AT, ORIGIN};

/// Files in one event. A run of more tells of the others in further ones.
const FILES_PER_EVENT: usize = 100;

/// A file of a run, the message that tells of it, and its contract.
type FileOfRun<'a> = (&'a Envelope, &'a SourceFileDiscovered, Option<&'a Contract>);

/// The job of files that no contract claims.
const UNKNOWN: &str = "ingest.unknown";

impl Teller {
    fn contract_of(&self, file: &SourceFileDiscovered) -> Option<&Contract> {
        let named = file.source.as_deref().and_then(|source| self.contracts.source(source));
        named.or_else(|| self.contracts.for_file(&file.uri).ok())
    }

    /// A file that is a load of its own is taken up.
    pub(super) fn file_begins(&self, envelope: &Envelope, file: &SourceFileDiscovered) -> Vec<Value> {
        let contract = self.contract_of(file);
        let run = self.begins(envelope, job(contract)).of_data(file.as_of);
        let outputs = contract.map(|contract| self.raw(contract, Facets::new())).into_iter().collect();
        vec![run.event(Kind::Start, vec![self.file(contract, file)], outputs)]
    }

    /// A command was planned: the files of each of its tables.
    pub(super) fn run_begins(&self, announced: &[Envelope]) -> Vec<Value> {
        let mut tables: BTreeMap<String, Vec<FileOfRun<'_>>> = BTreeMap::new();
        for envelope in announced {
            if let Message::SourceFileDiscovered(file) = &envelope.message {
                let contract = self.contract_of(file);
                // A run of one file is told of when that is taken up.
                if file.run_files > 1 {
                    tables.entry(job(contract)).or_default().push((envelope, file, contract));
                }
            }
        }
        let mut events = Vec::new();
        for (job, files) in tables {
            for (at, files) in files.chunks(FILES_PER_EVENT).enumerate() {
                let [(envelope, file, contract), ..] = files else { continue };
                // They have the same columns: the first tells them.
                let inputs = files.iter().enumerate();
                let inputs =
                    inputs.map(|(at, (_, file, contract))| self.file(contract.filter(|_| at == 0), file)).collect();
                let outputs = contract.map(|contract| self.raw(contract, Facets::new())).into_iter().collect();
                let kind = if at == 0 { Kind::Start } else { Kind::Running };
                events.push(self.run(envelope, job.clone()).of_data(file.as_of).event(kind, inputs, outputs));
            }
        }
        events
    }

    pub(super) fn loaded(&self, cause: &Envelope, envelope: &Envelope, data: &IngestCompleted) -> Vec<Value> {
        let end = |table: &TableLoad| {
            let run = || self.run(envelope, job_of(table)).of_data(data.as_of);
            // Which tables a decision lets go is known only now.
            let is_decision = matches!(cause.message, Message::IngestReleaseRequested(_));
            let begun = is_decision.then(|| run().at(cause.time).event(Kind::Start, Vec::new(), Vec::new()));
            let ended = run().event(Kind::Complete, self.only_file(cause), self.written(cause, envelope, table));
            begun.into_iter().chain([ended])
        };
        data.tables.iter().flat_map(end).collect()
    }

    /// Every table of a run ends as the run does. That of the file at fault need not be among those of which something was
    /// loaded.
    pub(super) fn not_loaded(&self, cause: &Envelope, envelope: &Envelope, data: &IngestFailed) -> Vec<Value> {
        let mut jobs: Vec<(String, Vec<Value>)> =
            data.tables.iter().map(|table| (job_of(table), self.written(cause, envelope, table))).collect();
        let at_fault = match (&data.uri, &cause.message) {
            (Some(uri), _) => Some(job(self.contracts.for_file(uri).ok())),
            (None, Message::SourceFileDiscovered(file)) => Some(job(self.contract_of(file))),
            (None, _) if data.tables.is_empty() => Some("ingest".into()),
            (None, _) => None,
        };
        if let Some(at_fault) = at_fault.filter(|at_fault| !jobs.iter().any(|(job, _)| job == at_fault)) {
            jobs.push((at_fault, Vec::new()));
        }
        let end = |(job, outputs): (String, Vec<Value>)| {
            self.ended(envelope, job, &data.failure, self.only_file(cause), outputs)
        };
        jobs.into_iter().map(end).collect()
    }

    fn ended(&self, envelope: &Envelope, job: String, why: &Failure, inputs: Vec<Value>, outputs: Vec<Value>) -> Value {
        self.run(envelope, job).with("errorMessage", facets::error(why)).event(Kind::of(why), inputs, outputs)
    }

    /// The file, where the message that led to it was about a load of one file.
    fn only_file(&self, cause: &Envelope) -> Vec<Value> {
        match &cause.message {
            Message::SourceFileDiscovered(file) if file.run_files <= 1 => vec![self.file(self.contract_of(file), file)],
            _ => Vec::new(),
        }
    }

    /// A table of RAW that was written.
    fn written(&self, cause: &Envelope, envelope: &Envelope, table: &TableLoad) -> Vec<Value> {
        let Some(contract) = self.contracts.table(&table.table) else { return Vec::new() };
        let mut facets = Facets::new();
        facets.insert("version".into(), facets::version(envelope.load_id().as_str()));
        if let Message::SourceFileDiscovered(file) = &cause.message
            && file.run_files <= 1
        {
            let columns = contract.columns.iter().map(|column| column.name());
            facets.insert("columnLineage".into(), self.names.columns_of_file(&file.uri, columns));
        }
        let mut dataset = self.raw(contract, facets);
        let told = facets::output_statistics(table.rows_loaded, table.bytes, table.files);
        dataset["outputFacets"] = Facets::from_iter([("outputStatistics".into(), told)]).into();
        vec![dataset]
    }

    /// A file as an input.
    fn file(&self, contract: Option<&Contract>, file: &SourceFileDiscovered) -> Value {
        let mut facets = Facets::new();
        if let Some(contract) = contract {
            facets.insert("schema".into(), facets::schema(columns(contract)));
        }
        if let Some(file_id) = &file.file_id {
            facets.insert("version".into(), facets::version(file_id));
        }
        let mut dataset = self.names.file(&file.uri, facets);
        let told = facets::input_statistics(file.size_bytes);
        dataset["inputFacets"] = Facets::from_iter([("inputStatistics".into(), told)]).into();
        dataset
    }

    /// A table of RAW, as its contract describes it.
    pub(super) fn raw(&self, contract: &Contract, mut facets: Facets) -> Value {
        let own = [(ORIGIN[0], "VARCHAR"), (ORIGIN[1], "VARCHAR"), (ORIGIN[2], "BIGINT"), (LOADED_AT, "TIMESTAMP")];
        let own = own.into_iter().map(|(name, kind)| (name, Some(kind), ""));
        facets.insert("schema".into(), facets::schema(columns(contract).chain(own)));
        if !contract.description.is_empty() {
            facets.insert("documentation".into(), facets::documentation(&contract.description));
        }
        if !contract.owner.is_empty() {
            facets.insert("ownership".into(), facets::ownership(&contract.owner));
        }
        self.names.table("RAW", &contract.table(), facets)
    }
}

fn columns(contract: &Contract) -> impl Iterator<Item = (&str, Option<&str>, &str)> {
    contract.columns.iter().map(|column| (column.name(), Some("VARCHAR"), description(column)))
}

fn description(column: &Column) -> &str {
    match column {
        Column::Described { description, .. } => description,
        Column::Name(_) => "",
    }
}

fn job(contract: Option<&Contract>) -> String {
    contract.map_or_else(|| UNKNOWN.into(), |contract| format!("ingest.{}", contract.table()))
}

fn job_of(table: &TableLoad) -> String {
    format!("ingest.{}", table.table)
}
