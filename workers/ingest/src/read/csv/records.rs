//! Rows out of the text.

use std::collections::HashSet;

use csv_core::{ReadRecordResult, Reader as Parser, ReaderBuilder};
use memchr::memchr;
use messages::Failure;
use runtime::contract::Headers;
use runtime::{Contract, Format};

use super::frame::{Damage, Frame};
use super::{MAX_FIELD_BYTES, MAX_FIELDS, MAX_ROW_BYTES};
use crate::read::Reader;
use crate::read::shape::Shape;
use crate::read::sink::Sink;
use crate::read::text::Text;

/// A CSV file being read.
pub(in crate::read) struct Csv {
    text: Text,
    frame: Frame,
    parser: Parser,
    /// Rows up to here are whole.
    whole: usize,
    /// What is wrong with the row behind them.
    damage: Option<Damage>,
    /// The text up to here was looked through for bytes that are none.
    checked: usize,
    /// The first of them, and whether it is a NUL.
    invalid: Option<(usize, bool)>,
    /// Whether the window was followed to the file's end.
    ended: bool,
    /// Whether the parser was told that it was the end.
    flushed: bool,
    row: Row,
    /// Fields of every row: the header's, once there is one.
    fields: usize,
    /// Where the file has no header: what one would say, until the first row was seen not to be one.
    unnamed: Option<Headers>,
    /// Whether the file has a header, by its contract.
    has_header: bool,
    positions: Vec<Option<usize>>,
}

/// A header would be loaded as a row.
const HEADER: &str = "the line names the columns, and by its contract the file has no header; leave the line out of the file, or \
    `header: false` out of the contract";

/// The row that was parsed.
struct Row {
    data: Vec<u8>,
    bytes: usize,
    ends: Vec<usize>,
    fields: usize,
    /// Where it stands in the window, line breaks before and behind it included.
    from: usize,
    to: usize,
    /// Whether it has more fields than any row may have: then it is not kept.
    too_many: bool,
}

/// What comes next in the file.
enum Next {
    /// A row whose end is known.
    Row,
    /// A row whose end is not.
    Damaged(Damage),
    /// Nothing.
    End,
}

impl Row {
    fn field(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.data[start..self.ends[number]]
    }

    fn has_long_field(&self) -> bool {
        let starts = [0].iter().chain(&self.ends[..self.fields]);
        self.bytes > MAX_FIELD_BYTES
            && starts.zip(&self.ends[..self.fields]).any(|(start, end)| end - start > MAX_FIELD_BYTES)
    }
}

impl Csv {
    /// Begins to read `text`, which is written as `format` says.
    pub(in crate::read) fn new(text: Text, format: &Format) -> Self {
        // A contract's fault is found before any file is read.
        let byte = |symbol: char, default| u8::try_from(symbol).unwrap_or(default);
        let (quote, delimiter) = (byte(format.quote, b'"'), byte(format.delimiter, b','));
        Self {
            text,
            frame: Frame::new(quote, delimiter),
            parser: ReaderBuilder::new().quote(quote).delimiter(delimiter).build(),
            whole: 0,
            damage: None,
            checked: 0,
            invalid: None,
            ended: false,
            flushed: false,
            row: Row { data: vec![0; 4096], bytes: 0, ends: vec![0; 64], fields: 0, from: 0, to: 0, too_many: false },
            fields: 0,
            unnamed: None,
            has_header: format.header,
            positions: Vec::new(),
        }
    }

    /// Reads the header and lays it beside the contract; `None` if there is none.
    pub(in crate::read) fn header(&mut self, contract: &Contract) -> Result<Option<Shape>, Failure> {
        match self.next()? {
            Next::End => return Ok(None),
            Next::Damaged(damage) => {
                let line = self.text.line_at(damage.at);
                return Err(self.fault(line, damage.why));
            }
            Next::Row => {}
        }
        let line = self.text.line_at(self.row_start());
        if let Some(why) = self.row_fault() {
            return Err(self.fault(line, &why));
        }
        let names: Result<Vec<_>, _> =
            (0..self.row.fields).map(|number| std::str::from_utf8(self.row.field(number))).collect();
        let names = names.map_err(|_| self.fault(line, "the header is not UTF-8"))?;
        let shape = Shape::of(&names, contract).map_err(|why| self.fault(line, &why))?;
        self.fields = shape.fields;
        self.positions.clone_from(&shape.positions);
        Ok(Some(shape))
    }

