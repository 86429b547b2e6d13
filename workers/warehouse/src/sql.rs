//! Writing SQL text safely.

/// A text literal. The one way in which text enters a statement.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
