//! Regular expressions that mean the same to every warehouse.
//!
//! DuckDB has RE2, Snowflake POSIX with some of Perl's words. What both take is taken here, and written anew in words that
//! neither reads differently: `\d` becomes `[0-9]`, `.` anything but a line feed, and no class holds a backslash. The rest is refused
//! when the contract is read. A pattern is about the whole value.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

/// The greatest count in braces: RE2 refuses more than 1,000 for all that stand around each other, POSIX more than 255.
const MAX_REPEAT: u32 = 255;
/// The product of counts around each other.
const MAX_REPEAT_NESTED: u32 = 1000;
/// How long a pattern may be. Longer ones are lists of values.
const MAX_CHARS: usize = 500;
/// Groups in groups.
const MAX_DEPTH: usize = 20;

/// Writes a pattern so that every warehouse reads it alike; the error says what can't be taken, and what to write instead.
/// With `ignore_case` each letter stands for its capital too.
pub(crate) fn portable(pattern: &str, ignore_case: bool) -> Result<String, String> {
    if pattern.chars().count() > MAX_CHARS {
        return Err(format!("it is longer than {MAX_CHARS} characters; use accepted_values or custom_sql"));
    }
    let mut parser = Parser { rest: pattern.chars().peekable(), ignore_case, depth: 0 };
    let (text, _) = parser.alternatives()?;
    match parser.rest.next() {
        None => Ok(text),
        Some(_) => Err("a ) has no ( before it; write \\) for the character".into()),
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    ignore_case: bool,
    depth: usize,
}

/// Text, and how often its innermost part may be repeated.
type Part = (String, u32);

impl Parser<'_> {
    fn alternatives(&mut self) -> Result<Part, String> {
        let (mut text, mut repeats) = self.sequence()?;
        while self.rest.next_if_eq(&'|').is_some() {
            let (next, times) = self.sequence()?;
            text = format!("{text}|{next}");
            repeats = repeats.max(times);
        }
        Ok((text, repeats))
    }

    fn sequence(&mut self) -> Result<Part, String> {
        let (mut text, mut repeats) = (String::new(), 1);
        while let Some(&c) = self.rest.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            self.rest.next();
            let (part, times) = self.part(c)?;
            text.push_str(&part);
            repeats = repeats.max(times);
        }
        if text.is_empty() {
            Err("a part of it is empty; make a part optional with ?".into())
        } else {
            Ok((text, repeats))
        }
    }

    fn part(&mut self, c: char) -> Result<Part, String> {
        let (atom, inner) = match c {
            '(' => self.group()?,
            '[' => (self.class()?, 1),
            '.' => ("[^\n]".into(), 1),
            '\\' => (self.escaped()?, 1),
            '^' | '$' => {
                return Err(format!("leave {c} out: the whole value is compared; write \\{c} for the character"));
            }
            '*' | '+' | '?' | '{' => return Err(format!("{c} repeats nothing; write \\{c} for the character")),
            c => (self.literal(c), 1),
        };
        let (quantifier, times) = self.quantifier()?;
        let repeats = inner.saturating_mul(times);
        if repeats > MAX_REPEAT_NESTED {
            return Err(format!("counts around each other make more than {MAX_REPEAT_NESTED}"));
        }
        if matches!(self.rest.peek(), Some('*' | '+' | '?' | '{')) {
            return Err("two repetitions stand behind each other; greedy is the same as not where the whole value is \
                compared, and brackets repeat a repetition"
                .into());
        }
        Ok((format!("{atom}{quantifier}"), repeats))
    }

    fn group(&mut self) -> Result<Part, String> {
        if self.rest.peek() == Some(&'?') {
            return Err("groups with (? are not the same everywhere; write ( alone".into());
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} groups stand in each other"));
        }
        let (text, repeats) = self.alternatives()?;
        self.depth -= 1;
        self.rest.next().ok_or("a ( is not closed; write \\( for the character")?;
        Ok((format!("({text})"), repeats))
    }

    /// What is repeated how often: as written, and the greatest count.
    fn quantifier(&mut self) -> Result<Part, String> {
        let Some(c) = self.rest.next_if(|c| matches!(c, '*' | '+' | '?' | '{')) else { return Ok((String::new(), 1)) };
        if c != '{' {
            return Ok((c.into(), 1));
        }
        let bad = || format!("write {{n}}, {{n,}} or {{n,m}} with numbers up to {MAX_REPEAT}; \\{{ for the character");
        let mut inside = String::new();
        loop {
            match self.rest.next() {
                Some('}') => break,
                Some(c) if (c.is_ascii_digit() || c == ',') && inside.len() < 8 => inside.push(c),
                _ => return Err(bad()),
            }
        }
        let count = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= MAX_REPEAT).ok_or_else(bad);
        let (from, to) = match inside.split_once(',') {
            None => (count(&inside)?, count(&inside)?),
            Some((from, "")) => (count(from)?, count(from)?),
            Some((from, to)) => (count(from)?, count(to)?),
        };
        if from > to || to == 0 {
            return Err(bad());
        }
        Ok((format!("{{{inside}}}"), to.max(1)))
    }

    fn escaped(&mut self) -> Result<String, String> {
        match self.rest.next() {
            Some('d') => Ok("[0-9]".into()),
            Some('w') => Ok("[0-9A-Z_a-z]".into()),
            Some('s') => Ok("[\t ]".into()),
            Some(c) if c.is_ascii_punctuation() => Ok(self.literal(c)),
            Some(c) => {
                Err(format!("\\{c} is not the same everywhere; \\d, \\w, \\s and \\ before a punctuation mark are"))
            }
            None => Err("it ends in a backslash; write \\\\ for the character".into()),
        }
    }

    fn literal(&self, c: char) -> String {
        let other = other_case(c).filter(|_| self.ignore_case);
        match other {
            Some(other) => class_of(&BTreeSet::from([(c, c), (other, other)]), false),
            None if "\\^$.|?*+()[]{}".contains(c) => format!("\\{c}"),
            None => c.into(),
        }
    }

    fn class(&mut self) -> Result<String, String> {
        let not = self.rest.next_if_eq(&'^').is_some();
        let mut members: BTreeSet<(char, char)> = BTreeSet::new();
        loop {
            let c = self.rest.next().ok_or("a [ is not closed; write \\[ for the character")?;
            match c {
                ']' if members.is_empty() => return Err("a class is empty; write \\] for the character".into()),
                ']' => break,
                _ => {}
            }
            let from = match c {
                '[' | '&' | '~' => return Err(format!("write \\{c} for {c} in a class: in some dialects it is more")),
                '\\' => match self.rest.next() {
                    Some('d') => {
                        members.insert(('0', '9'));
                        continue;
                    }
                    Some('w') => {
                        members.extend([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);
                        continue;
                    }
                    Some('s') => {
                        members.extend([(' ', ' '), ('\t', '\t')]);
                        continue;
                    }
                    Some('\\') => return Err("a backslash can't stand in a class; write (\\\\|[…])".into()),
                    Some(c) if c.is_ascii_punctuation() => c,
                    _ => return Err("in a class, \\d, \\w, \\s and \\ before a punctuation mark are known".into()),
                },
                c => c,
            };
            let to = self.range_end(from)?;
            members.insert((from, to));
        }
        if self.ignore_case {
            let letters: Vec<(char, char)> = members.iter().copied().filter_map(other_range).collect();
            members.extend(letters);
        }
        Ok(class_of(&members, not))
    }

    /// The end of a range that begins with `from`; the same, if it is none.
    fn range_end(&mut self, from: char) -> Result<char, String> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.peek(), Some(']') | None) {
            return Ok(from);
        }
        self.rest.next();
        let to = self.rest.next().unwrap_or_default();
        let alike = |is: fn(&char) -> bool| is(&from) && is(&to);
        let alike = alike(char::is_ascii_digit) || alike(char::is_ascii_lowercase) || alike(char::is_ascii_uppercase);
        if alike && from <= to {
            return Ok(to);
        }
        Err(format!("{from}-{to} is no range of digits, small letters or capitals; write \\- for the character"))
    }
}