    /// Takes the file's columns for the contract's, in its order: no line names them.
    pub(in crate::read) fn no_header(&mut self, contract: &Contract) -> Shape {
        let shape = Shape::by_position(contract);
        self.fields = shape.fields;
        self.positions.clone_from(&shape.positions);
        self.unnamed = Some(contract.headers());
        shape
    }

    /// Whether the row that was parsed is a header all the same: its fields are the contract's columns by their names.
    fn is_header(&self, headers: &Headers) -> bool {
        let name = |number| std::str::from_utf8(self.row.field(number)).ok().and_then(|name| headers.column(name));
        let named: HashSet<usize> = (0..self.row.fields).filter_map(name).collect();
        named.len() == self.fields
    }

    /// Parses the next row into `self.row`.
    fn next(&mut self) -> Result<Next, Failure> {
        loop {
            if self.text.from() < self.whole || (self.ended && self.damage.is_none() && !self.flushed) {
                if self.parse() {
                    return Ok(Next::Row);
                }
            } else if let Some(damage) = self.damage.take() {
                return Ok(Next::Damaged(damage));
            } else if self.ended {
                return Ok(Next::End);
            } else {
                let moved = self.text.more()?;
                self.frame.moved(moved);
                self.checked -= moved.min(self.checked);
                self.invalid = self.invalid.map(|(at, is_nul)| (at - moved, is_nul));
                self.follow();
            }
        }
    }

    /// Finds out how much of the window is whole rows, and whether all of it is text.
    fn follow(&mut self) {
        let seen = self.text.seen();
        (self.whole, self.damage) = self.frame.follow(seen, self.text.is_ended());
        self.ended = self.text.is_ended();
        if self.invalid.is_none() {
            (self.checked, self.invalid) = check(seen, self.checked, self.ended);
        }
    }

