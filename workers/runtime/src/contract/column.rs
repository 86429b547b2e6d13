//! A column of a contract.

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as Derived, Serialize};

use super::schema;

/// A column: its name alone, or with a description and the names that it has in files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Column {
    /// The name alone.
    Name(String),
    /// The name and what it means.
    #[schemars(extend("additionalProperties" = false))]
    Described {
        /// The name, as the table has it: letters, digits and `_`. A file may always call the column so.
        name: String,
        /// What it means, with its unit.
        #[serde(default)]
        description: String,
        /// What files call it beside that, where that can be no column's name: a text such as `"Menge (kg)"`, or several of them,
        /// any of which a file may have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(schema_with = "schema::header")]
        header: Vec<String>,
    },
}

/// A described column, alone so that what is unknown is refused.
#[derive(Derived)]
#[serde(deny_unknown_fields)]
struct Described {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    header: Header,
}

/// One header, or several of which a file may have any.
#[derive(Default)]
struct Header(Vec<String>);

impl Column {
    /// The column's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Described { name, .. } => name,
        }
    }

    /// What files call it beside its name.
    pub fn headers(&self) -> &[String] {
        match self {
            Self::Name(_) => &[],
            Self::Described { header, .. } => header,
        }
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Column;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a column's name, or its `name`, `description` and `header`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Column, E> {
                Ok(Column::Name(name.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Column, A::Error> {
                let Described { name, description, header } = Derived::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Column::Described { name, description, header: header.0 })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Header;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("what files call the column: a text, or a list of texts")
            }

            fn visit_str<E: de::Error>(self, header: &str) -> Result<Header, E> {
                Ok(Header(vec![header.into()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Header, A::Error> {
                let headers: Vec<String> = Derived::deserialize(SeqAccessDeserializer::new(list))?;
                if headers.is_empty() {
                    return Err(de::Error::custom(
                        "header is an empty list: say what files call the column, or leave it out",
                    ));
                }
                Ok(Header(headers))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
