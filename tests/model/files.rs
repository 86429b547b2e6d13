//! What lies in the raw folder.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

/// The paths that are delivered to, again and again. Few, so that much happens to each.
pub const URIS: [&str; 6] = ["parts_1.csv", "parts_2.csv", "parts_3.csv", "moves_1.csv", "moves_2.csv", "moves_3.csv"];

pub fn table_of(uri: &str) -> &'static str {
    if uri.starts_with("parts") { "PARTS" } else { "MOVES" }
}

pub fn source_of(table: &str) -> String {
    table.to_lowercase()
}

/// How the ids of rows begin that the gate objects to.
pub const ODD: &str = "odd";

/// What is to be said of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Good,
    /// It can't be read to its end.
    Bad,
    /// The gate objects to its rows.
    Odd,
    /// It lacks a column, for which the reader holds it back.
    Narrow,
}

/// One content of a path.
#[derive(Clone, Debug)]
pub struct Version {
    /// Tells it from all others.
    pub number: u64,
    pub rows: u64,
    pub kind: Kind,
    pub modified_at: DateTime<Utc>,
}

impl Version {
    /// The ids of its rows.
    pub fn ids(&self) -> Vec<String> {
        let begin = if self.kind == Kind::Odd { ODD } else { "" };
        (0..self.rows).map(|row| format!("{begin}{}.{row}", self.number)).collect()
    }

    pub fn content(&self) -> String {
        let (header, name) = if self.kind == Kind::Narrow { ("id", "") } else { ("id,name", ",a part") };
        let rows: String = self.ids().iter().map(|id| format!("{id}{name}\n")).collect();
        format!("{header}\n{rows}{}", if self.kind == Kind::Bad { "too,many,fields\n" } else { "" })
    }

    pub fn hash(&self) -> String {
        Sha256::digest(self.content()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Noon of the first day, and so many minutes: what data is as of.
pub fn moment(minutes: u64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::minutes(i64::try_from(minutes).unwrap())
}

/// The newest version of each path.
pub type Folder = BTreeMap<String, Version>;
