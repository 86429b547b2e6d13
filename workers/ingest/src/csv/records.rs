//! Rows out of the file.

use std::path::Path;

use arrow_array::RecordBatch;
use csv_core::{ReadRecordResult, Reader};
use memchr::memchr_iter;
use messages::Failure;
use warehouse::FileFacts;

use super::MAX_FIELD_BYTES;
use super::batch::Filling;
use super::file::{Expected, Hashed};
use super::header::{Header, list};
use super::strict::Strict;

/// Bytes read at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// The longest row, in bytes.
const MAX_ROW_BYTES: usize = 64 << 20;
/// The most fields of a row.
const MAX_FIELDS: usize = 10_000;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file being read.
pub(super) struct Records {
    file: Hashed,
    strict: Strict,
    parser: Reader,
    /// `piece[from..to]` is checked and not parsed yet; `piece[to..filled]` is the beginning of a character.
    piece: Vec<u8>,
    from: usize,
    to: usize,
    filled: usize,
    ended: bool,
    /// Line breaks before `piece`.
    lines: u64,
    row: Row,
    header: Header,
    filling: Filling,
    notes: Vec<String>,
}

/// The row that is being parsed.
struct Row {
    data: Vec<u8>,
    bytes: usize,
    ends: Vec<usize>,
    fields: usize,
}

impl Row {
    fn field(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.data[start..self.ends[number]]
    }
}

impl Records {
    /// Opens the file and reads its header.
    pub(super) fn open(path: &Path, columns: &[String], expected: Expected) -> Result<Self, Failure> {
        let mut records = Self {
            file: Hashed::open(path, expected)?,
            strict: Strict::default(),
            parser: Reader::new(),
            piece: vec![0; PIECE_BYTES],
            from: 0,
            to: 0,
            filled: 0,
            ended: false,
            lines: 0,
            row: Row { data: vec![0; 4096], bytes: 0, ends: vec![0; 64], fields: 0 },
            header: Header { fields: 0, positions: Vec::new(), extra: Vec::new() },
            filling: Filling::new(columns),
            notes: Vec::new(),
        };
        records.read_header(columns)?;
        Ok(records)
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    fn read_header(&mut self, columns: &[String]) -> Result<(), Failure> {
        if !self.next_row()? {
            return Err(self.fault("the file has no header, only blank lines"));
        }
        let names: Result<Vec<_>, _> =
            (0..self.row.fields).map(|number| std::str::from_utf8(self.row.field(number))).collect();
        let names = names.map_err(|_| self.fault("line 1: the header is not UTF-8"))?;
        self.header = Header::new(&names, columns).map_err(|why| self.fault(&why))?;
        if !self.header.extra.is_empty() {
            let extra = list(&self.header.extra);
            tracing::info!(
                file = self.file.uri(),
                columns = extra,
                "columns that the contract does not name are ignored"
            );
            self.notes.push(format!("columns that the contract does not name are ignored: {extra}"));
        }
        Ok(())
    }

    /// The next rows.
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        while !self.filling.is_full() && self.next_row()? {
            if self.row.fields != self.header.fields {
                let (found, expected) = (self.row.fields, self.header.fields);
                let why = format!(
                    "line {}: the row has {found} fields, the header has {expected}; mend the row, or quote its commas",
                    self.row_line()
                );
                return Err(self.fault(&why));
            }
            let (row, positions) = (&self.row, &self.header.positions);
            self.filling.push(|column| row.field(positions[column]));
        }
        self.filling.take().map_err(|error| self.fault(&error.to_string()))
    }

    /// Reads what is left of the file, and says what it was.
    pub(super) fn finish(mut self) -> Result<FileFacts, Failure> {
        while self.next_batch()?.is_some() {}
        let rows = self.filling.total();
        if rows == 0 {
            return Err(self
                .fault("the file has a header and no rows; it is not loaded, because it would empty what is current"));
        }
        let (bytes, file_id) = self.file.finish()?;
        Ok(FileFacts::plain(rows, bytes, file_id))
    }

