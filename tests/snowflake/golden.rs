//! All SQL that millrace sends to Snowflake stands in `golden.sql`, each statement with what it is for and the page that it
//! rests on. Nothing else is sent, and nothing stands there that is never sent. dbt's own statements are not in it.

mod counts;
mod list;
mod plain;
mod scenario;

use std::collections::{BTreeMap, BTreeSet};

use list::List;

use crate::harness::repository;

/// Set, it writes the file anew. What is new gets a comment that the test refuses until somebody has looked it up.
const REWRITE: &str = "MILLRACE_WRITE_GOLDEN";

#[test]
fn every_statement_is_in_the_list_and_the_list_holds_no_other() {
    let path = repository().join("tests/snowflake/golden.sql");
    let mut list = List::read(&std::fs::read_to_string(&path).unwrap_or_default());
    // By what it says: one that was sent, to search for where a placeholder hides too much.
    let sent: BTreeMap<String, String> = scenario::play().into_iter().map(|sql| (plain::plain(&sql), sql)).collect();
    let known: BTreeSet<String> = list.statements().map(str::to_owned).collect();
    let new: Vec<&String> = sent.keys().filter(|sql| !known.contains(*sql)).collect();
    let gone: Vec<&String> = known.iter().filter(|sql| !sent.contains_key(*sql)).collect();
    if std::env::var_os(REWRITE).is_some() {
        list.remove(|sql| !sent.contains_key(sql));
        new.iter().for_each(|sql| list.add(sql));
        std::fs::write(&path, list.text()).unwrap();
        println!("{}: {} new, {} gone", path.display(), new.len(), gone.len());
        return;
    }
    let mut faults: Vec<String> = gone.iter().map(|sql| format!("is never sent; take it out: {sql}")).collect();
    for sql in new {
        let example = &sent[sql];
        let block = List::block(sql);
        faults.push(format!("is sent and not in the list; add this, and look it up:\n{block}for example: {example}"));
    }
    faults.extend(list.without_comment().map(|sql| format!("has no comment with a page of the documentation: {sql}")));
    assert!(faults.is_empty(), "golden.sql ({REWRITE}=1 rewrites it): {}", faults.join("\n\n"));
}
