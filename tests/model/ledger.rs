//! The model: what the platform promises, in plain structs. It predicts what every message does, knows what of it has
//! happened when the process ended, and says what must stand in the end.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use messages::{IngestRequested, LoadId, Message, MessageId, SourceFileDiscovered};

use crate::files::{Folder, source_of, table_of};
use crate::predict::Act;

/// A message on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub id: MessageId,
    pub message: Message,
    /// Tries that failed.
    pub attempts: u32,
}

/// A line of the audit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub load_id: LoadId,
    pub command_id: MessageId,
    pub table: &'static str,
    pub uri: String,
    pub status: &'static str,
    pub rows: u64,
    pub bytes: u64,
    pub modified_at: DateTime<Utc>,
    pub run_files: u32,
    pub table_files: u32,
    pub as_of: DateTime<Utc>,
    /// Which decision it tells of.
    pub decided: Option<MessageId>,
    /// When it was written, by the model's clock: 0 until then.
    pub at: u64,
}

/// Files of one command that are held back, and how far the others of it are.
pub struct Held {
    pub files: Vec<Line>,
    /// Files of the command that have not ended.
    pub open: usize,
    /// When something of it, or of a newer command, was written last.
    pub changed_at: u64,
}

/// One asking for one load: of two for a LOAD_ID the greater command counts.
pub type Generation = (LoadId, MessageId);

/// A file's rows under a generation.
pub type Slice = (LoadId, MessageId, String);

#[derive(Default)]
pub struct Model {
    pub folder: Folder,
    pub lines: Vec<Line>,
    /// The rows that stand, shown or not, by their ids.
    pub slices: BTreeMap<Slice, Vec<String>>,
    pub queue: Vec<Sent>,
    pub dead: Vec<Sent>,
    /// Messages that were thrown away by hand.
    pub purged: BTreeSet<MessageId>,
    /// Completed runs, each as often as it was announced, with what was said.
    pub completed: Vec<(MessageId, Message)>,
    /// Failed runs and commands.
    pub failed: BTreeSet<MessageId>,
    /// Every file that was ever announced to ingest.
    pub found: BTreeMap<MessageId, SourceFileDiscovered>,
    /// When each decision was made, by the model's clock.
    pub asked: BTreeMap<MessageId, u64>,
    /// Counts lines as they are written.
    pub clock: u64,
}

impl Model {
    /// What has happened, to see that a run was no idle one.
    pub fn summary(&self) -> String {
        let (runs, files): (Vec<_>, Vec<_>) = self
            .completed
            .iter()
            .map(|(id, message)| (*id, message.load_id().as_str().starts_with("dag")))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .partition(|(_, run)| *run);
        format!(
            "{} files and {} runs completed in {} announcements, {} failed; {} loads of {} stand; \
            {} held back, {} released, {} discarded; {} dead, {} purged",
            files.len(),
            runs.len(),
            self.completed.len(),
            self.failed.len(),
            self.slices.len(),
            self.successes().count(),
            self.with("QUARANTINED").count(),
            self.successes().filter(|line| line.decided.is_some()).count(),
            self.with("DISCARDED").count(),
            self.dead.len(),
            self.purged.len(),
        )
    }

    /// A message came into its queue.
    pub fn publish(&mut self, id: MessageId, message: Message) {
        match &message {
            Message::IngestCompleted(_) => return self.completed.push((id, message)),
            Message::IngestFailed(_) => {
                self.failed.insert(id);
                return;
            }
            Message::SourceFileDiscovered(file) => drop(self.found.insert(id, file.clone())),
            _ => {}
        }
        self.queue.push(Sent { id, message, attempts: 0 });
    }

    /// The message of the queue that was handed out.
    pub fn handed_out(&self, id: MessageId, attempt: u32) -> usize {
        let same = |sent: &Sent| sent.id == id && sent.attempts + 1 == attempt;
        self.queue.iter().position(same).unwrap_or_else(|| panic!("{id}, try {attempt}, is not in {:#?}", self.queue))
    }

