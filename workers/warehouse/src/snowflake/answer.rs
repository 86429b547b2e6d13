//! What the service answers to a statement.

use std::collections::HashMap;
use std::io::Read;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::text::{Kind, text};
use crate::Rows;

/// An answer, put together.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// The rows, as text.
    pub(super) rows: Rows,
    /// All that was said to a PUT: where the stage lies, and credentials for it. Never shown.
    pub(super) place: Option<Place>,
}

/// Where a stage lies, as the service says it.
#[derive(Clone)]
pub(super) struct Place(pub(super) Value);

impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Place(***)")
    }
}

impl Answer {
    /// The rows that a statement wrote: its one value.
    pub(super) fn affected(&self) -> Option<u64> {
        self.rows.rows.first()?.first()?.as_deref()?.parse().ok()
    }

    /// The value of the column called `name`, in whatever case, of each row.
    pub(super) fn column(&self, name: &str) -> Option<impl Iterator<Item = Option<&str>>> {
        let at = self.rows.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?;
        Some(self.rows.rows.iter().map(move |row| row.get(at).and_then(Option::as_deref)))
    }
}

/// An answer as it comes.
#[derive(Debug, Deserialize)]
pub(super) struct Body {
    #[serde(default, deserialize_with = "loose")]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) success: bool,
    #[serde(default)]
    pub(super) data: Option<Data>,
}

impl Body {
    /// Whether it says what the service always says: that it was done, or a number for why not.
    pub(super) fn is_the_services(&self) -> bool {
        self.success || self.code.is_some() || self.data.as_ref().is_some_and(|data| data.error_code.is_some())
    }
}

type Row = Vec<Option<String>>;

/// What stands in it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Data {
    pub(super) rowtype: Option<Vec<Column>>,
    #[serde(deserialize_with = "rows")]
    pub(super) rowset: Option<Vec<Row>>,
    pub(super) chunks: Option<Vec<Chunk>>,
    pub(super) chunk_headers: Option<HashMap<String, String>>,
    pub(super) qrmk: Option<String>,
    pub(super) get_result_url: Option<String>,
    pub(super) query_id: Option<String>,
    pub(super) sql_state: Option<String>,
    #[serde(deserialize_with = "loose")]
    pub(super) error_code: Option<String>,
    rowset_base64: Option<String>,
    stage_info: Option<Value>,
    encryption_material: Option<Value>,
}

impl std::fmt::Debug for Data {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Data(***)")
    }
}

/// A column of a result.
#[derive(Debug, Deserialize)]
pub(super) struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// A part of a result that lies elsewhere.
#[derive(Deserialize)]
pub(super) struct Chunk {
    pub(super) url: String,
}

impl Data {
    /// The answer, with at most `max_rows` rows.
    pub(super) fn into_answer(self, max_rows: usize) -> Result<Answer, String> {
        if self.stage_info.is_some() {
            let place =
                serde_json::json!({"stageInfo": self.stage_info, "encryptionMaterial": self.encryption_material});
            return Ok(Answer { place: Some(Place(place)), ..Answer::default() });
        }
        if self.rowset_base64.is_some_and(|arrow| !arrow.is_empty()) {
            return Err("the rows came as Arrow although they were asked for as JSON".into());
        }
        let columns = self.rowtype.unwrap_or_default();
        let kinds: Vec<Kind> = columns.iter().map(|column| Kind::of(&column.kind)).collect();
        let mut rows = self.rowset.unwrap_or_default();
        let truncated = rows.len() > max_rows;
        rows.truncate(max_rows);
        for row in &mut rows {
            for (value, kind) in row.iter_mut().zip(&kinds) {
                *value = value.take().map(|value| text(*kind, value)).transpose()?;
            }
        }
        let columns = columns.into_iter().map(|column| column.name).collect();
        Ok(Answer { rows: Rows { columns, rows, truncated }, place: None })
    }
}

/// The rows of a part: rows with commas between them, and no brackets around. Not every storage says that what it gives is
/// packed, and then nobody has unpacked it.
pub(super) fn chunk_rows(bytes: &[u8]) -> Result<Vec<Row>, String> {
    let mut whole = Vec::with_capacity(bytes.len() + 2);
    whole.push(b'[');
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let unpacked = flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut whole);
        unpacked.map_err(|why| format!("a part of the result can't be unpacked: {why}"))?;
    } else {
        whole.extend_from_slice(bytes);
    }
    whole.push(b']');
    let cells: Vec<Vec<Cell>> =
        serde_json::from_slice(&whole).map_err(|why| format!("a part of the result can't be understood: {why}"))?;
    Ok(cells.into_iter().map(texts).collect())
}

/// A value. Text as a rule; what it stands for is told by the column.
#[derive(Deserialize)]
#[serde(untagged)]
enum Cell {
    Text(String),
    Other(Value),
}

fn texts(row: Vec<Cell>) -> Row {
    let text = |cell| match cell {
        Cell::Text(text) => Some(text),
        Cell::Other(Value::Null) => None,
        Cell::Other(other) => Some(other.to_string()),
    };
    row.into_iter().map(text).collect()
}

fn rows<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Row>>, D::Error> {
    let cells = Option::<Vec<Vec<Cell>>>::deserialize(from)?;
    Ok(cells.map(|rows| rows.into_iter().map(texts).collect()))
}

/// A number that comes as text, or as a number.
fn loose<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Cell>::deserialize(from)?.and_then(|cell| texts(vec![cell]).pop().flatten()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str, max_rows: usize) -> Answer {
        let body: Body = serde_json::from_str(body).unwrap();
        body.data.unwrap().into_answer(max_rows).unwrap()
    }

    #[test]
    fn rows_come_as_text_with_the_names_of_their_columns() {
        let body = r#"{"success":true,"data":{"rowtype":[{"name":"A","type":"fixed"},{"name":"B","type":"text"}],
            "rowset":[["1","x"],["2",null],["3","z"]],"returned":3,"unknown":[1]}}"#;
        let answer = answer(body, 2);
        assert_eq!(answer.rows.columns, ["A", "B"]);
        assert_eq!(answer.rows.rows, [[Some("1".into()), Some("x".into())], [Some("2".to_owned()), None]]);
        assert!(answer.rows.truncated);
        assert_eq!(answer.affected(), Some(1));
        assert_eq!(answer.column("b").unwrap().collect::<Vec<_>>(), [Some("x"), None]);
    }

    #[test]
    fn a_refusal_without_data_is_understood() {
        let body: Body =
            serde_json::from_str(r#"{"success":false,"code":"390112","message":"expired","data":null}"#).unwrap();
        assert_eq!((body.code.as_deref(), body.success), (Some("390112"), false));
    }

    #[test]
    fn parts_have_no_brackets() {
        assert_eq!(chunk_rows(br#"["1",null],["2","b"]"#).unwrap().len(), 2);
        assert!(chunk_rows(b"").unwrap().is_empty());
        assert!(chunk_rows(b"<html>").is_err());
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, br#"["1","x"]"#).unwrap();
        assert_eq!(chunk_rows(&packed.finish().unwrap()).unwrap(), [[Some("1".to_owned()), Some("x".to_owned())]]);
    }

    #[test]
    fn what_was_said_of_a_stage_is_never_shown() {
        let body = r#"{"success":true,"data":{"command":"UPLOAD","stageInfo":{"creds":{"AWS_TOKEN":"hush"}}}}"#;
        let shown = format!("{:?} {:?}", answer(body, 1), serde_json::from_str::<Body>(body).unwrap());
        assert!(!shown.contains("hush"), "{shown}");
    }
}
