//! A column of a contract.

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Deserialize as Derived, Serialize};

/// A column: its name alone, or with a description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Column {
    /// The name alone.
    Name(String),
    /// The name and what it means.
    #[schemars(extend("additionalProperties" = false))]
    Described {
        /// The name, as in the file's header.
        name: String,
        /// What it means, with its unit.
        #[serde(default)]
        description: String,
    },
}

/// A described column, alone so that what is unknown is refused.
#[derive(Derived)]
#[serde(deny_unknown_fields)]
struct Described {
    name: String,
    #[serde(default)]
    description: String,
}

impl Column {
    /// The column's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Described { name, .. } => name,
        }
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Column;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a column's name, or its `name` and `description`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Column, E> {
                Ok(Column::Name(name.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Column, A::Error> {
                let Described { name, description } = Derived::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Column::Described { name, description })
            }
        }
        deserializer.deserialize_any(Either)
    }
}
