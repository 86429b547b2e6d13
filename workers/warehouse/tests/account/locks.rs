//! Transactions that want the same.

use std::time::{Duration, Instant};

use crate::place::{Outcome, Place, same};

/// A statement of a row that tells who wrote it.
fn mark(place: &Place, who: &str) -> String {
    format!("INSERT INTO {} (LOAD_ID, SOURCE_FILE) SELECT '{}', '{who}'", place.rows(), place.load_id("locks"))
}

async fn marks(place: &Place, who: &str) -> Result<String, String> {
    let rows = place.rows();
    let of_load = place.load_id("locks");
    let sql = format!("SELECT COUNT(*) FROM {rows} WHERE LOAD_ID = '{of_load}' AND SOURCE_FILE = '{who}'");
    Ok(place.value(&sql).await?.unwrap_or_default())
}

fn wait(secs: u64) -> String {
    format!("SELECT SYSTEM$WAIT({secs})")
}

pub async fn waits(place: &Place) -> Outcome {
    let (first, second, key) = (place.another(), place.another(), place.load_id("waits"));
    let holds = [mark(place, "first"), wait(4)];
    let writes = [mark(place, "second")];
    let begun = Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        second.transact(&writes, Some(&key)).await.map(|_| begun.elapsed())
    };
    let (held, waited) = tokio::join!(first.transact(&holds, Some(&key)), later);
    first.close().await;
    second.close().await;
    held.map_err(|why| why.to_string())?;
    let waited = waited.map_err(|why| why.to_string())?;
    same(waited >= Duration::from_secs(4), true)?;
    same((marks(place, "first").await?.as_str(), marks(place, "second").await?.as_str()), ("1", "1"))?;
    Ok(format!("after {:.1} s", waited.as_secs_f64()))
}

/// The worker goes away while its transaction waits for a statement.
pub async fn ended(place: &Place) -> Outcome {
    let (first, second, key) = (place.another(), place.another(), place.load_id("ended"));
    let holds = [mark(place, "gone"), wait(if place.real { 30 } else { 6 })];
    let cut = tokio::time::timeout(Duration::from_secs(3), first.transact(&holds, Some(&key))).await;
    same(cut.is_err(), true)?;
    let begun = Instant::now();
    let after = second.transact(&[mark(place, "after")], Some(&key)).await;
    first.close().await;
    second.close().await;
    after.map_err(|why| format!("after {:.1} s: {why}", begun.elapsed().as_secs_f64()))?;
    same((marks(place, "gone").await?.as_str(), marks(place, "after").await?.as_str()), ("0", "1"))?;
    Ok(format!("the lock was free after {:.1} s", begun.elapsed().as_secs_f64()))
}

/// LOCK_TIMEOUT is a minute.
pub async fn gives_up(place: &Place) -> Outcome {
    if let Some(outcome) = place.not_here() {
        return outcome;
    }
    let (first, second, key) = (place.another(), place.another(), place.load_id("gives up"));
    let holds = [mark(place, "holder"), wait(80)];
    let writes = [mark(place, "late")];
    let later = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        second.transact(&writes, Some(&key)).await
    };
    let (held, gave_up) = tokio::join!(first.transact(&holds, Some(&key)), later);
    first.close().await;
    second.close().await;
    held.map_err(|why| why.to_string())?;
    same(marks(place, "late").await?.as_str(), "0")?;
    match gave_up {
        Err(why) if why.class() == messages::FailureClass::Transient => Ok(why.to_string()),
        other => Err(format!("it must be tried again later, but: {other:?}")),
    }
}