    /// Does what was predicted and has happened, for the message at `at` of the queue.
    pub fn happened(&mut self, at: usize, act: Act) {
        match act {
            Act::Load(None) => {}
            Act::Load(Some((line, ids))) => {
                self.slices.insert((line.load_id.clone(), line.command_id, line.uri.clone()), ids);
                self.write(line);
            }
            Act::Audit(lines) => lines.into_iter().for_each(|line| self.write(line)),
            Act::Publish(id, message) => self.publish(id, message),
            Act::Ack => drop(self.queue.remove(at)),
            Act::Retry => self.queue[at].attempts += 1,
            Act::Bury => {
                let sent = self.queue.remove(at);
                self.dead.push(sent);
            }
        }
    }

    /// A line, and what goes with it: the rows that nobody needs any more.
    fn write(&mut self, line: Line) {
        match line.status {
            "SUCCESS" if self.completes(&line) => {
                let older = |(load_id, command_id, uri): &Slice| {
                    *load_id == line.load_id && *command_id < line.command_id && table_of(uri) == line.table
                };
                self.slices.retain(|slice, _| !older(slice));
            }
            "DISCARDED" => drop(self.slices.remove(&(line.load_id.clone(), line.command_id, line.uri.clone()))),
            _ => {}
        }
        self.clock += 1;
        self.lines.push(Line { at: self.clock, ..line });
    }

    /// Dead letters come back as if they were new.
    pub fn replay(&mut self, id: MessageId) {
        let at = self.dead.iter().position(|sent| sent.id == id).unwrap();
        let sent = self.dead.remove(at);
        self.queue.push(Sent { attempts: 0, ..sent });
    }

    pub fn purge(&mut self, id: MessageId) {
        let at = self.dead.iter().position(|sent| sent.id == id).unwrap();
        self.purged.insert(self.dead.remove(at).id);
    }

    pub fn with(&self, status: &'static str) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.status == status)
    }

    pub fn successes(&self) -> impl Iterator<Item = &Line> {
        self.with("SUCCESS")
    }

    /// What of a load waits for a decision: of its newest command that has such files.
    pub fn held(&self, load_id: &LoadId) -> Option<Held> {
        let of_load = || self.lines.iter().filter(|line| line.load_id == *load_id);
        let others = |of: &Line| {
            of_load().filter(move |line| (line.command_id, &line.uri) == (of.command_id, &of.uri)).collect::<Vec<_>>()
        };
        let is_decided = |of: &Line| others(of).iter().any(|line| ["SUCCESS", "DISCARDED"].contains(&line.status));
        let is_overtaken = |of: &Line| self.is_overtaken(load_id, of.command_id, of.table);
        let held: Vec<&Line> =
            of_load().filter(|line| line.status == "QUARANTINED" && !is_decided(line) && !is_overtaken(line)).collect();
        let command_id = held.iter().map(|line| line.command_id).max()?;
        let open = of_load().filter(|line| {
            let is_planned = line.command_id == command_id && line.status == "PLANNED" && !is_overtaken(line);
            is_planned && others(line).iter().all(|line| line.status == "PLANNED")
        });
        Some(Held {
            files: held.into_iter().filter(|line| line.command_id == command_id).cloned().collect(),
            open: open.count(),
            changed_at: of_load().filter(|line| line.command_id >= command_id).map(|line| line.at).max().unwrap(),
        })
    }

    /// Whether a newer command has planned or loaded something of this load and table.
    pub fn is_overtaken(&self, load_id: &LoadId, command_id: MessageId, table: &str) -> bool {
        self.lines.iter().any(|line| {
            line.load_id == *load_id
                && line.table == table
                && line.command_id > command_id
                && ["SUCCESS", "PLANNED", "QUARANTINED"].contains(&line.status)
        })
    }

