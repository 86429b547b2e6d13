//! Loads, over the stage of the account's own cloud.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use messages::Failure;
use millrace_warehouse::conformance::kit::{Memory, pairs};
use millrace_warehouse::{FileFacts, LoadOutcome, RowSource, Slice, TableSpec};

use crate::place::{Outcome, Place, same};

pub async fn check(place: &Place) -> Outcome {
    let told = place.warehouse.check().await.map_err(|why| why.to_string())?;
    Ok(format!("{told}; logged in by {}", if place.by_key { "key" } else { "password" }))
}

pub async fn prepare(place: &Place) -> Outcome {
    for _ in 0..2 {
        place.warehouse.prepare(&[place.table()]).await.map_err(|why| why.to_string())?;
    }
    // The page of CREATE TABLE does not show the two together.
    let lock = format!("RAW_RUN.{}_LOCK", place.name);
    for _ in 0..2 {
        place.execute(&format!("CREATE TABLE IF NOT EXISTS {lock} AS SELECT CAST('' AS VARCHAR) AS HOLDER")).await?;
    }
    let rows = place.value(&format!("SELECT COUNT(*) FROM {lock}")).await;
    place.execute(&format!("DROP TABLE {lock}")).await?;
    same(rows?.as_deref(), Some("1"))?;
    Ok("and so is a lock with its row".into())
}

pub async fn texts(place: &Place) -> Outcome {
    let long = "x".repeat(100_000);
    let given: Vec<Option<&str>> = vec![
        None,
        // Nothing between quotes is a text, nothing between commas is none.
        Some(""),
        Some(" "),
        Some("NULL"),
        Some("\\N"),
        Some("\""),
        Some("\"\""),
        Some("a,b"),
        Some("a\nb"),
        Some("a\r\n\r\nb"),
        Some("\\"),
        Some("\\\""),
        Some("'"),
        Some("äöß 漢字 🏭 e\u{301}"),
        Some("\u{feff}bom"),
        Some("\t tab "),
        Some(&long),
    ];
    let source = Texts { rows: given.iter().map(|text| text.map(str::to_owned)).collect(), given: false };
    load(place, &place.slice("texts", 1), Box::new(source)).await?;
    let view = format!("SELECT STATE FROM RAW.\"{}\" ORDER BY SOURCE_ROW", place.name);
    let found: Vec<Option<String>> = place.query(&view).await?.into_iter().map(|mut row| row.remove(0)).collect();
    for (found, given) in found.iter().zip(&given) {
        same(found.as_deref(), *given)?;
    }
    same(found.len(), given.len())?;
    let file = place.value(&format!("SELECT MAX(SOURCE_FILE) FROM {}", place.rows())).await?;
    same(file.as_deref(), Some("it's\\smoke.csv"))?;
    Ok(format!("{} of them", given.len()))
}

pub async fn small(place: &Place) -> Outcome {
    load(place, &place.slice("small", 2), Memory::new(pairs(3, "x")).boxed()).await?;
    same(count(place, "small").await?.as_str(), "3")?;
    Ok("three rows".into())
}

pub async fn reload(place: &Place) -> Outcome {
    load(place, &place.slice("small", 4), Memory::new(pairs(2, "y")).boxed()).await?;
    same(count(place, "small").await?.as_str(), "2")?;
    let again = try_load(place, &place.slice("small", 4), Memory::new(pairs(2, "z")).boxed()).await?;
    same(again, LoadOutcome::AlreadyLoaded)?;
    let older = try_load(place, &place.slice("small", 3), Memory::new(pairs(1, "z")).boxed()).await?;
    if !matches!(older, LoadOutcome::Fenced { .. }) {
        return Err(format!("an older command was {older:?}"));
    }
    same(count(place, "small").await?.as_str(), "2")?;
    Ok("two rows in the place of three".into())
}

