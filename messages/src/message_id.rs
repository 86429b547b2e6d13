//! The id of a message: a UUIDv7, so that of two commands the newer one has the greater id.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// Identifies a command or an event. Ordered by the time of its making (milliseconds).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct MessageId(Uuid);

impl MessageId {
    /// A fresh id of this moment.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of the message that `what` happened at `at`: the same input gives the same id on every
    /// machine, so that two workers that announce the same fact announce it once. It is a valid UUIDv7
    /// whose random part is a hash of `what`.
    pub fn derived(at: DateTime<Utc>, what: &str) -> Self {
        let digest = Sha256::digest(what.as_bytes());
        let mut random = [0u8; 10];
        random.copy_from_slice(&digest[..10]);
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        Self(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The id of a message that this one leads to: its time, and a hash of both.
    pub fn leading_to(self, what: &str) -> Self {
        let digest = Sha256::digest(format!("{}\n{what}", self.0).as_bytes());
        let mut random = [0u8; 10];
        random.copy_from_slice(&digest[..10]);
        Self(Builder::from_unix_timestamp_millis(self.millis(), &random).into_uuid())
    }

    /// When the id was made, in milliseconds since 1970.
    fn millis(self) -> u64 {
        let bytes = self.0.as_bytes();
        bytes[..6].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    /// Takes an id from its text form. Any UUID is accepted, because commands come from other programs too.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
