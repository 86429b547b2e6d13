//! What a column is called in a file: by its name, or as the contract's `header` says.

use std::collections::HashMap;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::{Contract, Fault};

/// A name in a file as such names are compared: whatever their case, in any script, and whether an accent is written with its
/// letter or behind it; without surrounding blanks; and a run of blanks and line breaks inside counts as one blank, because a cell
/// of a spreadsheet may be broken over lines. The same of a key is that key.
///
/// `Maße` and `Masse` stay two names: they are two words.
pub fn header_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(word);
    }
    if key.is_ascii() {
        key.make_ascii_lowercase();
        return key;
    }
    // A sigma at a word's end has a form of its own, which capitals do not tell.
    let lower: String = key.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&lower).into_owned()
}

/// Which of a contract's columns a name in a file is.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    by_key: HashMap<String, usize>,
}

impl Headers {
    /// The column, by its place in the contract, that a file calls `name`.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.by_key.get(&header_key(name)).copied()
    }

    /// The names that are known, as [`header_key`] makes them, each with its column.
    pub fn keys(&self) -> impl Iterator<Item = (&str, usize)> {
        self.by_key.iter().map(|(key, column)| (key.as_str(), *column))
    }
}

impl Contract {
    /// What files may call the columns: each by its name, and by its headers.
    pub fn headers(&self) -> Headers {
        let mut by_key = HashMap::new();
        for (at, column) in self.columns.iter().enumerate() {
            let names = std::iter::once(column.name()).chain(column.headers().iter().map(String::as_str));
            by_key.extend(names.map(|name| (header_key(name), at)));
        }
        Headers { by_key }
    }

    /// A column as people find it in a file: its name, and what else it may be called there.
    pub fn called(&self, column: usize) -> String {
        let Some(column) = self.columns.get(column) else { return String::new() };
        let headers: Vec<String> = column.headers().iter().map(|header| format!("\"{header}\"")).collect();
        match headers.as_slice() {
            [] => column.name().to_lowercase(),
            headers => format!("{} (or {})", column.name().to_lowercase(), headers.join(" or ")),
        }
    }

    /// What is wrong with the headers: each must be visible, and belong to one column.
    pub(super) fn header_faults(&self, faults: &mut Vec<Fault>) {
        let names: HashMap<String, usize> =
            self.columns.iter().enumerate().map(|(at, column)| (header_key(column.name()), at)).collect();
        let mut claimed: HashMap<String, usize> = HashMap::new();
        for (at, column) in self.columns.iter().enumerate() {
            for (number, header) in column.headers().iter().enumerate() {
                let key = header_key(header);
                let name = |column: usize| self.columns[column].name();
                let other = claimed.get(&key).copied().filter(|other| *other != at);
                let text = if key.is_empty() {
                    format!("header is empty: say what files call column {}", name(at))
                } else if header.chars().any(char::is_control) {
                    format!("header {header:?} holds a control character; a blank stands for a line break too")
                } else if let Some(other) = names.get(&key).copied().filter(|other| *other != at) {
                    format!("header \"{header}\" is the name of column {}, which a file may always use", name(other))
                } else if let Some(other) = other {
                    format!("header \"{header}\" is column {} already: a file's column can be only one", name(other))
                } else {
                    claimed.insert(key, at);
                    continue;
                };
                faults.push(Fault::new(format!("columns/{at}/header/{number}"), text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::header_key;

    #[test]
    fn names_are_the_same_however_they_are_written() {
        for (one, other) in [
            (" Menge (kg) ", "menge (KG)"),
            ("Menge\r\n(kg)", "Menge (kg)"),
            ("\u{a0}Größe\t", "GRÖßE"),
            ("GRÖẞE", "größe"),
            ("Gro\u{308}ße", "Größe"),
            ("ΒΆΡΟΣ", "βάρος"),
            ("重量", " 重量"),
            ("İ", "i\u{307}"),
        ] {
            assert_eq!(header_key(one), header_key(other), "{one:?} {other:?}");
        }
        for (one, other) in [("Maße", "Masse"), ("Menge(kg)", "Menge (kg)"), ("m²", "m2"), ("a_b", "a b")] {
            assert_ne!(header_key(one), header_key(other), "{one:?} {other:?}");
        }
        assert_eq!(header_key(" \n "), "");
    }

    proptest! {
        /// What the readers go by: a key is its own key, and so is a name's in small letters.
        #[test]
        fn a_key_is_its_own_key(name in "\\PC{0,12}|[ a-zA-ZäÖßΣςİ\u{300}-\u{345}\u{212a}-\u{212b}\r\n]{0,12}") {
            let key = header_key(&name);
            prop_assert_eq!(&header_key(&key), &key);
            prop_assert_eq!(header_key(&name.trim().to_lowercase()), key);
        }
    }
}
