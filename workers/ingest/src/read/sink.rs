//! Where a reader's rows go: into batches, or aside.

use arrow_array::RecordBatch;
use messages::Failure;
use runtime::{Contract, Policy, RowPolicy};
use warehouse::{FileFacts, MAX_REJECTED_BYTES, MAX_REJECTED_ROWS, RejectedRow};

use super::batch::Filling;
use super::keys::{Key, Keys, MAX_KEYED_ROWS};
use super::shape::Shape;

/// Rows set aside that a refusal names.
const NAMED: usize = 3;

/// Takes the rows of one file.
pub(super) struct Sink {
    uri: String,
    filling: Filling,
    /// Data rows so far, those set aside among them.
    rows: u64,
    keys: Option<Keys>,
    key_names: String,
    bad: Aside,
    duplicate: Aside,
    empty: Policy,
    rejected: Vec<RejectedRow>,
}

/// Rows that are set aside for one reason.
struct Aside {
    policy: RowPolicy,
    /// The policy's name in a contract.
    name: &'static str,
    rows: u64,
    /// The first of them, for people.
    first: Vec<String>,
}

impl Sink {
    /// Takes rows of the table with these `columns`: the contract's, and behind them those that were added.
    pub(super) fn new(uri: &str, contract: &Contract, columns: &[String]) -> Self {
        let surprises = &contract.surprises;
        let place = |name: &String| columns.iter().position(|column| column.eq_ignore_ascii_case(name));
        let is_keyed = surprises.duplicate_key.policy != Policy::Accept && !contract.keys.is_empty();
        Self {
            uri: uri.into(),
            filling: Filling::new(columns),
            rows: 0,
            keys: is_keyed.then(|| Keys::new(contract.keys.iter().filter_map(place).collect())),
            key_names: contract.keys.join(", "),
            bad: Aside { policy: surprises.bad_row, name: "bad_row", rows: 0, first: Vec::new() },
            duplicate: Aside { policy: surprises.duplicate_key, name: "duplicate_key", rows: 0, first: Vec::new() },
            empty: surprises.empty_file,
            rejected: Vec::new(),
        }
    }

    /// Whether a batch is full.
    pub(super) fn is_full(&self) -> bool {
        self.filling.is_full()
    }

    /// The batch that was filled; `None` if it has no rows.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, Failure> {
        self.filling.take().map_err(|error| self.fault(&error.to_string()))
    }

    /// Takes a row: `field` gives the bytes of the column with that index. `place` is asked for its line and its text, if it is
    /// set aside.
    pub(super) fn row<'a>(
        &mut self,
        field: impl Fn(usize) -> &'a [u8],
        place: impl FnOnce() -> (u64, Vec<u8>),
    ) -> Result<(), Failure> {
        let key = self.keys.as_mut().map_or(Key::New, |keys| keys.look(&field));
        match key {
            Key::New => {
                self.rows += 1;
                self.filling.push(self.rows, field);
                Ok(())
            }
            Key::Again => {
                let reason = format!("a row before it has the same {}", self.key_names);
                let (line, raw) = place();
                self.set_aside(true, line, &reason, &raw)
            }
            Key::TooMany => Err(self.fault(&format!(
                "the file has more than {MAX_KEYED_ROWS} rows, too many to find duplicate keys among; split it, or let the \
                contract say `duplicate_key: accept` and check `unique` in the warehouse"
            ))),
        }
    }

    /// Takes a row that can't be read.
    pub(super) fn bad(&mut self, line: u64, reason: &str, raw: &[u8]) -> Result<(), Failure> {
        self.set_aside(false, line, reason, raw)
    }

    /// Whether a row that can't be read refuses the file.
    pub(super) fn is_strict(&self) -> bool {
        self.bad.policy.policy != Policy::Quarantine
    }

    fn set_aside(&mut self, is_duplicate: bool, line: u64, reason: &str, raw: &[u8]) -> Result<(), Failure> {
        let aside = if is_duplicate { &mut self.duplicate } else { &mut self.bad };
        let named = format!("line {line}: {reason}");
        if aside.policy.policy != Policy::Quarantine {
            return Err(self.fault(&named));
        }
        self.rows += 1;
        aside.rows += 1;
        if aside.first.len() < NAMED {
            aside.first.push(named);
        }
        if aside.rows > aside.policy.max_rows {
            let more_than = format!("more than the {} that {}.max_rows allows", aside.policy.max_rows, aside.name);
            return Err(self.too_many(is_duplicate, &more_than));
        }
        if self.bad.rows + self.duplicate.rows > MAX_REJECTED_ROWS {
            let more_than = format!("more than the {MAX_REJECTED_ROWS} that are kept of any file");
            return Err(self.too_many(is_duplicate, &more_than));
        }
        let (raw, truncated) = shown(raw);
        self.rejected.push(RejectedRow { line, reason: reason.into(), raw, truncated });
        Ok(())
    }

    fn too_many(&self, is_duplicate: bool, more_than: &str) -> Failure {
        let aside = if is_duplicate { &self.duplicate } else { &self.bad };
        self.fault(&format!("{} rows would be set aside, {more_than}: {}", aside.rows, aside.first.join("; ")))
    }

    /// Judges what only the end tells: whether too large a share was set aside, and whether anything is left.
    pub(super) fn end(&self, shape: &mut Shape, nothing: &str) -> Result<(), Failure> {
        for (is_duplicate, aside) in [(false, &self.bad), (true, &self.duplicate)] {
            let allowed = aside.policy.max_share;
            if aside.rows > 0 && aside.rows as f64 > allowed * self.rows as f64 {
                let more_than =
                    format!("of {}: more than the share of {allowed} that {}.max_share allows", self.rows, aside.name);
                return Err(self.too_many(is_duplicate, &more_than));
            }
        }
        if self.filling.total() > 0 {
            return Ok(());
        }
        let what = if self.rows == 0 { nothing } else { "no row that can be loaded" };
        match self.empty {
            Policy::Reject | Policy::Evolve => {
                Err(self
                    .fault(&format!("the file has {what}; it is not loaded, because it would empty what is current")))
            }
            Policy::Quarantine => {
                shape.held.push(format!("the file has {what}"));
                Ok(())
            }
            Policy::Accept => Ok(()),
        }
    }

    /// What the file was.
    pub(super) fn facts(self, shape: Shape, (bytes, file_id): (u64, String)) -> FileFacts {
        FileFacts {
            rows: self.filling.total(),
            rows_rejected: self.bad.rows + self.duplicate.rows,
            bytes,
            file_id,
            rejected: self.rejected,
            shape: shape.changes,
            held: shape.held,
        }
    }

    /// A fault of the file.
    pub(super) fn fault(&self, why: &str) -> Failure {
        Failure::permanent(format!("{}: {why}", self.uri))
    }
}

/// A row's text as far as it can be shown, and whether it goes on.
fn shown(raw: &[u8]) -> (String, bool) {
    let is_long = raw.len() > MAX_REJECTED_BYTES;
    let mut text = String::from_utf8_lossy(&raw[..raw.len().min(MAX_REJECTED_BYTES)]).replace('\0', "\u{2400}");
    // What stands for a byte that can't be shown is longer than it, and the last character may be cut.
    let mut end = text.len().min(MAX_REJECTED_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let truncated = is_long || end < text.len();
    text.truncate(end);
    if is_long && text.ends_with(char::REPLACEMENT_CHARACTER) {
        text.pop();
    }
    (text, truncated)
}
