//! Writing SQL text safely. What is written here means the same to DuckDB and to Snowflake.

mod reading;

use chrono::{DateTime, Utc};

pub use reading::{Reading, reading};

/// A text literal. The one way in which text enters a statement.
///
/// Snowflake reads a backslash in a literal as an escape and DuckDB does not, so a backslash is written as
/// `CHR(92)`. NUL, which no warehouse stores, becomes U+FFFD.
pub fn literal(text: &str) -> String {
    let quoted = format!("'{}'", text.replace('\'', "''").replace('\0', "\u{fffd}"));
    match text.matches('\\').count() {
        0 => quoted,
        1..=MAX_JOINED => format!("({})", quoted.replace('\\', "' || CHR(92) || '")),
        _ => {
            let stand_in = stand_in(text);
            format!("REPLACE({}, '{stand_in}', CHR(92))", quoted.replace('\\', &stand_in))
        }
    }
}

/// Backslashes of a text that are joined in one by one. A warehouse follows an expression only so deep (DuckDB: 1,000).
const MAX_JOINED: usize = 16;

/// Characters for private use that do not stand in `text`.
fn stand_in(text: &str) -> String {
    let mut stand_in = String::from('\u{e000}');
    while text.contains(&stand_in) {
        stand_in.push('\u{e001}');
    }
    stand_in
}

/// A text literal, or a NULL that knows its type.
pub fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "CAST(NULL AS VARCHAR)".into(), literal)
}

/// A name in quotes and capitals, so that a column may be called `order`; unquoted it is found all the same.
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.to_uppercase().replace('"', "\"\""))
}

/// A moment, in UTC and to the microsecond.
pub fn timestamp(at: DateTime<Utc>) -> String {
    format!("CAST('{}' AS TIMESTAMP)", at.format("%Y-%m-%d %H:%M:%S%.6f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_not_leave_its_literal() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\b"), r"('a' || CHR(92) || 'b')");
        assert_eq!(literal(r"\'"), r"('' || CHR(92) || ''')".replace("'''", "''''"));
        assert_eq!(literal("a\0b"), "'a\u{fffd}b'");
        let many = "\\".repeat(MAX_JOINED + 1);
        let written = literal(&format!("{many}'\u{e000}"));
        let stand_in = "\u{e000}\u{e001}";
        assert_eq!(written, format!("REPLACE('{}''\u{e000}', '{stand_in}', CHR(92))", stand_in.repeat(MAX_JOINED + 1)));
    }
}
