//! What a message does to the world, act by act, before it does it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use messages::{
    Failure, IngestCompleted, IngestFailed, IngestRequested, LoadId, Message, MessageId, SourceFileDiscovered,
    TableLoad,
};

use crate::files::{Kind, ODD, source_of, table_of};
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
        Message::IngestReleaseRequested(decision) => deciding(model, sent, &decision.load_id, "SUCCESS", fault),
        Message::IngestDiscardRequested(decision) => deciding(model, sent, &decision.load_id, "DISCARDED", fault),
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
        let id = answer(sent.id, "ingest.failed", &asked.load_id);
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
        decided: None,
        at: 0,
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
    if model.successes().chain(model.with("QUARANTINED")).any(same)
        || model.is_overtaken(&file.load_id, file.command_id, table)
    {
        return [Act::Load(None)].into_iter().chain(conclusion(model, file, None)).chain([Act::Ack]).collect();
    }
    let version = &model.folder[&file.uri];
    if version.modified_at != file.modified_at || version.kind == Kind::Bad {
        return given_up();
    }
    let is_held = version.kind == Kind::Narrow || is_objected_to(model, file, &version.ids());
    let line = line(if is_held { "QUARANTINED" } else { "SUCCESS" }, version.rows);
    let end = conclusion(model, file, Some(&line));
    [Act::Load(Some((line, version.ids())))].into_iter().chain(end).chain([Act::Ack]).collect()
}

/// Whether the gate objects: it is asked once the rows of all files of the table stand, over all of them.
fn is_objected_to(model: &Model, file: &SourceFileDiscovered, new: &[String]) -> bool {
    let table = table_of(&file.uri);
    let others = model.successes().chain(model.with("QUARANTINED")).filter(|line| {
        (&line.load_id, line.command_id, line.table) == (&file.load_id, file.command_id, table) && line.uri != file.uri
    });
    let others: BTreeSet<&str> = others.map(|line| line.uri.as_str()).collect();
    let of_generation = model.slices.iter().filter(|((load_id, command_id, uri), _)| {
        (load_id, *command_id, table_of(uri)) == (&file.load_id, file.command_id, table)
    });
    let mut ids = of_generation.flat_map(|(_, ids)| ids).chain(new);
    others.len() + 1 >= file.table_files as usize && ids.any(|id| id.starts_with(ODD))
}

/// What is announced once `new` stands: the end of the run, if every file of it is loaded, held back or given up.
fn conclusion(model: &Model, file: &SourceFileDiscovered, new: Option<&Line>) -> Option<Act> {
    let told = match end_of(model, &file.load_id, file.command_id, file.as_of, new) {
        End::Open => return None,
        End::Completed(event) => return Some(Act::Publish(file.command_id.leading_to("ingest.completed"), event)),
        // Whoever has heard that it failed must hear this too.
        End::Held => "ingest.failed quarantined",
        End::Overtaken | End::Failed => "ingest.failed",
    };
    Some(Act::Publish(file.command_id.leading_to(told), failed(&file.load_id)))
}

/// How a run stands.
enum End {
    Open,
    Completed(Message),
    Held,
    Failed,
    /// A newer command has taken over all of it.
    Overtaken,
}

/// Of two lines of a file that counts which says more.
fn rank(status: &str) -> usize {
    ["PLANNED", "FAILED", "QUARANTINED", "DISCARDED", "SUCCESS"].iter().position(|known| *known == status).unwrap()
}

fn end_of<'a>(
    model: &'a Model,
    load_id: &LoadId,
    command_id: MessageId,
    as_of: DateTime<Utc>,
    new: impl IntoIterator<Item = &'a Line>,
) -> End {
    let of_run = |line: &&Line| line.load_id == *load_id && line.command_id == command_id;
    let mut files = BTreeMap::<&str, &Line>::new();
    for line in model.lines.iter().chain(new).filter(of_run) {
        let counts = files.entry(&line.uri).or_insert(line);
        if rank(line.status) >= rank(counts.status) {
            *counts = line;
        }
    }
    let Some(run_files) = files.values().map(|line| line.run_files as usize).max() else { return End::Open };
    // A table that a newer command has taken over before it was whole is that one's to announce.
    let loaded = |table: &str| files.values().filter(|line| line.table == table && line.status == "SUCCESS").count();
    let is_ours = |line: &Line| {
        loaded(line.table) >= line.table_files as usize || !model.is_overtaken(load_id, command_id, line.table)
    };
    let (ours, others): (Vec<&Line>, Vec<&Line>) = files.values().partition(|line| is_ours(line));
    let with = |status: &str| ours.iter().filter(|line| line.status == status).count();
    match () {
        () if ours.is_empty() => End::Overtaken,
        () if ours.len() - with("PLANNED") + others.len() < run_files => End::Open,
        () if with("FAILED") > 0 => End::Failed,
        () if with("QUARANTINED") > 0 => End::Held,
        () if with("DISCARDED") > 0 => End::Failed,
        () => End::Completed(completed(load_id, as_of, &ours)),
    }
}

fn completed(load_id: &LoadId, as_of: DateTime<Utc>, loaded: &[&Line]) -> Message {
    let mut tables = BTreeMap::<&str, TableLoad>::new();
    for line in loaded {
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
    IngestCompleted { load_id: load_id.clone(), as_of, tables: tables.into_values().collect() }.into()
}

/// The id of the answer to a command or decision.
pub fn answer(id: MessageId, kind: &str, load_id: &LoadId) -> MessageId {
    id.leading_to(&format!("{kind}\n{load_id}"))
}

/// A decision about what is held back: `status` is what it makes of it.
fn deciding(model: &Model, sent: &Sent, load_id: &LoadId, status: &'static str, fault: Fault) -> Vec<Act> {
    let refused = || Act::Publish(answer(sent.id, "ingest.failed", load_id), failed(load_id));
    let ours = model.lines.iter().find(|line| line.decided == Some(sent.id)).cloned();
    let mut acts = Vec::new();
    let new: Vec<Line> = match (&ours, model.held(load_id)) {
        (Some(_), _) => Vec::new(),
        // Whoever decided has not seen what came after, and while a file is still to be loaded nothing is decided.
        (None, Some(held)) if held.open == 0 && held.changed_at <= model.asked[&sent.id] => {
            let decided = |line: Line| Line {
                status,
                rows: if status == "DISCARDED" { 0 } else { line.rows },
                decided: Some(sent.id),
                at: 0,
                ..line
            };
            held.files.into_iter().map(decided).collect()
        }
        (None, _) => return vec![refused(), Act::Ack],
    };
    if !new.is_empty() {
        if fault == Fault::WarehouseAway {
            return if sent.attempts + 1 < MAX_ATTEMPTS { vec![Act::Retry] } else { vec![refused(), Act::Bury] };
        }
        acts.push(Act::Audit(new.clone()));
    }
    let of = ours.as_ref().or(new.first()).unwrap();
    match end_of(model, load_id, of.command_id, of.as_of, &new) {
        End::Overtaken => acts.push(refused()),
        _ if status == "DISCARDED" => acts.push(refused()),
        End::Open => {}
        End::Completed(event) => acts.push(Act::Publish(answer(sent.id, "ingest.completed", load_id), event)),
        End::Held | End::Failed => acts.push(refused()),
    }
    acts.push(Act::Ack);
    acts
}

/// What a failure says is for people: the model knows only that it is said.
fn failed(load_id: &LoadId) -> Message {
    IngestFailed { load_id: load_id.clone(), tables: Vec::new(), uri: None, failure: Failure::permanent("") }.into()
}
