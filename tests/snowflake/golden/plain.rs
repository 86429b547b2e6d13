//! What a statement says, whatever it says it of: texts, times, numbers and ids become placeholders. Keywords, options, names,
//! the kind of every value and the order of columns stay.

/// Texts that a statement's meaning depends on. All others become placeholders.
const KEPT: [&str; 27] = [
    "",
    "\\n",
    ",",
    "\"",
    "UTF8",
    "SNOWFLAKE_SSE",
    "file:///part.csv.gz",
    "COLUMN",
    "VIEW",
    "STAGE",
    "RAW",
    "RAW_RUN",
    "LOAD_STAGE",
    "own",
    "newest",
    "SUCCESS",
    "PLANNED",
    "CANCELLED",
    "QUARANTINED",
    "DISCARDED",
    "GATE",
    "CANCEL_REQUESTED",
    "FAILED",
    "STARTED",
    "ingest",
    "transform",
    "dq",
];
const STAGE: &str = "@RAW_RUN.LOAD_STAGE/";

pub fn plain(sql: &str) -> String {
    repeated(&values(&counts(&words(sql))))
}

/// Texts and names, one after the other.
fn words(sql: &str) -> String {
    let (mut plain, mut rest) = (String::new(), sql.trim());
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' => quoted(rest, '\''),
            '"' => quoted(rest, '"'),
            '@' => rest.find([' ', ')']).unwrap_or(rest.len()),
            _ if is_word(first) => rest.find(|next| !is_word(next)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (word, after) = rest.split_at(end);
        plain.push_str(&match first {
            '\'' => text(&word[1..end - 1]),
            '@' => place(word),
            _ => name(word),
        });
        rest = after;
    }
    plain
}

fn is_word(next: char) -> bool {
    next.is_alphanumeric() || next == '_' || next == '$'
}

