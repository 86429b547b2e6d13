//! Writing CSV lines: comma, `"` around what needs it, LF.

use std::fmt::Write as _;
use std::io::{self, Write};

use chrono::{Datelike, NaiveDateTime, Timelike};

/// A CSV line in the making; its buffer is used again for the next.
#[derive(Default)]
pub(super) struct Line(String);

impl Line {
    fn next(&mut self) -> &mut String {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        &mut self.0
    }

    /// An empty field. A line must not begin with one.
    pub(super) fn blank(&mut self) -> &mut Self {
        self.next();
        self
    }

    /// A field that needs no quotes by its nature.
    pub(super) fn plain(&mut self, value: impl std::fmt::Display) -> &mut Self {
        // Writing to memory does not fail.
        let _ = write!(self.next(), "{value}");
        self
    }

    /// Free text, in quotes if it needs them.
    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        let out = self.next();
        if value.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            out.push_str(&value.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(value);
        }
        self
    }

    /// Thousandths as a decimal number with `digits` (0 to 3) behind the point, cut off there.
    pub(super) fn decimal(&mut self, thousandths: i64, digits: usize) -> &mut Self {
        let sign = if thousandths < 0 { "-" } else { "" };
        let (whole, rest) = (thousandths.unsigned_abs() / 1000, thousandths.unsigned_abs() % 1000);
        match digits {
            0 => self.plain(format_args!("{sign}{whole}")),
            1 => self.plain(format_args!("{sign}{whole}.{}", rest / 100)),
            2 => self.plain(format_args!("{sign}{whole}.{:02}", rest / 10)),
            _ => self.plain(format_args!("{sign}{whole}.{rest:03}")),
        }
    }

    /// A time, `YYYY-MM-DD hh:mm:ss`; empty for none.
    pub(super) fn time(&mut self, at: Option<NaiveDateTime>) -> &mut Self {
        // chrono's own formatting takes three times as long, and a large sample has millions of these.
        match at {
            Some(at) => self.plain(format_args!(
                "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                at.year(),
                at.month(),
                at.day(),
                at.hour(),
                at.minute(),
                at.second()
            )),
            None => self.blank(),
        }
    }

    /// Ends the line, writes it and says how many bytes it had.
    pub(super) fn end(&mut self, to: &mut impl Write) -> io::Result<u64> {
        self.0.push('\n');
        to.write_all(self.0.as_bytes())?;
        let bytes = self.0.len() as u64;
        self.0.clear();
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        let mut line = Line::default();
        line.plain(7).blank().text("Düse").text("a, \"b\"\nc").decimal(-1_250, 2).decimal(12_345, 3).decimal(999, 0);
        line.time(None);
        let mut out = Vec::new();
        let bytes = line.end(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "7,,Düse,\"a, \"\"b\"\"\nc\",-1.25,12.345,0,\n");
        assert_eq!(bytes, 38);
    }
}
