//! The id of a message: a UUIDv7, so that of two commands the newer one has the greater id.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// Identifies a command or an event. Ordered by the time of its making (milliseconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use uuid::Variant;

    use super::*;

    fn is_v7(id: MessageId) -> bool {
        id.0.get_version_num() == 7 && id.0.get_variant() == Variant::RFC4122
    }

    #[test]
    fn a_later_id_is_greater() {
        let ids: Vec<_> = std::iter::repeat_with(MessageId::fresh).take(1_000).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| is_v7(*id)));
    }

    #[test]
    fn an_id_is_a_text_in_json() {
        let id = MessageId::fresh();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<MessageId>(&json).unwrap(), id);
        assert_eq!(MessageId::parse(&id.to_string()), Some(id));
        assert_eq!(MessageId::parse("no id"), None);
    }

    #[test]
    fn a_time_before_1970_is_no_reason_to_fail() {
        assert!(is_v7(MessageId::derived(DateTime::<Utc>::MIN_UTC, "x")));
    }

    proptest! {
        #[test]
        fn a_derived_id_is_a_v7_of_its_time(
            millis in 0_i64..1 << 47,
            later in 1_i64..1_000_000,
            what in any::<String>(),
        ) {
            let at = DateTime::from_timestamp_millis(millis).unwrap();
            let id = MessageId::derived(at, &what);
            prop_assert!(is_v7(id));
            prop_assert_eq!(id, MessageId::derived(at, &what));
            prop_assert_eq!(id.millis(), millis.unsigned_abs());
            let after = DateTime::from_timestamp_millis(millis + later).unwrap();
            prop_assert!(MessageId::derived(after, &what) > id);
            prop_assert_ne!(MessageId::derived(at, &format!("{what}x")), id);
        }

        #[test]
        fn what_an_id_leads_to_is_fixed_and_has_its_time(bytes in any::<u128>(), what in any::<String>()) {
            let id = MessageId(Uuid::from_u128(bytes));
            let next = id.leading_to(&what);
            prop_assert!(is_v7(next));
            prop_assert_eq!(next, id.leading_to(&what));
            prop_assert_eq!(next.millis(), id.millis());
            prop_assert_ne!(next, id.leading_to(&format!("{what}x")));
        }
    }
}