/// Where what begins with a quote ends. A quote inside is written twice.
fn quoted(rest: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(next) = rest[at..].find(quote) {
        at += next + 1;
        if !rest[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    panic!("a quote has no end: {rest}")
}

fn text(content: &str) -> String {
    let digits =
        |from: usize, to: usize| content.get(from..to).is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let placeholder = match content {
        kept if KEPT.contains(&kept) => return format!("'{kept}'"),
        place_text if place_text.starts_with('@') => return format!("'{}'", place(place_text)),
        mark if mark.starts_with("kept by millrace (") => "kept by millrace (<hash>)",
        id if is_id(id) => "<id>",
        _ if digits(0, 4) && digits(5, 7) && digits(8, 10) && content.as_bytes()[4] == b'-' => "<time>",
        part if part.starts_with("part_") => "<part>",
        table if ["MATERIALS", "PRODUCTION_ORDERS", "BATCHES", "READINGS"].contains(&table) => "<table>",
        _ => "<text>",
    };
    format!("'{placeholder}'")
}

/// A folder of the stage, or the stage.
fn place(word: &str) -> String {
    let Some(path) = word.strip_prefix(STAGE) else { return word.into() };
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [""] => STAGE.into(),
        [_, id, ""] if is_id(id) => format!("{STAGE}<table>/<id>/"),
        other => panic!("a path of the stage that this test does not know: {other:?}"),
    }
}

/// Locks are one, and what `check` makes has a number in its name.
fn name(word: &str) -> String {
    let numbered = |begin: &str, digits: usize, placeholder: &str| {
        let at = word.find(begin)? + begin.len();
        let end = at + digits;
        let number = word.get(at..end)?.bytes().all(|byte| byte.is_ascii_hexdigit());
        number.then(|| format!("{}{placeholder}{}", &word[..at], &word[end..]))
    };
    let lock = numbered("LOAD_LOCK_", 2, "<nn>");
    lock.or_else(|| numbered("MILLRACE_CHECK_", 32, "<id>")).unwrap_or_else(|| word.into())
}

fn is_id(text: &str) -> bool {
    let hex: String = text.chars().filter(|c| *c != '-').collect();
    hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// How many rows the models have: which models, is dbt's answer. How many lines are asked for, is the asker's.
fn counts(sql: &str) -> String {
    const COUNT: &str = "SELECT 0 AS N, COUNT(*) AS C FROM ";
    if sql.starts_with(COUNT) {
        return format!("{COUNT}<relation> UNION ALL SELECT 1 AS N, COUNT(*) AS C FROM <relation> …");
    }
    match sql.rsplit_once(" LIMIT ") {
        Some((before, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => format!("{before} LIMIT <n>"),
        _ => sql.into(),
    }
}

/// Rows of VALUES: numbers are numbers, and rows of one kind are one.
fn values(sql: &str) -> String {
    let Some((before, rest)) = sql.split_once("(VALUES ") else { return sql.into() };
    let (rows, after) = rest.split_once(") AS V (").expect("VALUES without names");
    let mut kinds: Vec<String> = Vec::new();
    let (mut depth, mut row) = (0, String::new());
    for next in rows.chars() {
        depth += i32::from(next == '(') - i32::from(next == ')');
        row.push(next);
        if depth == 0 && next == ')' {
            let kind = row.trim_start_matches(", ").split(", ").map(number).collect::<Vec<_>>().join(", ");
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
            row.clear();
        }
    }
    format!("{before}(VALUES {}) AS V ({after}", kinds.join(", "))
}

fn number(value: &str) -> String {
    // What was measured: another number every time.
    if let Some((before, rest)) = value.split_once("CAST(")
        && let Some((measured, after)) = rest.split_once(" AS DOUBLE)")
        && measured != "NULL"
    {
        return format!("{before}CAST(<n> AS DOUBLE){after}");
    }
    let bare = value.trim_matches(['(', ')']);
    let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { value.replace(bare, "<n>") } else { value.into() }
}

/// Lists of one kind: `('<id>', '<id>', '<id>')` is `('<id>', …)`, with one element too.
fn repeated(sql: &str) -> String {
    let mut plain = sql.to_owned();
    for kind in ["'<id>'", "'<part>'", "'<text>'"] {
        let pair = format!("{kind}, {kind}");
        for list in ["IN (", "FILES = ("] {
            let begin = format!("{list}{kind}");
            while let Some(at) = plain.find(&format!("{list}{pair}")) {
                plain.replace_range(at..at + list.len() + pair.len(), &begin);
            }
            plain = plain.replace(&format!("{begin})"), &format!("{list}{kind}, …)"));
        }
    }
    plain
}

#[test]
fn what_differs_in_meaning_stays_different() {
    let same = |one: &str, other: &str| assert_eq!(plain(one), plain(other));
    let differ = |one: &str, other: &str| assert_ne!(plain(one), plain(other));
    let (id, other) = ("01935a00-0000-7000-8000-000000000001", "01935a00-0000-7000-8000-000000000002");
    same(&format!("UPDATE T SET A = '{id}'"), &format!("UPDATE T SET A = '{other}'"));
    same(&format!("A IN ('{id}')"), &format!("A IN ('{id}', '{other}')"));
    same("INSERT (VALUES ('a', 1)) AS V (A, B)", "INSERT (VALUES ('b', 2), ('it''s', 3)) AS V (A, B)");
    same("UPDATE RAW_RUN.LOAD_LOCK_01 SET A", "UPDATE RAW_RUN.LOAD_LOCK_15 SET A");
    same(
        "INSERT (VALUES (CAST(4e0 AS DOUBLE))) AS V (A)",
        "INSERT (VALUES (CAST(2.5e-3 AS DOUBLE)), (CAST(1e0 AS DOUBLE))) AS V (A)",
    );
    differ("INSERT (VALUES (CAST(4e0 AS DOUBLE))) AS V (A)", "INSERT (VALUES (CAST(NULL AS DOUBLE))) AS V (A)");
    differ("SELECT 1", "SELECT 2");
    differ("A = 'SUCCESS'", "A = 'FAILED'");
    differ("A = 'x'", "A = 1");
    differ("INSERT (VALUES ('a', 1)) AS V (A, B)", "INSERT (VALUES ('a', CAST(NULL AS BIGINT))) AS V (A, B)");
    differ("INSERT (VALUES ('a')) AS V (A)", "INSERT (VALUES (('a' || CHR(92) || 'b'))) AS V (A)");
    differ("COPY FILE_FORMAT = (SKIP_HEADER = 0)", "COPY FILE_FORMAT = (SKIP_HEADER = 1)");
    differ("SELECT \"A\", \"B\"", "SELECT \"B\", \"A\"");
    differ("RECORD_DELIMITER = '\\n'", "RECORD_DELIMITER = '\\r'");
}
