//! Where a contract's fields stand in its text.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// A line and a column of a text, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    pub(crate) fn of(location: Location) -> Option<Self> {
        let (line, column) = (location.line() as usize, location.column() as usize);
        (line > 0).then_some(Self { line, column })
    }

    /// The line of `text` with a mark under the place, for people.
    pub(crate) fn shown(self, text: &str) -> Option<String> {
        let line = text.lines().nth(self.line - 1)?;
        let mark = " ".repeat(self.column.saturating_sub(1));
        Some(format!("  | {line}\n  | {mark}^"))
    }
}

/// The places of all fields of a text.
pub(crate) struct Places(Spanned<Node>);

enum Node {
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
    Value,
}

impl Places {
    /// Finds the fields of a text; `None` if it is no YAML.
    pub(crate) fn of(text: &str) -> Option<Self> {
        serde_saphyr::from_str(text).ok().map(Self)
    }

    /// Where `field` stands, such as `columns/2`; what is not there is where it should be: at what it belongs to.
    pub(crate) fn find(&self, field: &str) -> Option<Place> {
        let (mut node, mut place) = (&self.0.value, self.0.referenced);
        for step in field.split('/') {
            let next = match node {
                Node::Map(fields) => {
                    fields.iter().find(|(key, _)| key.value == step).map(|(key, value)| (&value.value, key.referenced))
                }
                Node::List(items) => {
                    let item = step.parse().ok().and_then(|at: usize| items.get(at));
                    item.map(|item| (&item.value, item.referenced))
                }
                Node::Value => None,
            };
            let Some(next) = next else { break };
            (node, place) = next;
        }
        Place::of(place)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Nodes;
        impl<'de> Visitor<'de> for Nodes {
            type Value = Node;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("anything")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Node::Map(fields))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Node::List(items))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Node, E> {
                Ok(Node::Value)
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Node, E> {
                Ok(Node::Value)
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Node, E> {
                Ok(Node::Value)
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Node, E> {
                Ok(Node::Value)
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Node, E> {
                Ok(Node::Value)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
                Ok(Node::Value)
            }
        }
        deserializer.deserialize_any(Nodes)
    }
}
