//! What comes back.

use std::time::Instant;

use crate::place::{Outcome, Place, same};

pub async fn in_parts(place: &Place) -> Outcome {
    let sql = format!("SELECT SOURCE_ROW, ID FROM RAW.\"{}\" ORDER BY SOURCE_ROW", place.name);
    let rows = place.query(&sql).await?;
    same(rows.len(), 200_000)?;
    for (at, row) in rows.iter().enumerate() {
        let number = Some((at + 1).to_string());
        same(row, &vec![number.clone(), number])?;
    }
    let some = place.warehouse.query(&sql, 10).await.map_err(|why| why.to_string())?;
    same((some.rows.len(), some.truncated), (10, true))?;
    Ok("200,000 rows".into())
}

/// An expression, and its text. `false` where the emulator has another.
const VALUES: [(&str, Option<&str>, bool); 19] = [
    ("CAST(1.50 AS NUMBER(10, 2))", Some("1.50"), true),
    ("CAST(-7 AS BIGINT)", Some("-7"), true),
    (
        "CAST('12345678901234567890123456789012345678' AS NUMBER(38, 0))",
        Some("12345678901234567890123456789012345678"),
        false,
    ),
    ("CAST(0.5 AS DOUBLE)", Some("0.5"), true),
    ("TRUE", Some("true"), true),
    ("FALSE", Some("false"), true),
    ("CAST('2026-11-23' AS DATE)", Some("2026-11-23"), true),
    ("CAST('1969-12-31' AS DATE)", Some("1969-12-31"), true),
    ("CAST('12:00:00.000001' AS TIME)", Some("12:00:00.000001"), true),
    ("CAST('2026-11-23 12:00:00.000001' AS TIMESTAMP)", Some("2026-11-23 12:00:00.000001"), true),
    ("CAST('1969-12-31 23:59:59.5' AS TIMESTAMP)", Some("1969-12-31 23:59:59.500000"), true),
    ("CAST('2026-11-23 12:00:00' AS TIMESTAMP_LTZ)", Some("2026-11-23 12:00:00.000000+00:00"), false),
    ("CAST('2026-11-23 12:00:00 +0100' AS TIMESTAMP_TZ)", Some("2026-11-23 12:00:00.000000+01:00"), false),
    ("CAST(CAST('2026-11-23 12:00:00.000001' AS TIMESTAMP) AS VARCHAR)", Some("2026-11-23 12:00:00.000001"), true),
    ("'ä' || CHR(92) || '\"'", Some("ä\\\""), true),
    ("CAST(NULL AS TIMESTAMP)", None, true),
    ("CAST(NULL AS BIGINT)", None, true),
    ("CAST(NULL AS VARCHAR)", None, true),
    ("CAST('' AS VARCHAR)", Some(""), true),
];

pub async fn every_type(place: &Place) -> Outcome {
    let mut faults = Vec::new();
    for (value, expected, both) in VALUES {
        if both || place.real {
            match place.value(&format!("SELECT {value} AS A")).await {
                Ok(found) if found.as_deref() == expected => {}
                found => faults.push(format!("{value} is {found:?} instead of {expected:?}")),
            }
        }
    }
    if faults.is_empty() { Ok(format!("{} values", VALUES.len())) } else { Err(faults.join("; ")) }
}

/// What checks rest on, and no page promises.
pub async fn doubts(place: &Place) -> Outcome {
    let view = format!("RAW.\"{}\"", place.name);
    // The greatest of all numbers is written out, and NaN must lie above it.
    let nan = place.value("SELECT TRY_CAST('nan' AS DOUBLE) > 1.7976931348623157e308").await?;
    same(nan.as_deref(), Some("true"))?;
    // As relationships are checked: a view with scalar subqueries in a correlated one.
    let lost = format!(
        "SELECT COUNT(*) FROM (SELECT * FROM {rows}) R WHERE NULLIF(TRIM(R.\"ID\"), '') IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM {view} O WHERE UPPER(TRIM(O.\"ID\")) = UPPER(TRIM(R.\"ID\")))",
        rows = place.rows()
    );
    same(place.value(&lost).await?.as_deref(), Some("0"))?;
    let Some(outcome) = place.not_here() else {
        // For people to compare with DuckDB, which says NULL and 2026-01-02 01:04:05.
        let number = place.value("SELECT TRY_CAST('20260102' AS TIMESTAMP)").await?;
        let zone = place.value("SELECT TRY_CAST('2026-01-02T03:04:05+02:00' AS TIMESTAMP)").await?;
        return Ok(format!("'20260102' as a time is {number:?}, '2026-01-02T03:04:05+02:00' is {zone:?}"));
    };
    outcome
}

pub async fn shown(place: &Place) -> Outcome {
    let described = place.query(&format!("DESCRIBE TABLE {}", place.rows())).await?;
    same(described.len(), 7)?;
    if let Some(outcome) = place.not_here() {
        return outcome;
    }
    let shown = place.query(&format!("SHOW TABLES LIKE '{}%' IN SCHEMA RAW_RUN", place.name)).await?;
    same(shown.len(), 1)?;
    Ok(format!("{:?}", shown[0]))
}

pub async fn long(place: &Place) -> Outcome {
    let wait_secs = if place.real { 50 } else { 1 };
    let begun = Instant::now();
    let told = place.value(&format!("SELECT SYSTEM$WAIT({wait_secs})")).await?;
    same(begun.elapsed().as_secs() >= wait_secs, true)?;
    Ok(told.unwrap_or_default())
}