/// The letter in the other case, where there is one.
fn other_case(c: char) -> Option<char> {
    let mut other: Box<dyn Iterator<Item = char>> =
        if c.is_lowercase() { Box::new(c.to_uppercase()) } else { Box::new(c.to_lowercase()) };
    let first = other.next()?;
    (other.next().is_none() && first != c).then_some(first)
}

fn other_range((from, to): (char, char)) -> Option<(char, char)> {
    Some((other_case(from)?, other_case(to)?))
}

/// A class as all dialects read it: `]` first, `-` last, `^` not first.
fn class_of(members: &BTreeSet<(char, char)>, not: bool) -> String {
    let single = |c: char| members.contains(&(c, c));
    let plain = |(from, to): &&(char, char)| from != to || !matches!(from, ']' | '-' | '^');
    let mut text = String::new();
    if single(']') {
        text.push(']');
    }
    for (from, to) in members.iter().filter(plain) {
        text.push(*from);
        if from != to {
            text.extend(['-', *to]);
        }
    }
    // Alone it would turn the class around.
    let caret = single('^');
    if caret && text.is_empty() && !not && !single('-') {
        return "\\^".into();
    }
    if caret && (!text.is_empty() || not) {
        text.push('^');
    }
    if single('-') {
        text.push('-');
    }
    if caret && text == "-" && !not {
        text.push('^');
    }
    format!("[{}{text}]", if not { "^" } else { "" })
}

#[cfg(test)]
mod tests;