    /// Parses on to the end of a row; `false` if none is left in what is whole.
    fn parse(&mut self) -> bool {
        (self.row.bytes, self.row.fields, self.row.too_many) = (0, 0, false);
        self.row.from = self.text.from();
        let last = self.ended && self.damage.is_none();
        loop {
            let input = &self.text.seen()[self.text.from()..self.whole];
            self.flushed = last && input.is_empty();
            let (result, read, wrote, ended) = self.parser.read_record(
                input,
                &mut self.row.data[self.row.bytes..],
                &mut self.row.ends[self.row.fields..],
            );
            self.row.to = self.text.from() + read;
            self.text.pass(self.row.to);
            self.row.bytes += wrote;
            self.row.fields += ended;
            match result {
                ReadRecordResult::Record => return true,
                ReadRecordResult::End => return false,
                // Told once more that there is nothing, the parser takes the last row for ended.
                ReadRecordResult::InputEmpty if last => {}
                ReadRecordResult::InputEmpty => return false,
                // No longer than the text that it comes from, and that has a longest length.
                ReadRecordResult::OutputFull => self.row.data.resize(self.row.data.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.row.ends.len() < MAX_FIELDS => {
                    self.row.ends.resize((self.row.ends.len() * 2).min(MAX_FIELDS), 0);
                }
                ReadRecordResult::OutputEndsFull => (self.row.fields, self.row.too_many) = (0, true),
            }
        }
    }

    /// Where the row begins, behind blank lines before it.
    fn row_start(&self) -> usize {
        let blank = self.text.seen()[self.row.from..self.row.to].iter().take_while(is_break).count();
        self.row.from + blank
    }

    /// What is wrong with the row that was parsed, whatever the header says.
    fn row_fault(&mut self) -> Option<String> {
        let to = self.row.to;
        if let Some((at, is_nul)) = self.invalid.filter(|(at, _)| *at < to) {
            let why = if is_nul { "a NUL byte; the file is damaged or no text".into() } else { self.text.no_text(at) };
            let (row, line) = (self.text.line_at(self.row_start()), self.text.line_at(at));
            (self.checked, self.invalid) = check(self.text.seen(), to, self.ended);
            return Some(if line == row { why } else { format!("{why} (line {line})") });
        }
        if self.row.too_many {
            return Some(format!("a row of more than {MAX_FIELDS} fields"));
        }
        if self.row.has_long_field() {
            return Some("a field of more than 1 MiB; is a quote not closed?".into());
        }
        (to - self.row.from > MAX_ROW_BYTES).then(|| "a row of more than 32 MiB".into())
    }

    /// Passes over the line that a damaged row begins in, and sets it aside.
    fn pass_line(&mut self, damage: Damage, sink: &mut Sink) -> Result<(), Failure> {
        let (line, at) = (self.text.line_at(self.text.from()), self.text.line_at(damage.at));
        if sink.is_strict() {
            return Err(self.fault(at, damage.why));
        }
        let reason = if line == at { damage.why.into() } else { format!("{} (line {at})", damage.why) };
        let (raw, has_moved) = self.text.pass_line()?;
        let to = self.text.from();
        if has_moved || self.checked < to || self.invalid.is_some_and(|(at, _)| at < to) {
            (self.checked, self.invalid) = (to, None);
        }
        self.frame.begin(to);
        self.follow();
        sink.bad(line, &reason, &raw)
    }

    /// Hands the row that was parsed to the sink.
    fn give(&mut self, sink: &mut Sink) -> Result<(), Failure> {
        let fault = self.row_fault().or_else(|| {
            let (found, expected) = (self.row.fields, self.fields);
            let whose = if self.has_header { "the header" } else { "the contract" };
            (found != expected).then(|| {
                format!("the row has {found} fields, {whose} has {expected}; mend the row, or quote its delimiters")
            })
        });
        if let Some(headers) = self.unnamed.take()
            && fault.is_none()
            && self.is_header(&headers)
        {
            let line = self.text.line_at(self.row_start());
            return Err(self.fault(line, HEADER));
        }
        let (from, to) = (self.row_start(), self.row.to);
        let Self { text, row, positions, .. } = self;
        match fault {
            None => {
                let field = |column: usize| match positions[column] {
                    Some(number) => row.field(number),
                    None => b"",
                };
                sink.row(field, || (text.line_at(from), trimmed(&text.seen()[from..to]).to_vec()))
            }
            Some(why) => {
                let line = text.line_at(from);
                sink.bad(line, &why, trimmed(&text.seen()[from..to]))
            }
        }
    }

    fn fault(&self, line: u64, why: &str) -> Failure {
        Failure::permanent(format!("{}: line {line}: {why}", self.text.file().uri()))
    }
}

impl Reader for Csv {
    fn fill(&mut self, sink: &mut Sink, _: &mut Shape) -> Result<bool, Failure> {
        while !sink.is_full() {
            match self.next()? {
                Next::Row => self.give(sink)?,
                Next::Damaged(damage) => self.pass_line(damage, sink)?,
                Next::End => return Ok(false),
            }
        }
        Ok(true)
    }

    fn nothing(&self) -> &'static str {
        match (self.has_header, self.fields) {
            (false, _) => "no rows",
            (true, 0) => "no header and no rows",
            (true, _) => "a header and no rows",
        }
    }

    fn finish(self: Box<Self>) -> Result<(u64, String), Failure> {
        self.text.finish()
    }
}

/// Looks through `window` from `from` on: up to where it is text, and the first byte that is none or a NUL.
fn check(window: &[u8], from: usize, last: bool) -> (usize, Option<(usize, bool)>) {
    let text = &window[from..];
    let (valid, is_whole) = match simdutf8::compat::from_utf8(text) {
        Ok(_) => (text.len(), true),
        // The beginning of a character, the rest of which is not read yet.
        Err(error) if error.error_len().is_none() && !last => (error.valid_up_to(), true),
        Err(error) => (error.valid_up_to(), false),
    };
    let invalid = match memchr(0, &text[..valid]) {
        Some(at) => Some((from + at, true)),
        None => (!is_whole).then_some((from + valid, false)),
    };
    (from + valid, invalid)
}

fn trimmed(row: &[u8]) -> &[u8] {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    row.strip_suffix(b"\r").unwrap_or(row)
}

fn is_break(byte: &&u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}