    /// Whether the table's files of this line's run are all loaded once it stands.
    fn completes(&self, line: &Line) -> bool {
        let mut files: BTreeSet<&str> = self
            .successes()
            .filter(|other| {
                (&other.load_id, other.command_id, other.table) == (&line.load_id, line.command_id, line.table)
            })
            .map(|other| other.uri.as_str())
            .collect();
        files.insert(&line.uri);
        files.len() >= line.table_files as usize
    }

    /// The generations of a table that count: of each LOAD_ID the newest command of which all files are loaded.
    fn whole(&self, table: &str) -> BTreeMap<&LoadId, (MessageId, DateTime<Utc>)> {
        let mut whole = BTreeMap::new();
        for line in self.successes().filter(|line| line.table == table && self.completes(line)) {
            let newest = whole.entry(&line.load_id).or_insert((line.command_id, line.as_of));
            *newest = (*newest).max((line.command_id, line.as_of));
        }
        whole
    }

    /// The load that a table of snapshots shows: the one with the newest data, whichever was done last.
    pub fn current(&self, table: &str) -> Option<Generation> {
        let whole = self.whole(table).into_iter();
        let newest = whole.max_by_key(|(load_id, (command_id, as_of))| (*as_of, *command_id, (*load_id).clone()));
        newest.map(|(load_id, (command_id, _))| (load_id.clone(), command_id))
    }

    /// What `RAW.<table>` shows: LOAD_ID and id of each row.
    pub fn view(&self, table: &str) -> Vec<(String, String)> {
        let slices: Vec<Slice> = if table == "PARTS" {
            let current = self.current(table);
            let shown = |(load_id, command_id, uri): &Slice| {
                table_of(uri) == table && current.as_ref() == Some(&(load_id.clone(), *command_id))
            };
            self.slices.keys().filter(|slice| shown(slice)).cloned().collect()
        } else {
            self.newest_by_file(table)
        };
        let ids = |slice: &Slice| self.slices.get(slice).cloned().unwrap_or_default();
        let mut rows: Vec<_> =
            slices.iter().flat_map(|slice| ids(slice).into_iter().map(|id| (slice.0.to_string(), id))).collect();
        rows.sort();
        rows
    }

    /// What a table of increments shows: of each file the newest data.
    fn newest_by_file(&self, table: &str) -> Vec<Slice> {
        let whole = self.whole(table);
        let mut newest = BTreeMap::new();
        for line in self.successes().filter(|line| line.table == table) {
            if whole.get(&line.load_id).is_some_and(|(command_id, _)| *command_id == line.command_id) {
                let rank = (line.as_of, line.command_id, line.load_id.clone());
                let slot = newest.entry(line.uri.clone()).or_insert(rank.clone());
                *slot = slot.clone().max(rank);
            }
        }
        newest.into_iter().map(|(uri, (_, command_id, load_id))| (load_id, command_id, uri)).collect()
    }

    /// The lines that plan the files a command means, as the folder is now.
    pub fn plan(&self, asked: &IngestRequested, id: MessageId) -> Vec<Line> {
        let mut uris: Vec<&String> = if asked.files.is_empty() {
            let wanted = |uri: &&String| asked.sources.is_empty() || asked.sources.contains(&source_of(table_of(uri)));
            self.folder.keys().filter(wanted).collect()
        } else {
            asked.files.iter().collect()
        };
        uris.sort_by_key(|uri| (table_of(uri), *uri));
        let of_table = |table: &str| uris.iter().filter(|uri| table_of(uri) == table).count() as u32;
        let line = |uri: &&String| Line {
            load_id: asked.load_id.clone(),
            command_id: id,
            table: table_of(uri),
            uri: (*uri).clone(),
            status: "PLANNED",
            rows: 0,
            bytes: self.folder[*uri].content().len() as u64,
            modified_at: self.folder[*uri].modified_at,
            run_files: uris.len() as u32,
            table_files: of_table(table_of(uri)),
            as_of: asked.as_of.unwrap(),
            decided: None,
            at: 0,
        };
        uris.iter().map(line).collect()
    }
}
