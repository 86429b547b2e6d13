//! Which rows of a parent a row was made of.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Node, ORIGIN};

/// Which rows of a parent a row was made of.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Condition {
    /// Those that have the same values in these columns.
    Same(Vec<String>),
    /// Those of which this SQL is true: bare names are the parent's columns, names in braces the row's own.
    Where(String),
}

/// What may stand in a condition beside columns, numbers, texts and functions.
const WORDS: [&str; 24] = [
    "and",
    "or",
    "not",
    "is",
    "null",
    "in",
    "between",
    "like",
    "case",
    "when",
    "then",
    "else",
    "end",
    "as",
    "true",
    "false",
    "date",
    "timestamp",
    "varchar",
    "integer",
    "bigint",
    "double",
    "decimal",
    "distinct",
];

/// A part of a condition.
#[derive(Debug, PartialEq)]
enum Part<'a> {
    /// `{column}`.
    Own(&'a str),
    /// A bare word.
    Word(&'a str),
    /// A word that is called.
    Function(&'a str),
    /// Anything else, to be written as it is.
    Other(&'a str),
}

impl Condition {
    /// Whether it leads to the one row that the row's own columns name.
    pub(super) fn is_origin(&self) -> bool {
        match self {
            Self::Same(columns) => ORIGIN.iter().all(|name| columns.iter().any(|own| own.eq_ignore_ascii_case(name))),
            Self::Where(_) => false,
        }
    }

    /// The row's own columns that it asks for, in lower case.
    pub(super) fn own(&self) -> BTreeSet<String> {
        match self {
            Self::Same(columns) => columns.iter().map(|name| name.to_lowercase()).collect(),
            Self::Where(text) => parts(text)
                .into_iter()
                .flatten()
                .filter_map(|part| if let Part::Own(name) = part { Some(name.to_lowercase()) } else { None })
                .collect(),
        }
    }

    /// As SQL, with `own` to write one of the row's own columns.
    pub(super) fn sql(&self, own: impl Fn(&str) -> String) -> String {
        match self {
            Self::Same(columns) => {
                let same = |name: &String| format!("{} = {}", name.to_lowercase(), own(&name.to_lowercase()));
                columns.iter().map(same).collect::<Vec<_>>().join(" AND ")
            }
            Self::Where(text) => {
                let written = |part: Part<'_>| match part {
                    Part::Own(name) => own(&name.to_lowercase()),
                    Part::Word(text) | Part::Function(text) | Part::Other(text) => text.to_owned(),
                };
                // What can't be read was told as a fault, and nothing is asked of it.
                parts(text).unwrap_or_default().into_iter().map(written).collect()
            }
        }
    }

    /// What is wrong with it as a way from `node` to `parent`.
    pub(super) fn faults(&self, node: &Node, parent: &Node) -> Vec<String> {
        let of_node = |name: &str| {
            (!node.has(name))
                .then(|| format!("{name} is no column of {}: declare it there, or name another", node.name))
        };
        let of_parent = |name: &str| (!parent.has(name)).then(|| format!("{name} is no column of {}", parent.name));
        match self {
            Self::Same(columns) if columns.is_empty() => vec!["it names no column".into()],
            Self::Same(columns) => {
                let each = |name: &String| match is_name(name) {
                    false => vec![format!("{name:?} is no name of a column")],
                    true => of_node(name).into_iter().chain(of_parent(name)).collect(),
                };
                columns.iter().flat_map(each).collect()
            }
            Self::Where(text) => match parts(text) {
                Err(fault) => vec![fault],
                Ok(parts) => parts
                    .into_iter()
                    .filter_map(|part| match part {
                        Part::Own(name) => of_node(name),
                        Part::Word(word) if WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)) => None,
                        Part::Word(word) => of_parent(word),
                        Part::Function(_) | Part::Other(_) => None,
                    })
                    .collect(),
            },
        }
    }
}

