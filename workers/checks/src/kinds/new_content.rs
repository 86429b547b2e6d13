//! `new_content {[within_days]}`: no file of the load has the content of a file that another load had brought before. What a file's
//! content is, is told by its hash in `RAW.RAW_LOAD_AUDIT`.
//!
//! It is about deliveries, so these hold:
//!
//! - The same LOAD_ID loaded again, whatever for: it is the same delivery.
//! - The same file (its path and modification time) loaded under another LOAD_ID, as a backfill does for several intervals, or
//!   Airflow beside the watcher: it was not delivered again, it lies there.
//! - What another load brought later: the first who brings a content brings it anew, whenever it is judged.
//! - What a load brought that is held back, was discarded, or is not complete: nobody has seen it.
//! - Files without rows that could be loaded: one header is like another.
//!
//! Files of one load are not compared with each other. `within_days` forgets loads whose data (AS_OF) is so much older.

use chrono::TimeDelta;
use warehouse::sql::{literal, timestamp};

use crate::check::{Check, Compile, Finding, Kind, Measure, Measured};
use crate::deliveries::Subject;
use crate::words::number;

pub(super) const KIND: Kind = Kind {
    name: "new_content",
    parameters: &["within_days"],
    thresholds: &[],
    samples: false,
    no_gate: Some("the audit knows a file's content only once its rows stand; leave gate out"),
    compile: COMPILE,
};

/// A century. Whoever writes more means all that there was.
const MAX_DAYS: f64 = 36_525.0;

const COMPILE: Compile = |parameters, _| {
    let within_days = match parameters.optional("within_days") {
        None => None,
        Some(_) => Some(parameters.positive("within_days", "days")?),
    };
    if within_days.is_some_and(|days| days > MAX_DAYS) {
        return Err(format!("within_days must be at most {MAX_DAYS}, a hundred years; leave it out instead"));
    }
    Ok(Box::new(NewContent { within_days }))
};

#[derive(Debug)]
struct NewContent {
    within_days: Option<f64>,
}

impl NewContent {
    /// Which file of the load has the content of which file of which load before.
    fn again(&self, subject: &Subject<'_>) -> Option<String> {
        let (own, table) = (subject.own_lines("C.")?, literal(&subject.table().table));
        // When a load brought a file for the first time: a repetition is no news.
        let brought = format!(
            "(SELECT F.LOAD_ID, F.SOURCE_FILE, F.MODIFIED_AT, F.FILE_ID, MIN(F.FINISHED_AT) AS FIRST_AT \
            FROM RAW.RAW_LOAD_AUDIT F WHERE F.TABLE_NAME = {table} AND F.STATUS = 'SUCCESS' AND F.FILE_ID IS NOT NULL \
            AND F.ROWS_LOADED > 0 GROUP BY F.LOAD_ID, F.SOURCE_FILE, F.MODIFIED_AT, F.FILE_ID)"
        );
        let since = self.within_days.zip(subject.as_of()).map_or_else(String::new, |(days, as_of)| {
            let since = as_of - TimeDelta::milliseconds((days * 86_400_000.0) as i64);
            format!(" AND L.AS_OF >= {}", timestamp(since))
        });
        Some(format!(
            "(SELECT DISTINCT N.SOURCE_FILE, O.SOURCE_FILE AS OTHER_FILE, O.LOAD_ID AS OTHER_LOAD \
            FROM RAW.RAW_LOAD_AUDIT C JOIN {brought} N ON N.LOAD_ID = C.LOAD_ID AND N.SOURCE_FILE = C.SOURCE_FILE \
            AND N.MODIFIED_AT = C.MODIFIED_AT AND N.FILE_ID = C.FILE_ID JOIN {brought} O ON O.FILE_ID = N.FILE_ID \
            AND O.LOAD_ID <> N.LOAD_ID AND O.FIRST_AT < N.FIRST_AT \
            AND (O.SOURCE_FILE <> N.SOURCE_FILE OR O.MODIFIED_AT <> N.MODIFIED_AT) \
            JOIN RAW.COMPLETE_LOADS L ON L.TABLE_NAME = {table} AND L.LOAD_ID = O.LOAD_ID{since} \
            WHERE {own} AND C.STATUS = 'SUCCESS') A"
        ))
    }
}

impl Check for NewContent {
    fn expected(&self) -> String {
        let within =
            self.within_days.map_or_else(String::new, |days| format!(" whose data is up to {} d older", number(days)));
        format!("no file has the content of one that another load{within} brought before")
    }

    fn measures(&self, subject: &Subject<'_>) -> Vec<Measure> {
        let Some(from) = self.again(subject) else { return Vec::new() };
        let first =
            "MIN(A.SOURCE_FILE || ' has the content of ' || A.OTHER_FILE || ', which came with ' || A.OTHER_LOAD)";
        vec![
            Measure { value: "COUNT(DISTINCT A.SOURCE_FILE)".into(), from: from.clone() },
            Measure { value: first.into(), from },
        ]
    }

    fn judge(&self, measured: &Measured<'_>, subject: &Subject<'_>) -> Result<Finding, String> {
        if subject.own_lines("C.").is_none() {
            return Ok(Finding::new(true, "the load brought nothing of it").of(0.0));
        }
        let count = measured.count(0)?;
        let observed = match (count, measured.text(1)) {
            (0, _) | (_, None) => "all content is new".to_owned(),
            (1, Some(first)) => first.to_owned(),
            (_, Some(first)) => format!("{count} files came before: {first}"),
        };
        Ok(Finding::new(count == 0, observed).of(count as f64))
    }
}
