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

/// What lies in these is no blank, and begins with none: see [`given`].
fn visible(raw: &str) -> String {
    format!("{raw} BETWEEN '!' AND '~'")
}

/// A condition on rows with a value; NULL where there is none at all. The same as [`text`] not being NULL. Trimming costs more than
/// all else that a scan does, so only what could be blank is trimmed: it begins with a blank, or with what lies outside of ASCII,
/// where there are blanks too.
fn given(column: &str) -> String {
    let raw = raw(column);
    format!("({} OR TRIM({raw}) <> '')", visible(&raw))
}

/// `value` where the column has one. Branches, because DuckDB takes them for less than an OR.
fn where_given(column: &str, value: &str) -> String {
    let raw = raw(column);
    format!("CASE WHEN {} THEN {value} WHEN TRIM({raw}) <> '' THEN {value} END", visible(&raw))
}

/// Counts the rows with a value.
fn count_given(column: &str) -> String {
    format!("COUNT({})", where_given(column, "1"))
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

/// The number in a column. What is one as it stands is not trimmed, and the same expression as that of a check of its range.
fn number_in(column: &str) -> String {
    let (plain, trimmed) = (format!("TRY_CAST({} AS DOUBLE)", raw(column)), number_of(&text(column)));
    format!("CASE WHEN {plain} BETWEEN {:?} AND {:?} THEN {plain} ELSE {trimmed} END", f64::MIN, f64::MAX)
}

/// Counts the rows for which `condition` holds. COUNT, because SUM over no rows is NULL.
fn count_if(condition: &str) -> String {
    format!("COUNT(CASE WHEN {condition} THEN 1 END)")
}

#[cfg(test)]
mod tests;
