//! The files as another reader reads them.

use std::collections::HashMap;

use serde_json::Value;

use crate::harness::{self, Mill};

/// The rows of a file in their order, as Python's csv module reads them.
pub struct File(Vec<HashMap<String, String>>);

impl File {
    pub fn read(mill: &Mill, uri: &str) -> Self {
        let code = "import csv, json, sys\nprint(json.dumps(list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8')))))";
        let read = harness::python(code, &[mill.path("raw").join(uri).to_str().unwrap()]);
        Self(serde_json::from_slice(&read.stdout).unwrap())
    }

    /// The row that the warehouse calls `source_row`.
    pub fn row(&self, source_row: &str) -> &HashMap<String, String> {
        &self.0[source_row.parse::<usize>().unwrap() - 1]
    }

    pub fn rows(&self) -> impl DoubleEndedIterator<Item = (usize, &HashMap<String, String>)> {
        self.0.iter().enumerate().map(|(at, row)| (at + 1, row))
    }
}

/// Whether a row of RAW, as JSON, says what the file's row says. Nothing at all is null there.
#[track_caller]
pub fn assert_same(raw: &Value, row: &HashMap<String, String>) {
    for (column, value) in row {
        let found = raw[column].as_str().unwrap_or_default();
        assert_eq!(found, value, "{column} of {raw}");
    }
}
