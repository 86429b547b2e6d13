//! Bytes into UTF-8, and a window over it.
//!
//! What is no text in the file's encoding comes out as the byte `0xFF`, which is no UTF-8 either: so there is one place that
//! looks for invalid bytes, behind this one, and it sees them where they stand.

use encoding_rs::{CoderResult, Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252, mem};
use memchr::{memchr, memchr_iter, memchr2, memchr3};
use messages::Failure;
use runtime::{Compression, Encoding};
use warehouse::MAX_REJECTED_BYTES;

use super::file::Hashed;
use super::unpack::Unpacked;

/// Bytes read at a time.
pub(super) const PIECE_BYTES: usize = 256 * 1024;
/// What stands for a byte, or two, that are no text.
const NO_TEXT: u8 = 0xff;
/// The longest character, and room for what stands for one.
const ROOM_BYTES: usize = 16;

/// A window over the file's text. `seen()` is what was read and not given up yet.
pub(super) struct Text {
    input: Unpacked,
    decoder: How,
    /// Read and not decoded.
    raw: Vec<u8>,
    raw_from: usize,
    window: Vec<u8>,
    from: usize,
    filled: usize,
    ended: bool,
    /// Bytes before the window.
    bytes: u64,
    /// Line breaks before `counted`, a place in the window.
    lines: u64,
    counted: usize,
}

enum How {
    Utf8,
    Latin1,
    Windows1252(Box<Decoder>),
    Utf16(Box<Decoder>),
}

