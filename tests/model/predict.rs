//! What a message does to the world, act by act, before it does it.

use std::collections::{BTreeMap, BTreeSet};

use messages::{
    Failure, IngestCompleted, IngestFailed, IngestRequested, Message, MessageId, SourceFileDiscovered, TableLoad,
};

use crate::files::{source_of, table_of};
use crate::ledger::{Line, Model, Sent};
use crate::script::{Fault, Seen};
use crate::world::MAX_ATTEMPTS;

/// One act on the world outside. What is predicted is compared with what was seen.
#[derive(Clone, Debug)]
pub enum Act {
    /// A slice and its line, with the ids of its rows; `None` if it was there or overtaken.
    Load(Option<(Line, Vec<String>)>),
    Audit(Vec<Line>),
    Publish(MessageId, Message),
    Ack,
    Retry,
    Bury,
}

impl Act {
    pub fn seen(&self) -> Seen {
        match self {
            Self::Load(_) => Seen::Load,
            Self::Audit(_) => Seen::Audit,
            Self::Publish(id, _) => Seen::Publish(*id),
            Self::Ack => Seen::Ack,
            Self::Retry => Seen::Retry,
            Self::Bury => Seen::Bury,
        }
    }
}

/// All that handling `sent` does if the process lives.
pub fn acts(model: &Model, sent: &Sent, fault: Fault) -> Vec<Act> {
    let mut acts = match &sent.message {
        Message::IngestRequested(asked) => planning(model, sent, asked, fault),
        Message::SourceFileDiscovered(file) => loading(model, sent, file, fault),
        other => panic!("{other:?} is not for ingest"),
    };
    let first = acts.iter().position(|act| matches!(act, Act::Publish(..)));
    if let (Fault::ConfirmationLost, Some(first)) = (fault, first) {
        // Nobody knows that it was published: it is published again.
        acts.insert(first, acts[first].clone());
    }
    acts
}

fn planning(model: &Model, sent: &Sent, asked: &IngestRequested, fault: Fault) -> Vec<Act> {
    let meant = model.plan(asked, sent.id);
    if meant.is_empty() || fault == Fault::WarehouseAway {
        let again = !meant.is_empty() && sent.attempts + 1 < MAX_ATTEMPTS;
        let id = sent.id.leading_to(&format!("ingest.failed\n{}", asked.load_id));
        return if again { vec![Act::Retry] } else { vec![Act::Publish(id, failed(&asked.load_id)), Act::Bury] };
    }
    let known = |line: &&Line| line.command_id == sent.id && line.status == "PLANNED";
    let planned: Vec<Line> = model.lines.iter().filter(known).cloned().collect();
    // The first plan holds, whatever lies in the folder by now.
    let (new, planned) = if planned.is_empty() { (meant.clone(), meant) } else { (Vec::new(), planned) };
    let mut acts = vec![Act::Audit(new)];
    acts.extend(planned.into_iter().map(|line| Act::Publish(sent.id.leading_to(&line.uri), found(line).into())));
    acts.push(Act::Ack);
    acts
}

fn found(line: Line) -> SourceFileDiscovered {
    SourceFileDiscovered {
        load_id: line.load_id,
        source: Some(source_of(line.table)),
        uri: line.uri,
        file_id: None,
        size_bytes: line.bytes,
        modified_at: line.modified_at,
        as_of: line.as_of,
        command_id: line.command_id,
        run_files: line.run_files,
        table_files: line.table_files,
    }
}

