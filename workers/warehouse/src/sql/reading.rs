//! Whether a text is one statement that only reads.

/// A single statement that starts like one that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading<'a> {
    /// A query that may stand in brackets: `SELECT`, `WITH`, `FROM`, `VALUES`, `TABLE`.
    Query(&'a str),
    /// Another statement that reads: `DESCRIBE`, `SHOW`, `SUMMARIZE`, `EXPLAIN`.
    Other(&'a str),
}

const QUERIES: [&str; 5] = ["SELECT", "WITH", "FROM", "VALUES", "TABLE"];
const OTHERS: [&str; 5] = ["DESCRIBE", "DESC", "SHOW", "SUMMARIZE", "EXPLAIN"];

/// Takes `sql` as one statement that reads, without the semicolon at its end. The error says what is wrong with it.
///
/// This is the first of two gates (the second is a transaction that the warehouse itself refuses to write in), so
/// it must never take two statements for one. It does so by refusing whatever it can't follow.
pub fn reading(sql: &str) -> Result<Reading<'_>, String> {
    let scan = scan(sql)?;
    let Some(start) = scan.start else {
        return Err("there is no statement in the text".into());
    };
    let end = match scan.semicolon {
        Some((_, true)) => return Err("only one statement can be asked at a time".into()),
        Some((at, false)) => at,
        None => sql.len(),
    };
    let statement = &sql[start..end];
    let word: String = statement.chars().take_while(char::is_ascii_alphabetic).collect();
    let is = |word_of: &&str| word.eq_ignore_ascii_case(word_of);
    if statement.starts_with('(') || QUERIES.iter().any(is) {
        Ok(Reading::Query(statement))
    } else if OTHERS.iter().any(is) {
        Ok(Reading::Other(statement))
    } else {
        Err(format!(
            "only statements that read are allowed here ({}, {}); this one starts with {word:?}",
            QUERIES.join(", "),
            OTHERS.join(", ")
        ))
    }
}

#[derive(Default)]
struct Scan {
    /// Where the first character outside comments stands.
    start: Option<usize>,
    /// The first semicolon, and whether anything but semicolons follows it.
    semicolon: Option<(usize, bool)>,
}

fn scan(sql: &str) -> Result<Scan, String> {
    let bytes = sql.as_bytes();
    let mut found = Scan::default();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let here = at;
        let rest = &bytes[at..];
        match byte {
            b'-' if rest.starts_with(b"--") => {
                at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                continue;
            }
            // Comments nest in DuckDB and not in Snowflake: one in another is refused rather than understood.
            b'/' if rest.starts_with(b"/*") => {
                let end = find(&rest[2..], b"*/").ok_or("a comment is not closed")?;
                if find(&rest[2..2 + end], b"/*").is_some() {
                    return Err("comments inside comments are not allowed here".into());
                }
                at += end + 4;
                continue;
            }
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b';' => {
                found.semicolon.get_or_insert((here, false));
                at += 1;
                continue;
            }
            // In E'…' a backslash escapes the quote; where there is none, it is a text like any other.
            b'\'' => {
                let escapes = here > 0 && bytes[here - 1].eq_ignore_ascii_case(&b'e');
                let end = quoted(rest).ok_or("a text is not closed")?;
                if escapes && rest[..end].contains(&b'\\') {
                    return Err("backslashes in E'…' texts are not allowed here".into());
                }
                at += end;
            }
            b'"' => at += quoted(rest).ok_or("a name in quotes is not closed")?,
            b'$' if rest[1..].iter().find(|b| !is_word(**b)) == Some(&b'$') => {
                return Err("texts in dollar quotes are not allowed here".into());
            }
            _ => at += 1,
        }
        found.start.get_or_insert(here);
        if let Some((_, more)) = &mut found.semicolon {
            *more = true;
        }
    }
    Ok(found)
}

/// The length of the quoted text that `bytes` starts with; a doubled quote stands for itself.
fn quoted(bytes: &[u8]) -> Option<usize> {
    let quote = *bytes.first()?;
    let mut at = 1;
    loop {
        at += bytes.get(at..)?.iter().position(|b| *b == quote)? + 1;
        if bytes.get(at) != Some(&quote) {
            return Some(at);
        }
        at += 1;
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_that_reads_is_taken() {
        for sql in [
            "select 1",
            " SELECT ';' ;\n;",
            "-- a; b\nwith x as (select 1) from x",
            "(select 1)",
            "from t",
            "/* ; */ values (1)",
            "select \"a;b\"",
            "select 'it''s; so'",
            "select a -- ; no\n",
        ] {
            assert!(matches!(reading(sql), Ok(Reading::Query(_))), "{sql}: {:?}", reading(sql));
        }
        assert_eq!(reading("describe t;"), Ok(Reading::Other("describe t")));
    }

    #[test]
    fn what_writes_or_hides_is_refused() {
        for sql in [
            "",
            ";",
            "drop table t",
            "select 1; drop table t",
            "insert into t values (1)",
            "copy t to 'x'",
            "select 1;/* */drop table t",
            "select 'a' ; -- b\n delete from t",
            "set x = 1",
            "pragma x",
            "attach 'x'",
            "select e'\\'; drop table t; --'",
            "select $$ ' $$; drop table t; --'",
            "select $a$ ' $a$; drop table t",
            "select /* /* */ 1; drop table t; -- */",
            "select 'open",
            "select /* open",
            "call x()",
            "use x",
            "install x",
            "load x",
            "checkpoint",
            "begin",
            "commit",
            "export database 'x'",
            "create table t (a int)",
        ] {
            assert!(reading(sql).is_err(), "{sql}");
        }
    }
}
