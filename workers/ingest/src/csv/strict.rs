//! What the parser would let pass: damaged quotes, lone carriage returns, NUL bytes, text that is not UTF-8.
//!
//! The parser behind this takes any bytes and makes the best of them. Here the quotes are followed from one to the
//! next, which costs next to nothing where there are none.

use memchr::{memchr, memchr_iter, memchr2};

/// Follows a file piece by piece.
#[derive(Default)]
pub(super) struct Strict {
    state: State,
    /// The byte before the piece; none at the file's start.
    before: Option<u8>,
    /// Line breaks before the piece.
    lines: u64,
    /// Bytes before the piece.
    bytes: u64,
    /// The line that the open quote stands in.
    quoted_since: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Quoted,
    /// Behind a quote inside quotes: the closing one, or the first of two.
    Quote,
    /// Behind a carriage return outside quotes.
    Return,
}

impl Strict {
    /// Counts bytes that are not followed.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// How much of `piece` is whole characters; the rest belongs in front of the next piece. The error says what is
    /// wrong, and where.
    pub(super) fn whole(&self, piece: &[u8], last: bool) -> Result<usize, String> {
        match simdutf8::compat::from_utf8(piece) {
            Ok(_) => Ok(piece.len()),
            Err(error) if error.error_len().is_none() && !last => Ok(error.valid_up_to()),
            Err(error) => {
                let at = error.valid_up_to();
                let (line, byte) = (self.line_at(piece, at), self.bytes + at as u64);
                if self.bytes == 0 && (piece.starts_with(&[0xff, 0xfe]) || piece.starts_with(&[0xfe, 0xff])) {
                    return Err("the file is UTF-16; save it as UTF-8".into());
                }
                Err(format!("line {line}: byte {byte} of the file is not UTF-8; save the file as UTF-8"))
            }
        }
    }

    /// Follows `piece`, which is the file's next. The error says what is wrong, and where.
    pub(super) fn follow(&mut self, piece: &[u8]) -> Result<(), String> {
        if let Some(at) = memchr(0, piece) {
            return Err(format!("line {}: a NUL byte; the file is damaged or no text", self.line_at(piece, at)));
        }
        // Where the last quote was opened in this piece. Its line is counted once, at the end, not for every quote.
        let mut opened = None;
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            match self.state {
                State::Open => {
                    let Some(found) = memchr2(b'"', b'\r', &piece[at..]) else { break };
                    at += found;
                    if piece[at] == b'\r' {
                        self.state = State::Return;
                    } else {
                        let before = if at > 0 { Some(piece[at - 1]) } else { self.before };
                        if !matches!(before, None | Some(b',' | b'\n')) {
                            let line = self.line_at(piece, at);
                            return Err(format!(
                                "line {line}: a quote inside a field that does not begin with one; \
                                put the field in quotes and double the quotes inside it"
                            ));
                        }
                        self.state = State::Quoted;
                        opened = Some(at);
                    }
                    at += 1;
                }
                State::Quoted => {
                    let Some(found) = memchr(b'"', &piece[at..]) else { break };
                    at += found + 1;
                    self.state = State::Quote;
                }
                State::Quote => {
                    self.state = match byte {
                        b'"' => State::Quoted,
                        b',' | b'\n' => State::Open,
                        b'\r' => State::Return,
                        _ => {
                            let line = self.line_at(piece, at);
                            return Err(format!(
                                "line {line}: text behind a closing quote; double the quotes inside a field"
                            ));
                        }
                    };
                    at += 1;
                }
                State::Return if byte == b'\n' => {
                    self.state = State::Open;
                    at += 1;
                }
                State::Return => return Err(self.lone_return(self.line_at(piece, at))),
            }
        }
        if let Some(opened) = opened {
            self.quoted_since = self.line_at(piece, opened);
        }
        self.lines += memchr_iter(b'\n', piece).count() as u64;
        self.bytes += piece.len() as u64;
        self.before = piece.last().copied().or(self.before);
        Ok(())
    }

    /// The file ends here.
    pub(super) fn end(&self) -> Result<(), String> {
        match self.state {
            State::Quoted => Err(format!("line {}: a quote is opened and never closed", self.quoted_since)),
            State::Return => Err(self.lone_return(self.lines + 1)),
            State::Open | State::Quote => Ok(()),
        }
    }

    fn lone_return(&self, line: u64) -> String {
        format!("line {line}: a carriage return without a line feed; end lines with LF or CRLF")
    }

    fn line_at(&self, piece: &[u8], at: usize) -> u64 {
        self.lines + 1 + memchr_iter(b'\n', &piece[..at]).count() as u64
    }
}
