//! Rows that have the keys of a row before them.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use twox_hash::XxHash3_128;

/// Rows of one file whose keys can be told apart: 20 to 35 bytes of memory each.
pub const MAX_KEYED_ROWS: usize = 25_000_000;

/// The keys that were there: 128 bits of each, so that two that differ are not taken for one, and with a seed of the process'
/// own, so that nobody can make a file in which they are.
pub(super) struct Keys {
    columns: Vec<usize>,
    seed: u64,
    seen: HashSet<u128, BuildHasherDefault<AsIs>>,
    joined: Vec<u8>,
}

/// The hashes are hashes already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, _: &[u8]) {}

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a row's keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// No row before has them; or one of them is empty, and they name no row.
    New,
    /// A row before has them.
    Again,
    /// Nobody can tell: the file has too many rows.
    TooMany,
}

impl Keys {
    /// Follows the columns with these indexes.
    pub(super) fn new(columns: Vec<usize>) -> Self {
        let seed = RandomState::new().build_hasher().finish();
        Self { columns, seed, seen: HashSet::default(), joined: Vec::new() }
    }

    /// The row's keys; `field` gives the bytes of the column with that index.
    pub(super) fn look<'a>(&mut self, field: impl Fn(usize) -> &'a [u8]) -> Key {
        let hash = match self.columns.as_slice() {
            [only] => match field(*only) {
                [] => return Key::New,
                key => XxHash3_128::oneshot_with_seed(self.seed, key),
            },
            columns => {
                self.joined.clear();
                for column in columns {
                    let part = field(*column);
                    if part.is_empty() {
                        return Key::New;
                    }
                    self.joined.extend_from_slice(&part.len().to_le_bytes());
                    self.joined.extend_from_slice(part);
                }
                XxHash3_128::oneshot_with_seed(self.seed, &self.joined)
            }
        };
        if !self.seen.insert(hash) {
            return Key::Again;
        }
        if self.seen.len() > MAX_KEYED_ROWS { Key::TooMany } else { Key::New }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_all_of_its_parts() {
        let mut keys = Keys::new(vec![0, 2]);
        let mut look = |row: [&'static str; 3]| keys.look(|index| row[index].as_bytes());
        assert_eq!(look(["a", "x", "bc"]), Key::New);
        assert_eq!(look(["ab", "x", "c"]), Key::New);
        assert_eq!(look(["a", "y", "bc"]), Key::Again);
        assert_eq!((look(["", "x", "c"]), look(["", "x", "c"])), (Key::New, Key::New));
    }

    #[test]
    fn what_differs_is_not_taken_for_one() {
        let mut keys = Keys::new(vec![0]);
        let names: Vec<String> = (0..100_000).map(|number| format!("B{number:08}")).collect();
        assert!(names.iter().all(|name| keys.look(|_| name.as_bytes()) == Key::New));
        assert!(names.iter().all(|name| keys.look(|_| name.as_bytes()) == Key::Again));
    }
}