    /// Parses the next row into `self.row`; `false` behind the last.
    fn next_row(&mut self) -> Result<bool, Failure> {
        (self.row.bytes, self.row.fields) = (0, 0);
        loop {
            if self.from == self.to && !self.ended {
                self.next_piece()?;
            }
            let (result, read, wrote, ended) = self.parser.read_record(
                &self.piece[self.from..self.to],
                &mut self.row.data[self.row.bytes..],
                &mut self.row.ends[self.row.fields..],
            );
            self.from += read;
            self.row.bytes += wrote;
            self.row.fields += ended;
            match result {
                ReadRecordResult::Record => {
                    self.check_lengths()?;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    self.check_lengths()?;
                    let doubled = self.row.data.len() * 2;
                    if doubled > MAX_ROW_BYTES {
                        return Err(self.fault(&format!("line {}: a row of more than 32 MiB", self.row_line())));
                    }
                    self.row.data.resize(doubled, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    let doubled = self.row.ends.len() * 2;
                    if doubled > 2 * MAX_FIELDS {
                        let why = format!("line {}: a row of more than {MAX_FIELDS} fields", self.row_line());
                        return Err(self.fault(&why));
                    }
                    self.row.ends.resize(doubled, 0);
                }
            }
        }
    }

    fn check_lengths(&self) -> Result<(), Failure> {
        if self.row.bytes <= MAX_FIELD_BYTES {
            return Ok(());
        }
        let ends = &self.row.ends[..self.row.fields];
        let starts = [0].iter().chain(ends);
        let last = [self.row.bytes];
        if starts.zip(ends.iter().chain(&last)).any(|(start, end)| end - start > MAX_FIELD_BYTES) {
            let line = self.row_line();
            return Err(self.fault(&format!("line {line}: a field of more than 1 MiB; is a quote not closed?")));
        }
        Ok(())
    }

    /// Reads, checks and shows the next piece to the parser.
    fn next_piece(&mut self) -> Result<(), Failure> {
        self.lines += memchr_iter(b'\n', &self.piece[..self.to]).count() as u64;
        let first = self.filled == 0;
        self.piece.copy_within(self.to..self.filled, 0);
        self.filled -= self.to;
        (self.from, self.to) = (0, 0);
        let mut count = self.file.read(&mut self.piece[self.filled..])?;
        self.filled += count;
        // The byte order mark must be seen whole.
        while first && count > 0 && self.filled < BYTE_ORDER_MARK.len() {
            count = self.file.read(&mut self.piece[self.filled..])?;
            self.filled += count;
        }
        self.ended = count == 0;
        if first && self.piece[..self.filled].starts_with(BYTE_ORDER_MARK) {
            self.piece.copy_within(BYTE_ORDER_MARK.len()..self.filled, 0);
            self.filled -= BYTE_ORDER_MARK.len();
            self.strict.skip(BYTE_ORDER_MARK.len());
        }
        let whole = self.strict.whole(&self.piece[..self.filled], self.ended);
        self.to = whole.map_err(|why| self.fault(&why))?;
        self.strict
            .follow(&self.piece[..self.to])
            .map_err(|why| format!("{}: {why}", self.file.uri()))
            .map_err(Failure::permanent)?;
        if self.ended {
            self.strict.end().map_err(|why| self.fault(&why))?;
        }
        Ok(())
    }

    /// The line that the row begins in, once it is parsed.
    fn row_line(&self) -> u64 {
        let parsed = &self.piece[..self.from];
        let ended = u64::from(parsed.last() != Some(&b'\n'));
        let inside = memchr_iter(b'\n', &self.row.data[..self.row.bytes]).count() as u64;
        let breaks = self.lines + memchr_iter(b'\n', parsed).count() as u64;
        (breaks + ended).saturating_sub(inside).max(1)
    }

    fn fault(&self, why: &str) -> Failure {
        Failure::permanent(format!("{}: {why}", self.file.uri()))
    }
}
