//! An object's keys and values, as they are written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object, its keys in their order, those that stand twice among them.
pub(super) struct Object<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    fields.push((key, value));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A value as it goes into a column.
pub(super) enum Value<'a> {
    /// `null`.
    Null,
    /// A text, without its quotes.
    Text(Cow<'a, str>),
    /// Anything else.
    AsWritten(&'a str),
    /// A text with half of a character.
    NoText,
}

impl<'a> Value<'a> {
    pub(super) fn of(value: &'a RawValue) -> Self {
        let written = value.get();
        match written.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<Key<'a>>(written).map_or(Self::NoText, |Key(text)| Self::Text(text)),
            Some(b'n') => Self::Null,
            _ => Self::AsWritten(written),
        }
    }
}
