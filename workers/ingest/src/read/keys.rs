//! Rows that have the keys of a row before them.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use twox_hash::XxHash3_128;

/// Rows of one file whose keys can be told apart: 16 bytes of memory each in a file that is in the order of its keys, else 20 to 35
/// and for a moment 50.
pub const MAX_KEYED_ROWS: usize = 25_000_000;

/// The keys that were there: 128 bits of each, so that two that differ are not taken for one, and with a seed of the process'
/// own, so that nobody can make a file in which they are.
///
/// Most exports are in the order of their keys. As long as each key is greater than the one before, none of them can be there
/// already, and they are only written down; they are put where one can be found when the first is out of order.
pub(super) struct Keys {
    columns: Vec<usize>,
    seed: u64,
    /// While all were in order.
    ascending: Vec<u128>,
    /// The greatest, while all were in order.
    last: Vec<u8>,
    is_ascending: bool,
    /// From the first on that was not.
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
        Self {
            columns,
            seed,
            ascending: Vec::new(),
            last: Vec::new(),
            is_ascending: true,
            seen: HashSet::default(),
            joined: Vec::new(),
        }
    }

    /// The row's keys; `field` gives the bytes of the column with that index.
    pub(super) fn look<'a>(&mut self, field: impl Fn(usize) -> &'a [u8]) -> Key {
        if let [only] = self.columns.as_slice() {
            let key = field(*only);
            return if key.is_empty() { Key::New } else { self.find(key) };
        }
        let mut joined = std::mem::take(&mut self.joined);
        joined.clear();
        for column in &self.columns {
            let part = field(*column);
            if part.is_empty() {
                self.joined = joined;
                return Key::New;
            }
            joined.extend_from_slice(&part.len().to_le_bytes());
            joined.extend_from_slice(part);
        }
        let found = self.find(&joined);
        self.joined = joined;
        found
    }

    fn find(&mut self, key: &[u8]) -> Key {
        let hash = XxHash3_128::oneshot_with_seed(self.seed, key);
        if self.is_ascending {
            if key > self.last.as_slice() {
                self.last.clear();
                self.last.extend_from_slice(key);
                self.ascending.push(hash);
                return if self.ascending.len() > MAX_KEYED_ROWS { Key::TooMany } else { Key::New };
            }
            self.is_ascending = false;
            self.seen = std::mem::take(&mut self.ascending).into_iter().collect();
        }
        if !self.seen.insert(hash) {
            return Key::Again;
        }
        if self.seen.len() > MAX_KEYED_ROWS { Key::TooMany } else { Key::New }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn a_key_is_found_again_in_whatever_order(rows in vec(("[ab]{0,2}", "[ab]{0,2}"), 0..40), sorted in any::<bool>()) {
            let mut rows = rows;
            if sorted {
                rows.sort();
            }
            let (mut keys, mut seen) = (Keys::new(vec![0, 1]), Vec::new());
            for row in rows {
                let found = keys.look(|index| [&row.0, &row.1][index].as_bytes());
                let names_a_row = !row.0.is_empty() && !row.1.is_empty();
                let expected = if names_a_row && seen.contains(&row) { Key::Again } else { Key::New };
                prop_assert_eq!(found, expected);
                seen.push(row);
            }
        }

        #[test]
        fn one_column_too(rows in vec("[abc]{0,2}", 0..40), in_order in 0_usize..40) {
            let mut rows = rows;
            let in_order = in_order.min(rows.len());
            rows[..in_order].sort();
            let (mut keys, mut seen) = (Keys::new(vec![0]), Vec::new());
            for row in rows {
                let expected = if !row.is_empty() && seen.contains(&row) { Key::Again } else { Key::New };
                prop_assert_eq!(keys.look(|_| row.as_bytes()), expected);
                seen.push(row);
            }
        }
    }

    #[test]
    fn what_differs_is_not_taken_for_one() {
        let mut keys = Keys::new(vec![0]);
        let names: Vec<String> = (0..100_000).map(|number| format!("B{number:08}")).collect();
        assert!(names.iter().all(|name| keys.look(|_| name.as_bytes()) == Key::New));
        assert!(names.iter().all(|name| keys.look(|_| name.as_bytes()) == Key::Again));
    }
}