/// Takes a condition apart. Refused is whatever could be more than a condition.
fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' => {
                let end = quoted(rest).ok_or("a text in it is not closed")?;
                parts.push(Part::Other(&rest[..end]));
                end
            }
            '{' => {
                let end = rest.find('}').ok_or("a brace in it is not closed")?;
                let name = &rest[1..end];
                if !is_name(name) {
                    return Err(format!("{name:?} in braces is no name of a column"));
                }
                parts.push(Part::Own(name));
                end + 1
            }
            '"' | ';' | '$' | '\\' | '}' => return Err(format!("{first} can't stand in a condition")),
            _ if is_word(first) && !first.is_ascii_digit() => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let word = &rest[..end];
                let called = rest[end..].trim_start().starts_with('(');
                // `in (…)`, `and (…)` call nothing.
                let called = called && !WORDS.iter().any(|known| known.eq_ignore_ascii_case(word));
                parts.push(if called { Part::Function(word) } else { Part::Word(word) });
                end
            }
            _ if rest.starts_with("--") || rest.starts_with("/*") => return Err("comments can't stand in it".into()),
            _ if is_word(first) => {
                let end = rest.find(|c| !(is_word(c) || c == '.')).unwrap_or(rest.len());
                parts.push(Part::Other(&rest[..end]));
                end
            }
            _ => {
                parts.push(Part::Other(&rest[..first.len_utf8()]));
                first.len_utf8()
            }
        };
        rest = &rest[end..];
    }
    let depth = parts.iter().try_fold(0_usize, |depth, part| match part {
        Part::Other("(") => Some(depth + 1),
        Part::Other(")") => depth.checked_sub(1),
        _ => Some(depth),
    });
    if depth == Some(0) { Ok(parts) } else { Err("its brackets are not in pairs".into()) }
}

/// The length of the text in quotes that `text` begins with; a doubled quote stands for itself.
fn quoted(text: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text.get(at..)?.find('\'')? + 1;
        if !text[at..].starts_with('\'') {
            return Some(at);
        }
        at += 1;
    }
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Whether it can stand in SQL as it is.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(is_word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node(name: &str, columns: &[&str]) -> Node {
        Node {
            name: name.into(),
            schema: "CORE".into(),
            table: name.to_uppercase(),
            description: String::new(),
            columns: columns.iter().map(|name| ((*name).to_owned(), String::new())).collect(),
            parents: Vec::new(),
            from: Vec::new(),
            not_traced: None,
            is_source: false,
        }
    }

    fn told(condition: &Condition) -> Vec<String> {
        condition.faults(&node("child", &["plant", "day"]), &node("parent", &["plant", "ended_at", "status"]))
    }

    #[test]
    fn a_condition_is_written_with_the_parents_columns_and_the_rows_own() {
        let text = "status in ('DONE', 'it''s {plant}') and coalesce(plant, 'X') = {plant} and cast(ended_at as date) >= {day}";
        let condition = Condition::Where(text.into());
        assert_eq!(told(&condition), Vec::<String>::new());
        assert_eq!(condition.own().into_iter().collect::<Vec<_>>(), ["day", "plant"]);
        let sql = condition.sql(|name| format!("C.{name}"));
        assert!(sql.contains("coalesce(plant, 'X') = C.plant and cast(ended_at as date) >= C.day"), "{sql}");
        assert!(sql.contains("'it''s {plant}'"), "{sql}");
        let same = Condition::Same(vec!["PLANT".into()]);
        assert_eq!(same.sql(|name| format!("C.{name}")), "plant = C.plant");
    }

    #[test]
    fn what_is_no_column_is_named_and_what_could_be_more_is_refused() {
        for (text, word) in [
            ("plant = {plnt}", "plnt is no column of child"),
            ("plan = {plant}", "plan is no column of parent"),
            ("plant = {plant}; drop table x", "; can't stand"),
            ("plant = {plant} -- no", "comments"),
            ("plant = {plant} /* no */", "comments"),
            ("plant = 'open", "not closed"),
            ("plant = {plant", "not closed"),
            ("plant = {a b}", "no name of a column"),
            ("plant = {plant})", "pairs"),
            ("(plant = {plant}", "pairs"),
            ("\"plant\" = {plant}", "can't stand"),
        ] {
            let faults = told(&Condition::Where(text.into()));
            assert!(faults.iter().any(|fault| fault.contains(word)), "{text}: {faults:?}");
        }
        assert!(told(&Condition::Same(vec!["a b".into()]))[0].contains("no name"));
        assert!(!told(&Condition::Same(Vec::new())).is_empty());
        // In the child alone.
        assert_eq!(told(&Condition::Same(vec!["day".into()])), ["day is no column of parent"]);
    }

    proptest! {
        #[test]
        fn whatever_is_taken_apart_is_written_as_it_was(text in "[a-z_ '(){},=;.0-9-]{0,40}|\\PC{0,20}") {
            if parts(&text).is_ok() {
                let back = Condition::Where(text.clone()).sql(|name| format!("{{{name}}}"));
                prop_assert_eq!(back, text);
            }
        }
    }
}
