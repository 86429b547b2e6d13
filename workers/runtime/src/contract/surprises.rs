//! What is to be done where a file is not what its contract says.

use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Surprises {
    /// A column that the contract does not name: `accept` (it is left out), `evolve`, `quarantine`, `reject`.
    pub new_column: Policy,
    /// A column of the contract that the file does not have: `accept` (it is empty), `quarantine`, `reject`.
    pub missing_column: Policy,
    /// Columns in another order: `accept`, `quarantine`, `reject`.
    pub reordered_columns: Policy,
    /// A row that can't be read: `quarantine`, `reject`.
    pub bad_row: RowPolicy,
    /// A row whose keys another row of the file has: `accept`, `quarantine` (the later ones), `reject`.
    pub duplicate_key: RowPolicy,
    /// A file without rows: `accept`, `quarantine`, `reject`.
    pub empty_file: Policy,
}

/// A policy about rows, and how many of them it may concern before the file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "RowPolicyText")]
pub struct RowPolicy {
    /// What is to be done.
    pub policy: Policy,
    /// Rows of one file that may be set aside; 1,000 if absent.
    pub max_rows: u64,
    /// The share of a file's rows that may be set aside, 0 to 1; 0.05 if absent.
    pub max_share: f64,
}

/// The policy alone, or with its thresholds.
#[derive(Deserialize)]
#[serde(untagged)]
enum RowPolicyText {
    Alone(Policy),
    With(RowPolicyFields),
}

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

impl From<RowPolicyText> for RowPolicy {
    fn from(text: RowPolicyText) -> Self {
        match text {
            RowPolicyText::Alone(policy) => policy.into(),
            RowPolicyText::With(fields) => Self {
                policy: fields.policy,
                max_rows: fields.max_rows.unwrap_or(MAX_ROWS),
                max_share: fields.max_share.unwrap_or(MAX_SHARE),
            },
        }
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
