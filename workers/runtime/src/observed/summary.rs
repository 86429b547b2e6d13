//! What a statement does, in two words: `SELECT RAW.RAW_LOAD_AUDIT`. Never its values.

/// The words before a statement's first table.
const BEFORE_TABLE: [&str; 6] = ["FROM", "INTO", "UPDATE", "TABLE", "VIEW", "SCHEMA"];

/// The operation and the first table, of a few kinds of each: names of contracts and of our own tables, no data.
pub(super) struct Summary {
    pub(super) operation: String,
    pub(super) table: Option<String>,
}

impl Summary {
    pub(super) fn of(sql: &str) -> Self {
        let mut words = sql.split_whitespace().map(|word| word.trim_start_matches('('));
        let operation = words.next().unwrap_or_default().to_uppercase();
        let known = operation.chars().all(|letter| letter.is_ascii_alphabetic()) && operation.len() <= 12;
        let mut table = None;
        let mut before = operation.clone();
        for word in words {
            // `FROM (SELECT … FROM RAW.T)`: the inner one names it.
            if BEFORE_TABLE.contains(&before.as_str()) && !word.is_empty() && !word.eq_ignore_ascii_case("SELECT") {
                table = name(word);
                if table.is_some() {
                    break;
                }
            }
            before = word.to_uppercase();
        }
        Self { operation: if known { operation } else { "OTHER".into() }, table }
    }

    /// Both.
    pub(super) fn text(&self) -> String {
        match &self.table {
            Some(table) => format!("{} {table}", self.operation),
            None => self.operation.clone(),
        }
    }
}

/// A table's name without quotes; nothing that could be a literal.
fn name(word: &str) -> Option<String> {
    let end = word.find(['(', ')', ',', ';']).unwrap_or(word.len());
    let name: String = word[..end].chars().filter(|letter| *letter != '"').collect();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '$');
    (!name.is_empty() && name.len() <= 128 && name.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_by_operation_and_table() {
        for (sql, expected) in [
            ("SELECT * FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = 'secret'", "SELECT RAW.RAW_LOAD_AUDIT"),
            ("SELECT * FROM (SELECT COUNT(*) AS M0_0 FROM RAW.\"BATCHES\" R) S0", "SELECT RAW.BATCHES"),
            ("INSERT INTO RAW.STAGE_AUDIT (A) SELECT * FROM (VALUES ('x'))", "INSERT RAW.STAGE_AUDIT"),
            ("delete from RAW_RUN.\"X_RUN\" where 1=1", "DELETE RAW_RUN.X_RUN"),
            ("SELECT 1", "SELECT"),
            ("SELECT * FROM 'a file.csv'", "SELECT"),
            ("", ""),
            ("'what?' FROM X", "OTHER X"),
        ] {
            assert_eq!(Summary::of(sql).text(), expected, "{sql}");
        }
    }
}