fn loading(model: &Model, sent: &Sent, file: &SourceFileDiscovered, fault: Fault) -> Vec<Act> {
    let table = table_of(&file.uri);
    let line = |status, rows| Line {
        load_id: file.load_id.clone(),
        command_id: file.command_id,
        table,
        uri: file.uri.clone(),
        status,
        rows,
        bytes: file.size_bytes,
        modified_at: file.modified_at,
        run_files: file.run_files,
        table_files: file.table_files,
        as_of: file.as_of,
    };
    let given_up = || {
        let line = line("FAILED", 0);
        let end = conclusion(model, file, Some(&line));
        [Act::Audit(vec![line])].into_iter().chain(end).chain([Act::Bury]).collect()
    };
    if fault == Fault::WarehouseAway {
        return if sent.attempts + 1 < MAX_ATTEMPTS { vec![Act::Retry] } else { given_up() };
    }
    let same = |line: &Line| (&line.load_id, line.command_id, &line.uri) == (&file.load_id, file.command_id, &file.uri);
    if model.successes().any(same) || model.is_overtaken(&file.load_id, file.command_id, table) {
        return [Act::Load(None)].into_iter().chain(conclusion(model, file, None)).chain([Act::Ack]).collect();
    }
    let version = &model.folder[&file.uri];
    if version.modified_at != file.modified_at || !version.good {
        return given_up();
    }
    let line = line("SUCCESS", version.rows);
    let end = conclusion(model, file, Some(&line));
    [Act::Load(Some((line, version.ids())))].into_iter().chain(end).chain([Act::Ack]).collect()
}

/// What is announced once `new` stands: the end of the run, if every file of it is loaded or given up.
fn conclusion(model: &Model, file: &SourceFileDiscovered, new: Option<&Line>) -> Option<Act> {
    let of_run = |line: &&Line| line.load_id == file.load_id && line.command_id == file.command_id;
    let lines: Vec<&Line> = model.lines.iter().chain(new).filter(of_run).collect();
    let with = |status: &str| -> BTreeMap<&str, &Line> {
        lines.iter().filter(|line| line.status == status).map(|line| (line.uri.as_str(), *line)).collect()
    };
    let (mut loaded, mut given_up) = (with("SUCCESS"), with("FAILED"));
    // A table that a newer command has taken over before it was whole is that one's to announce.
    let whole: BTreeSet<&str> = lines
        .iter()
        .filter(|line| loaded.values().filter(|other| other.table == line.table).count() >= line.table_files as usize)
        .map(|line| line.table)
        .collect();
    let is_ours =
        |line: &Line| whole.contains(line.table) || !model.is_overtaken(&line.load_id, line.command_id, line.table);
    let overtaken: BTreeSet<&str> = lines.iter().filter(|line| !is_ours(line)).map(|line| line.uri.as_str()).collect();
    loaded.retain(|_, line| is_ours(line));
    // Loaded once is loaded, whatever another try ran into.
    given_up.retain(|uri, line| is_ours(line) && !loaded.contains_key(uri));
    let ended = loaded.len() + given_up.len();
    if !lines.is_empty() && lines.iter().all(|line| !is_ours(line)) {
        return Some(Act::Publish(file.command_id.leading_to("ingest.failed"), failed(&file.load_id)));
    }
    if ended == 0 || ended + overtaken.len() < file.run_files as usize {
        return None;
    }
    if !given_up.is_empty() {
        return Some(Act::Publish(file.command_id.leading_to("ingest.failed"), failed(&file.load_id)));
    }
    let mut tables = BTreeMap::<&str, TableLoad>::new();
    for line in loaded.values() {
        let table = tables.entry(line.table).or_insert_with(|| TableLoad {
            source: source_of(line.table),
            table: line.table.into(),
            files: 0,
            rows_loaded: 0,
            rows_rejected: 0,
            bytes: 0,
        });
        table.files += 1;
        table.rows_loaded += line.rows;
        table.bytes += line.bytes;
    }
    let tables = tables.into_values().collect();
    let event = IngestCompleted { load_id: file.load_id.clone(), as_of: file.as_of, tables };
    Some(Act::Publish(file.command_id.leading_to("ingest.completed"), event.into()))
}

/// What a failure says is for people: the model knows only that it is said.
fn failed(load_id: &messages::LoadId) -> Message {
    IngestFailed { load_id: load_id.clone(), tables: Vec::new(), uri: None, failure: Failure::permanent("") }.into()
}