pub async fn together(place: &Place) -> Outcome {
    let (one, other, slice) = (place.another(), place.another(), place.slice("together", 5));
    let rows = || Memory::new(pairs(5, "x")).boxed();
    let (first, second) = tokio::join!(one.load(&slice, rows(), None), other.load(&slice, rows(), None));
    one.close().await;
    other.close().await;
    let outcomes = [first.map_err(|why| why.to_string())?, second.map_err(|why| why.to_string())?];
    let loaded = outcomes.iter().filter(|outcome| matches!(outcome, LoadOutcome::Loaded(_))).count();
    same((loaded, count(place, "together").await?.as_str()), (1, "5"))?;
    Ok("five rows, once".into())
}

pub async fn many(place: &Place) -> Outcome {
    load(place, &place.slice("many", 6), Memory::new(pairs(200_000, "many rows")).boxed()).await?;
    same(count(place, "many").await?.as_str(), "200000")?;
    Ok("and as many are there".into())
}

/// The contract gains a column: ALTER TABLE, and a new view in the place of the old one.
pub async fn grants(place: &Place) -> Outcome {
    let view = format!("RAW.\"{}\"", place.name);
    if place.real {
        place.execute(&format!("GRANT SELECT ON VIEW {view} TO ROLE PUBLIC")).await?;
    }
    let table = TableSpec { columns: vec!["id".into(), "state".into(), "order".into()], ..place.table() };
    place.warehouse.prepare(&[table]).await.map_err(|why| why.to_string())?;
    let rows = place.value(&format!("SELECT COUNT(*) - COUNT(\"ORDER\") FROM {view}")).await?;
    same(rows.as_deref(), Some("200000"))?;
    if let Some(outcome) = place.not_here() {
        return outcome;
    }
    let grants = place.query(&format!("SHOW GRANTS ON VIEW {view}")).await?;
    let kept = grants
        .iter()
        .any(|grant| ["SELECT", "PUBLIC"].iter().all(|word| grant.iter().flatten().any(|value| value == word)));
    same(kept, true)?;
    Ok("a column more, and PUBLIC may still read".into())
}

pub async fn removed(place: &Place) -> Outcome {
    place.execute(&format!("DROP VIEW IF EXISTS RAW.\"{}\"", place.name)).await?;
    place.execute(&format!("DROP TABLE IF EXISTS {}", place.rows())).await?;
    let lines = format!("DELETE FROM RAW.RAW_LOAD_AUDIT WHERE TABLE_NAME = '{}'", place.name);
    place.execute(&lines).await?;
    place.warehouse.close().await;
    Ok("table, view and lines of the audit; schemas, locks and stage stay".into())
}

async fn count(place: &Place, load: &str) -> Result<String, String> {
    let sql = format!("SELECT COUNT(*) FROM {} WHERE LOAD_ID = '{}'", place.rows(), place.load_id(load));
    Ok(place.value(&sql).await?.unwrap_or_default())
}

async fn load(place: &Place, slice: &Slice, rows: Box<dyn RowSource>) -> Result<(), String> {
    match try_load(place, slice, rows).await? {
        LoadOutcome::Loaded(_) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

async fn try_load(place: &Place, slice: &Slice, rows: Box<dyn RowSource>) -> Result<LoadOutcome, String> {
    place.warehouse.load(slice, rows, None).await.map_err(|why| why.to_string())
}

/// Rows of a text each.
struct Texts {
    rows: Vec<Option<String>>,
    given: bool,
}

impl RowSource for Texts {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        if std::mem::replace(&mut self.given, true) {
            return Ok(None);
        }
        let numbers = 1..=self.rows.len() as i64;
        let columns: [(&str, ArrayRef, bool); 3] = [
            ("id", Arc::new(numbers.clone().map(|number| Some(number.to_string())).collect::<StringArray>()), true),
            ("state", Arc::new(self.rows.iter().map(Option::as_deref).collect::<StringArray>()), true),
            ("SOURCE_ROW", Arc::new(Int64Array::from_iter_values(numbers)), true),
        ];
        Ok(Some(RecordBatch::try_from_iter_with_nullable(columns).unwrap()))
    }

    fn finish(self: Box<Self>) -> Result<FileFacts, Failure> {
        Ok(FileFacts::plain(self.rows.len() as u64, 100, "sha256:00"))
    }
}
