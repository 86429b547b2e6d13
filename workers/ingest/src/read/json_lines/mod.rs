//! JSON Lines: an object per line.
//!
//! A text is its own text, `null` is NULL, and everything else stays as it is written: `1.10` is not made `1.1`, and an object
//! or a list is JSON still. Keys that a line lacks are NULL. Blank lines are skipped. A line that is no object, has two keys of one
//! column, or holds a NUL or a value of more than 1 MiB, is set aside or refuses the file. Which columns the file has is known
//! when it ends.

mod object;

use std::collections::{HashMap, HashSet};

use memchr::memchr;
use messages::Failure;
use runtime::Contract;
use runtime::contract::header_key;

use self::object::{Object, Value};
use super::shape::{Shape, key};
use super::sink::Sink;
use super::text::Text;
use super::{MAX_FIELD_BYTES, MAX_FIELDS, MAX_ROW_BYTES, Reader};

/// A file of JSON Lines being read.
pub(super) struct JsonLines {
    text: Text,
    contract: Contract,
    /// Up to here there is no line break.
    searched: usize,
    /// What the columns of the table may be called.
    columns: HashMap<String, usize>,
    /// Which of the columns some line has.
    is_there: Vec<bool>,
    /// Keys that are no column.
    unknown: HashSet<String>,
    values: Values,
    rows: u64,
    is_begun: bool,
    is_unprepared: bool,
}

/// The values of a line, by the columns of the table.
#[derive(Default)]
struct Values {
    text: Vec<u8>,
    places: Vec<Option<(usize, usize)>>,
}

impl Values {
    fn field(&self, column: usize) -> &[u8] {
        self.places[column].map_or(b"", |(from, to)| &self.text[from..to])
    }
}

impl JsonLines {
    pub(super) fn new(text: Text, contract: &Contract) -> Self {
        Self {
            text,
            contract: contract.clone(),
            searched: 0,
            columns: HashMap::new(),
            is_there: Vec::new(),
            unknown: HashSet::new(),
            values: Values::default(),
            rows: 0,
            is_begun: false,
            is_unprepared: false,
        }
    }

    fn begin(&mut self, shape: &Shape) {
        let (named, headers) = (self.contract.columns.len(), self.contract.headers());
        self.columns = shape.added.iter().cloned().zip(named..).collect();
        self.columns.extend(headers.keys().map(|(key, index)| (key.to_owned(), index)));
        // As most lines write them, which are then found at once.
        for (index, column) in self.contract.columns.iter().enumerate() {
            self.columns.extend(column.headers().iter().map(|header| (header.clone(), index)));
        }
        self.is_there = vec![false; named + shape.added.len()];
        self.is_begun = true;
    }

    /// Where the next line ends; `None` behind the last. A line that is too long has no end.
    fn next_line(&mut self) -> Result<Option<Option<usize>>, Failure> {
        loop {
            let (from, seen) = (self.text.from(), self.text.seen());
            if let Some(found) = memchr(b'\n', &seen[self.searched..]) {
                let end = self.searched + found;
                return Ok(Some((end - from <= MAX_ROW_BYTES).then_some(end)));
            }
            let left = seen.len() - from;
            if self.text.is_ended() {
                return Ok((left > 0).then_some(Some(seen.len())));
            }
            if left > MAX_ROW_BYTES {
                return Ok(Some(None));
            }
            self.searched = left;
            self.text.more()?;
        }
    }

    fn pass(&mut self, end: usize) {
        let to = (end + 1).min(self.text.seen().len());
        self.text.pass(to);
        self.searched = to;
    }

    fn line(&mut self, end: usize, sink: &mut Sink, shape: &mut Shape) -> Result<(), Failure> {
        let from = self.text.from();
        if self.text.seen()[from..end].iter().all(u8::is_ascii_whitespace) {
            self.pass(end);
            return Ok(());
        }
        self.rows += 1;
        let fault = self.read(from, end, shape)?;
        let Self { text, values, .. } = self;
        match fault {
            None => sink.row(
                |column| values.field(column),
                || (text.line_at(from), text.seen()[from..end].trim_ascii_end().to_vec()),
            )?,
            Some(why) => {
                let line = text.line_at(from);
                sink.bad(line, &why, text.seen()[from..end].trim_ascii_end())?;
            }
        }
        self.pass(end);
        Ok(())
    }

