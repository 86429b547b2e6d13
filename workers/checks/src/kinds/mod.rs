//! The kinds of check: one file each, and one line here.

mod accepted_range;
mod accepted_values;
mod between;
mod change;
mod custom_sql;
mod each_value;
mod freshness;
mod matches;
mod new_content;
mod null_share;
mod reconcile;
mod relationship;
mod row_count;
mod schema_change;
mod unique;

use crate::check::Kind;

/// Every kind of check. What it takes and what it means is told in its file.
pub(crate) const KINDS: [Kind; 15] = [
    row_count::KIND,
    null_share::KIND,
    unique::KIND,
    relationship::KIND,
    accepted_values::KIND,
    accepted_range::KIND,
    matches::KIND,
    between::SUM,
    between::MEAN,
    custom_sql::KIND,
    change::KIND,
    schema_change::KIND,
    new_content::KIND,
    reconcile::KIND,
    freshness::KIND,
];

/// The names of all kinds.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// A column of the rows that are judged, as it stood in the file.
fn raw(column: &str) -> String {
    format!("R.{}", warehouse::sql::ident(column))
}

/// The same as STAGING reads it: without surrounding blanks, and nothing at all is NULL.
fn text(column: &str) -> String {
    format!("NULLIF(TRIM({}), '')", raw(column))
}

/// A condition on rows without a value, the same as [`text`] being NULL. Trimming costs more than all else that a scan does, so
/// only what could be blank is trimmed: it begins with a blank, or with what lies outside of ASCII, where there are blanks too.
fn missing(column: &str) -> String {
    let raw = raw(column);
    format!("{raw} IS NULL OR (({raw} < '!' OR {raw} > '~') AND TRIM({raw}) = '')")
}

/// A condition on rows with a value.
fn given(column: &str) -> String {
    format!("NOT ({})", missing(column))
}

/// The point in time in a text. A number is none: Snowflake would read seconds since 1970, and DuckDB nothing.
fn moment_of(text: &str) -> String {
    format!("TRY_CAST(CASE WHEN TRY_CAST({text} AS DOUBLE) IS NULL THEN {text} END AS TIMESTAMP)")
}

/// The number in a text; NULL for what is none. DuckDB reads `nan` and `inf` as numbers, and takes NaN for the greatest of all.
fn number_of(text: &str) -> String {
    let number = format!("TRY_CAST({text} AS DOUBLE)");
    format!("CASE WHEN {number} BETWEEN {:?} AND {:?} THEN {number} END", f64::MIN, f64::MAX)
}

/// Counts the rows for which `condition` holds. COUNT, because SUM over no rows is NULL.
fn count_if(condition: &str) -> String {
    format!("COUNT(CASE WHEN {condition} THEN 1 END)")
}

#[cfg(test)]
mod tests;
