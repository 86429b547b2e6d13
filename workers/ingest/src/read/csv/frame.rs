//! Where rows end, and what the parser would let pass: damaged quotes and lone carriage returns.
//!
//! The parser behind this takes any bytes and makes the best of them. Here the quotes are followed from one to the next,
//! which costs next to nothing where there are none, so that the parser is only given rows whose quotes are as they should
//! be. Places are places in the reader's window, which begins where a row does.

use memchr::{memchr, memchr2, memrchr};

use super::{MAX_FIELD_BYTES, MAX_ROW_BYTES};

/// Follows a file's rows.
pub(super) struct Frame {
    quote: u8,
    delimiter: u8,
    state: State,
    /// What is followed next.
    at: usize,
    /// Since when no quote is open: line breaks from here on end rows.
    open_since: usize,
    /// Where the row begins that is followed.
    row: usize,
    /// The quote that is open.
    opened: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Quoted,
    /// Behind a quote inside quotes: the closing one, or the first of two.
    Quote,
    /// Behind a carriage return outside quotes.
    Return,
}

/// Why a row can't be framed, and where in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) at: usize,
    pub(super) why: &'static str,
}

const INSIDE: &str =
    "a quote inside a field that does not begin with one; put the field in quotes and double the quotes inside it";
const BEHIND: &str = "text behind a closing quote; double the quotes inside a field";
const RETURN: &str = "a carriage return without a line feed; end lines with LF or CRLF";
const UNCLOSED: &str = "a quote is opened and never closed";
const LONG_FIELD: &str = "a field of more than 1 MiB; is a quote not closed?";
const LONG_ROW: &str = "a row of more than 32 MiB";

impl Frame {
    pub(super) fn new(quote: u8, delimiter: u8) -> Self {
        Self { quote, delimiter, state: State::Open, at: 0, open_since: 0, row: 0, opened: 0 }
    }

    /// The window moved on by so many bytes.
    pub(super) fn moved(&mut self, by: usize) {
        for place in [&mut self.at, &mut self.open_since, &mut self.row, &mut self.opened] {
            *place = place.saturating_sub(by);
        }
    }

    /// Begins anew with the row at `at`.
    pub(super) fn begin(&mut self, at: usize) {
        self.state = State::Open;
        (self.at, self.open_since, self.row, self.opened) = (at, at, at, at);
    }

    /// Follows the window to its end, which is the file's if `ended`. The answer is where the row begins that is not whole
    /// yet, and whether it never will be.
    pub(super) fn follow(&mut self, window: &[u8], ended: bool) -> (usize, Option<Damage>) {
        let damage = self.quotes(window).err().or_else(|| if ended { self.end(window) } else { self.too_long(window) });
        (self.row, damage)
    }

    fn quotes(&mut self, window: &[u8]) -> Result<(), Damage> {
        let damage = |at, why| Err(Damage { at, why });
        while let Some(&byte) = window.get(self.at) {
            match self.state {
                State::Open => {
                    let Some(found) = memchr2(self.quote, b'\r', &window[self.at..]) else {
                        self.at = window.len();
                        break;
                    };
                    let found = self.at + found;
                    self.at = found + 1;
                    if window[found] == b'\r' {
                        self.state = State::Return;
                        continue;
                    }
                    self.row_before(window, found);
                    // The window begins where a row does.
                    let legal = found == self.row || window[found - 1] == self.delimiter;
                    if !legal {
                        return damage(found, INSIDE);
                    }
                    (self.state, self.opened) = (State::Quoted, found);
                }
                State::Quoted => {
                    let Some(found) = memchr(self.quote, &window[self.at..]) else {
                        self.at = window.len();
                        break;
                    };
                    self.at += found + 1;
                    self.state = State::Quote;
                }
                State::Quote => {
                    if byte == self.quote {
                        self.state = State::Quoted;
                    } else if byte == self.delimiter || byte == b'\n' {
                        (self.state, self.open_since) = (State::Open, self.at);
                    } else if byte == b'\r' {
                        (self.state, self.open_since) = (State::Return, self.at);
                    } else {
                        return damage(self.at, BEHIND);
                    }
                    self.at += 1;
                }
                State::Return if byte == b'\n' => {
                    self.state = State::Open;
                    self.at += 1;
                }
                State::Return => {
                    self.row_before(window, self.at);
                    return damage(self.at - 1, RETURN);
                }
            }
        }
        if matches!(self.state, State::Open | State::Return) {
            self.row_before(window, window.len());
        }
        Ok(())
    }

    /// Finds where the row begins that `at` stands in, outside quotes.
    fn row_before(&mut self, window: &[u8], at: usize) {
        if let Some(found) = memrchr(b'\n', &window[self.open_since..at]) {
            self.row = self.open_since + found + 1;
            self.open_since = self.row;
        }
    }

    /// The file ends here.
    fn end(&mut self, window: &[u8]) -> Option<Damage> {
        match self.state {
            State::Quoted => Some(Damage { at: self.opened, why: UNCLOSED }),
            State::Return => Some(Damage { at: window.len() - 1, why: RETURN }),
            State::Open | State::Quote => {
                self.row = window.len();
                None
            }
        }
    }

    /// What is longer than any row is none.
    fn too_long(&self, window: &[u8]) -> Option<Damage> {
        // Every byte of the field could be a quote, and doubled.
        if self.state == State::Quoted && window.len() - self.opened > 2 * MAX_FIELD_BYTES + 2 {
            return Some(Damage { at: self.opened, why: LONG_FIELD });
        }
        if window.len() - self.row <= MAX_ROW_BYTES {
            return None;
        }
        let last = memrchr(self.delimiter, &window[self.row..]).map_or(self.row, |found| self.row + found);
        let is_field = self.state == State::Open && window.len() - last > MAX_FIELD_BYTES;
        Some(Damage { at: self.row, why: if is_field { LONG_FIELD } else { LONG_ROW } })
    }
}
