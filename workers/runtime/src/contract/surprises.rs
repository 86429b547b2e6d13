//! What is to be done where a file is not what its contract says.

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::schema;

/// What is to be done about a surprise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Load the file as if it were none, and record it.
    Accept,
    /// Let the table follow: a new column is added to it.
    Evolve,
    /// Of rows: set them aside and load the others. Of a file: load it, and hold it back until somebody decides.
    Quarantine,
    /// Refuse the file.
    Reject,
}

impl Policy {
    /// The contract's word: `accept`, `evolve`, `quarantine`, `reject`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Evolve => "evolve",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// The policies of a source, one for each kind of surprise. What is absent is as in [`Surprises::default`]: whatever could
/// make wrong rows of a damaged file refuses it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Surprises {
    /// A column that the contract does not name: `accept` (it is left out), `evolve`, `quarantine`, `reject`.
    #[schemars(schema_with = "schema::new_column")]
    pub new_column: Policy,
    /// A column of the contract that the file does not have: `accept` (it is empty), `quarantine`, `reject`.
    #[schemars(schema_with = "schema::missing_column")]
    pub missing_column: Policy,
    /// Columns in another order: `accept`, `quarantine`, `reject`.
    #[schemars(schema_with = "schema::of_file")]
    pub reordered_columns: Policy,
    /// A row that can't be read: `quarantine`, `reject`.
    #[schemars(schema_with = "schema::bad_row")]
    pub bad_row: RowPolicy,
    /// A row whose keys another row of the file has: `accept`, `quarantine` (the later ones), `reject`.
    #[schemars(schema_with = "schema::duplicate_key")]
    pub duplicate_key: RowPolicy,
    /// A file without rows: `accept`, `quarantine`, `reject`.
    #[schemars(schema_with = "schema::of_file")]
    pub empty_file: Policy,
}

/// A policy about rows, and how many of them it may concern before the file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RowPolicy {
    /// What is to be done.
    pub policy: Policy,
    /// Rows of one file that may be set aside; 1,000 if absent.
    pub max_rows: u64,
    /// The share of a file's rows that may be set aside, 0 to 1; 0.05 if absent.
    pub max_share: f64,
}

/// A policy with its thresholds, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowPolicyFields {
    policy: Policy,
    #[serde(default)]
    max_rows: Option<u64>,
    #[serde(default)]
    max_share: Option<f64>,
}

/// Rows that may be set aside where a contract does not say.
const MAX_ROWS: u64 = 1_000;
/// Their share.
const MAX_SHARE: f64 = 0.05;

impl From<Policy> for RowPolicy {
    fn from(policy: Policy) -> Self {
        Self { policy, max_rows: MAX_ROWS, max_share: MAX_SHARE }
    }
}

impl<'de> Deserialize<'de> for RowPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RowPolicy;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a policy, or `policy`, `max_rows` and `max_share`")
            }

            fn visit_str<E: de::Error>(self, policy: &str) -> Result<RowPolicy, E> {
                Policy::deserialize(StrDeserializer::new(policy)).map(RowPolicy::from)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RowPolicy, A::Error> {
                let fields = RowPolicyFields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RowPolicy {
                    policy: fields.policy,
                    max_rows: fields.max_rows.unwrap_or(MAX_ROWS),
                    max_share: fields.max_share.unwrap_or(MAX_SHARE),
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Default for Surprises {
    fn default() -> Self {
        Self {
            new_column: Policy::Accept,
            missing_column: Policy::Reject,
            reordered_columns: Policy::Accept,
            bad_row: Policy::Reject.into(),
            duplicate_key: Policy::Accept.into(),
            empty_file: Policy::Reject,
        }
    }
}