impl Text {
    /// Opens the file's text, behind a byte order mark if it has one.
    pub(super) fn open(file: Hashed, compression: Compression, encoding: Encoding) -> Result<Self, Failure> {
        let mut input = Unpacked::new(file, compression)?;
        let mut raw = vec![0; PIECE_BYTES];
        let mut filled = 0;
        // A byte order mark must be seen whole.
        while filled < 3 {
            match input.read(&mut raw[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        raw.truncate(filled);
        let (decoder, mark) = how(&raw, encoding).map_err(|why| {
            let uri = input.file().uri();
            Failure::permanent(format!("{uri}: {why}"))
        })?;
        Ok(Self {
            input,
            decoder,
            raw,
            raw_from: mark,
            window: vec![0; PIECE_BYTES],
            from: 0,
            filled: 0,
            ended: false,
            bytes: mark as u64,
            lines: 0,
            counted: 0,
        })
    }

    /// The file.
    pub(super) fn file(&self) -> &Hashed {
        self.input.file()
    }

    /// The text that stands in the window.
    pub(super) fn seen(&self) -> &[u8] {
        &self.window[..self.filled]
    }

    /// Where the text begins that was not given up.
    pub(super) fn from(&self) -> usize {
        self.from
    }

    /// Gives up the text before `to`.
    pub(super) fn pass(&mut self, to: usize) {
        debug_assert!(self.from <= to && to <= self.filled, "passed over what was not read");
        self.from = to;
    }

    /// Whether nothing stands behind the window.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Moves what was not given up to the window's front and reads behind it. The answer is by how much it moved.
    pub(super) fn more(&mut self) -> Result<usize, Failure> {
        let moved = self.from;
        self.line_at(moved);
        self.window.copy_within(moved..self.filled, 0);
        self.bytes += moved as u64;
        self.filled -= moved;
        (self.from, self.counted) = (0, 0);
        if self.window.len() - self.filled < PIECE_BYTES / 2 {
            let grown = (self.window.len() * 2).max(self.filled + PIECE_BYTES);
            self.window.resize(grown, 0);
        }
        self.read()?;
        Ok(moved)
    }

    fn read(&mut self) -> Result<(), Failure> {
        loop {
            if self.raw_from == self.raw.len() && matches!(self.decoder, How::Utf8) {
                let count = self.input.read(&mut self.window[self.filled..])?;
                self.filled += count;
                self.ended = count == 0;
                return Ok(());
            }
            let mut last = false;
            if self.raw_from == self.raw.len() {
                self.raw.resize(PIECE_BYTES, 0);
                self.raw_from = 0;
                let count = self.input.read(&mut self.raw)?;
                self.raw.truncate(count);
                last = count == 0;
            }
            let before = self.filled;
            let (read, wrote) = self.decoder.decode(&self.raw[self.raw_from..], &mut self.window[self.filled..], last);
            self.raw_from += read;
            self.filled += wrote;
            self.ended = last;
            if last || self.filled > before {
                return Ok(());
            }
        }
    }

    /// Passes over the rest of the line: as much of it as is kept of a row that is set aside and a byte more, without its line
    /// break, and whether the window moved.
    pub(super) fn pass_line(&mut self) -> Result<(Vec<u8>, bool), Failure> {
        let (mut kept, mut has_moved) = (Vec::new(), false);
        loop {
            let rest = &self.window[self.from..self.filled];
            let end = memchr(b'\n', rest);
            let piece = &rest[..end.unwrap_or(rest.len())];
            kept.extend_from_slice(&piece[..piece.len().min(MAX_REJECTED_BYTES + 1 - kept.len())]);
            self.from += end.map_or(rest.len(), |end| end + 1);
            if end.is_some() || self.ended {
                break;
            }
            self.more()?;
            has_moved = true;
        }
        if kept.last() == Some(&b'\r') {
            kept.pop();
        }
        Ok((kept, has_moved))
    }

    /// The line that the place in the window stands in, from 1. Quick, if it is asked for in the order of the file.
    pub(super) fn line_at(&mut self, at: usize) -> u64 {
        if at < self.counted {
            return self.lines + 1 - memchr_iter(b'\n', &self.window[at..self.counted]).count() as u64;
        }
        self.lines += memchr_iter(b'\n', &self.window[self.counted..at]).count() as u64;
        self.counted = at;
        self.lines + 1
    }

    /// What is wrong with the byte at that place of the window, which is no text.
    pub(super) fn no_text(&self, at: usize) -> String {
        match &self.decoder {
            How::Utf8 if self.input.is_plain() => {
                let byte = self.bytes + at as u64;
                format!(
                    "byte {byte} of the file is not UTF-8; save the file as UTF-8, or name its encoding in the contract"
                )
            }
            How::Utf8 => "it is not UTF-8; save the file as UTF-8, or name its encoding in the contract".into(),
            How::Latin1 => "it is not Latin-1".into(),
            How::Windows1252(_) => {
                "it is not Windows-1252: it has one of the five bytes that mean nothing there".into()
            }
            How::Utf16(_) => "it is not UTF-16: half of a character is missing".into(),
        }
    }

    /// Bytes of the file and its hash, once all is read.
    pub(super) fn finish(self) -> Result<(u64, String), Failure> {
        self.input.finish()
    }
}

/// How the text is decoded, and how long its byte order mark is.
fn how(start: &[u8], encoding: Encoding) -> Result<(How, usize), String> {
    let utf16 =
        |encoding: &'static encoding_rs::Encoding| How::Utf16(Box::new(encoding.new_decoder_without_bom_handling()));
    // No text in Latin-1 begins with these three, and none in UTF-16 does either.
    if start.starts_with(b"\xef\xbb\xbf") {
        return Ok((How::Utf8, 3));
    }
    let mark =
        [(b"\xff\xfe", UTF_16LE), (b"\xfe\xff", UTF_16BE)].into_iter().find(|(mark, _)| start.starts_with(*mark));
    match (encoding, mark) {
        (Encoding::Utf16, Some((_, order))) => Ok((utf16(order), 2)),
        (Encoding::Utf16, None) => Ok((utf16(UTF_16LE), 0)),
        (_, Some(_)) => {
            Err("the file is UTF-16, by its byte order mark; save it as its contract says, or put `encoding: \
            utf-16` under `format` in the contract"
                .into())
        }
        (Encoding::Utf8, None) => Ok((How::Utf8, 0)),
        (Encoding::Latin1, None) => Ok((How::Latin1, 0)),
        (Encoding::Windows1252, None) => {
            Ok((How::Windows1252(Box::new(WINDOWS_1252.new_decoder_without_bom_handling())), 0))
        }
    }
}

impl How {
    /// Decodes from `raw` into `into`, which has room for some characters: how much was read, and written. It may stop early.
    fn decode(&mut self, raw: &[u8], into: &mut [u8], last: bool) -> (usize, usize) {
        match self {
            Self::Utf8 => {
                let count = raw.len().min(into.len());
                into[..count].copy_from_slice(&raw[..count]);
                (count, count)
            }
            Self::Latin1 => mem::convert_latin1_to_utf8_partial(raw, into),
            Self::Windows1252(decoder) => {
                let nothing = memchr3(0x81, 0x8d, 0x8f, raw).into_iter().chain(memchr2(0x90, 0x9d, raw)).min();
                if nothing == Some(0) {
                    into[0] = NO_TEXT;
                    return (1, 1);
                }
                let (result, read, wrote, _) =
                    decoder.decode_to_utf8(&raw[..nothing.unwrap_or(raw.len())], into, false);
                debug_assert!(matches!(result, CoderResult::InputEmpty | CoderResult::OutputFull), "of two");
                (read, wrote)
            }
            Self::Utf16(decoder) => {
                let (mut read, mut wrote) = (0, 0);
                while into.len() - wrote > ROOM_BYTES {
                    let (result, more_read, more_wrote) =
                        decoder.decode_to_utf8_without_replacement(&raw[read..], &mut into[wrote..], last);
                    read += more_read;
                    wrote += more_wrote;
                    match result {
                        DecoderResult::Malformed(..) => {
                            into[wrote] = NO_TEXT;
                            wrote += 1;
                        }
                        DecoderResult::InputEmpty | DecoderResult::OutputFull => break,
                    }
                }
                (read, wrote)
            }
        }
    }
}
