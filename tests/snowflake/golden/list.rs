//! The file: blocks with a blank line between them. A block is a comment, or a comment and the statement that it is about.

/// Where Snowflake's documentation lies.
const PAGES: &str = "https://docs.snowflake.com/en/";
const TODO: &str =
    "-- TODO: what it is for, and the page that it rests on: https://docs.snowflake.com/en/sql-reference/…";
const WIDTH: usize = 130;

/// What stands in the file.
pub struct List {
    blocks: Vec<Block>,
}

struct Block {
    comment: String,
    /// On one line; absent where the comment is a heading.
    sql: Option<String>,
}

impl List {
    pub fn read(text: &str) -> Self {
        let block = |block: &str| {
            let (comment, sql): (Vec<&str>, Vec<&str>) = block.lines().partition(|line| line.starts_with("--"));
            let sql = sql.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
            let sql = sql.strip_suffix(';').map_or(sql.clone(), str::to_owned);
            Block { comment: comment.join("\n"), sql: (!sql.is_empty()).then_some(sql) }
        };
        let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty()).map(block).collect();
        Self { blocks }
    }

    pub fn statements(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|block| block.sql.as_deref())
    }

    /// Statements whose comment says nothing, or names no page.
    pub fn without_comment(&self) -> impl Iterator<Item = &str> {
        let poor = |comment: &str| comment.contains("TODO") || !comment.contains(PAGES) || comment.lines().count() < 2;
        self.blocks.iter().filter(move |block| poor(&block.comment)).filter_map(|block| block.sql.as_deref())
    }

    pub fn remove(&mut self, unwanted: impl Fn(&str) -> bool) {
        self.blocks.retain(|block| block.sql.as_deref().is_none_or(|sql| !unwanted(sql)));
    }

    pub fn add(&mut self, sql: &str) {
        self.blocks.push(Block { comment: TODO.into(), sql: Some(sql.into()) });
    }

    /// What a statement that is new looks like in the file.
    pub fn block(sql: &str) -> String {
        Block { comment: TODO.into(), sql: Some(sql.into()) }.text()
    }

    pub fn text(&self) -> String {
        self.blocks.iter().map(Block::text).collect::<Vec<_>>().join("\n")
    }
}

impl Block {
    fn text(&self) -> String {
        let sql = self.sql.as_ref().map(|sql| format!("{};\n", folded(sql))).unwrap_or_default();
        format!("{}\n{sql}", self.comment)
    }
}

/// Over several lines, which [`List::read`] makes one of again.
fn folded(sql: &str) -> String {
    let mut lines = vec![String::new()];
    for word in sql.split(' ') {
        let line = lines.last_mut().unwrap();
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("    {word}"));
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[test]
fn what_is_written_is_read_again() {
    let sql = format!("SELECT {} FROM T", ["A", "B"].repeat(100).join(", "));
    let mut list = List::read("-- Heading.\n\n-- One.\n-- https://docs.snowflake.com/en/x\nSELECT 1;\n");
    list.add(&sql);
    let text = list.text();
    let again = List::read(&text);
    assert_eq!(again.statements().collect::<Vec<_>>(), ["SELECT 1", &sql]);
    assert_eq!(again.without_comment().collect::<Vec<_>>(), [&sql]);
    assert_eq!(again.text(), text);
}