    /// Reads the line's values; what is wrong with it otherwise.
    fn read(&mut self, from: usize, end: usize, shape: &mut Shape) -> Result<Option<String>, Failure> {
        let line = &self.text.seen()[from..end];
        let text = match simdutf8::compat::from_utf8(line) {
            Ok(text) => text,
            Err(error) => return Ok(Some(self.text.no_text(from + error.valid_up_to()))),
        };
        let object: Object<'_> = match serde_json::from_str(text) {
            Ok(object) => object,
            // Its own words could show contents.
            Err(error) => return Ok(Some(format!("the line is no JSON object (column {})", error.column()))),
        };
        self.values.text.clear();
        self.values.places.clear();
        self.values.places.resize(self.is_there.len(), None);
        // What is wrong with the row. Keys that it was the first to have are told all the same: no later row tells them.
        let (mut new, mut wrong) = (Vec::new(), None::<String>);
        for (name, value) in object.0 {
            let found =
                self.columns.get(name.as_ref()).copied().or_else(|| match self.unknown.contains(name.as_ref()) {
                    true => None,
                    false => self.columns.get(&header_key(&name)).copied(),
                });
            let Some(index) = found else {
                let name = key(&name);
                if self.unknown.len() > MAX_FIELDS {
                    let line = self.text.line_at(from);
                    return Err(
                        self.fault(line, &format!("the file has more than {MAX_FIELDS} keys that are no columns"))
                    );
                }
                if !self.unknown.contains(&name) {
                    self.unknown.insert(name.clone());
                    new.push(name);
                    self.is_unprepared |= self.contract.surprises.new_column == runtime::Policy::Evolve;
                }
                continue;
            };
            if self.values.places[index].is_some() {
                let named = self.contract.columns.get(index).map(|column| column.name().to_lowercase());
                wrong = Some(format!("two of its keys are the column {}", named.unwrap_or_else(|| key(&name))));
                break;
            }
            let start = self.values.text.len();
            match Value::of(value) {
                Value::Null => {}
                Value::Text(text) => self.values.text.extend_from_slice(text.as_bytes()),
                Value::AsWritten(text) => self.values.text.extend_from_slice(text.as_bytes()),
                Value::NoText => {
                    wrong = Some("a text is not Unicode".into());
                    break;
                }
            }
            let value = &self.values.text[start..];
            if value.len() > MAX_FIELD_BYTES {
                wrong = Some("a value of more than 1 MiB".into());
                break;
            }
            if memchr(0, value).is_some() {
                wrong = Some("a NUL character; the file is damaged or no text".into());
                break;
            }
            self.values.places[index] = Some((start, self.values.text.len()));
            if !std::mem::replace(&mut self.is_there[index], true) && index >= self.contract.columns.len() {
                new.push(key(&name));
            }
        }
        if !new.is_empty() {
            let gained = shape.gain(&new, &self.contract);
            let line = self.text.line_at(from);
            gained.map_err(|why| self.fault(line, &why))?;
        }
        Ok(wrong)
    }

    fn fault(&self, line: u64, why: &str) -> Failure {
        Failure::permanent(format!("{}: line {line}: {why}", self.text.file().uri()))
    }
}

impl Reader for JsonLines {
    fn fill(&mut self, sink: &mut Sink, shape: &mut Shape) -> Result<bool, Failure> {
        if !self.is_begun {
            self.begin(shape);
        }
        while !sink.is_full() {
            match self.next_line()? {
                None => return Ok(false),
                Some(Some(end)) => self.line(end, sink, shape)?,
                Some(None) => {
                    self.rows += 1;
                    let line = self.text.line_at(self.text.from());
                    let (raw, _) = self.text.pass_line()?;
                    self.searched = self.text.from();
                    sink.bad(line, "a row of more than 32 MiB", &raw)?;
                }
            }
        }
        Ok(true)
    }

    fn columns_come_late(&self) -> bool {
        true
    }

    fn end(&self, shape: &mut Shape) -> Result<(), Failure> {
        if self.is_unprepared {
            return Err(super::unprepared(self.text.file().uri()));
        }
        if self.rows == 0 {
            return Ok(());
        }
        let missing: Vec<usize> = (0..self.contract.columns.len()).filter(|column| !self.is_there[*column]).collect();
        shape.miss(&missing, &self.contract, None).map_err(|why| {
            let uri = self.text.file().uri();
            Failure::permanent(format!("{uri}: {why}"))
        })
    }

    fn nothing(&self) -> &'static str {
        "no rows"
    }

    fn finish(self: Box<Self>) -> Result<(u64, String), Failure> {
        self.text.finish()
    }
}

#[cfg(test)]
mod tests;
