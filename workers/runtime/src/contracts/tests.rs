//! Faults are told where they stand, all of them at once.
#![allow(clippy::unwrap_used)]

use super::*;

fn read(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let faults = Contracts::read(folder.path()).unwrap_err();
    let prefix = format!("{}/", folder.path().display());
    faults.into_iter().map(|fault| fault.to_string().replace(&prefix, "")).collect()
}

#[test]
fn every_fault_of_every_contract_has_its_line() {
    let faults = read(&[
        ("a.yaml", "source: a\nfiles: ['**/a.csv', '[']\nmode: sometimes\ncolumns: [x]\n"),
        (
            "b.yaml",
            "# A comment\nsource: 1b\nfiles: ['**/b.csv', '[']\nkeys: [x, nothing]\nsurprises:\n  missing_column: evolve\n  \
            bad_row: {policy: accept, max_rows: 20000, max_share: 2}\n  duplicate_key: quarantine\nformat: {delimiter: ä}\n\
            columns:\n  - x\n  - name: load_id\n  - X\narrival:\n  every_hours: 0\n",
        ),
        ("c.yaml", "source: c\nfiles: ['**/c.csv']\ncolumns: [x\n"),
        ("d.yaml", "source: d\nfiles: []\ncolumns: [x]\nsurprises: {duplicate_key: quarantine}\n"),
    ]);
    let firsts: Vec<&str> = faults.iter().map(|fault| fault.lines().next().unwrap()).collect();
    let expected = [
        "a.yaml:3:7: unknown variant `sometimes`, expected one of snapshot, increment",
        "b.yaml:2:1: source \"1b\" must be letters, digits and _, and begin with a letter",
        "b.yaml:12:5: column load_id is the platform's own; rename it in the file",
        "b.yaml:13:5: column x stands twice",
        "b.yaml:4:11: key \"nothing\" is no column of the contract",
        "b.yaml:9:10: delimiter 'ä' must be one ASCII character and no line break",
        "b.yaml:6:3: missing_column can't be evolve: say accept, quarantine, reject",
        "b.yaml:7:3: bad_row can't be accept: say quarantine, reject",
        "b.yaml:7:29: max_rows is 20000: at most 10000 rows of a file are kept",
        "b.yaml:7:46: max_share is 2: a share is 0 to 1",
        "b.yaml:15:3: every_hours must be more than 0",
        "b.yaml:3:21: pattern \"[\": unclosed character class; missing ']'",
    ];
    assert_eq!(firsts[..expected.len()], expected);
    assert!(firsts[12].starts_with("c.yaml:"), "{}", firsts[12]);
    assert_eq!(
        firsts[13..],
        [
            "d.yaml:2:1: files is empty: give at least one pattern, such as \"**/orders*.csv\"",
            "d.yaml:4:13: duplicate_key has nothing to go by: name the columns that name a row under `keys`",
        ]
    );
    assert!(faults[1].ends_with("\n  | source: 1b\n  | ^"), "{}", faults[1]);
    assert!(faults[8].ends_with("\n  |                             ^"), "{}", faults[8]);
}

#[test]
fn headers_belong_to_one_column_each() {
    let text = "source: a\nfiles: ['**/a.csv']\ncolumns:\n  - {name: id, header: [Nummer, Menge]}\n  - name: menge_kg\n    \
        header: 'MENGE '\n  - name: groesse\n    header:\n      - Größe\n      - ID\n      - ' '\n  - {name: site, \
        header: \"Werk\\n(kurz)\"}\n  - {name: gro, header: \"GRO\u{308}ßE\"}\n  - {name: b, header: [B, b, Menge_B]}\n  - menge_b\n";
    let faults = read(&[("a.yaml", text)]);
    let firsts: Vec<&str> = faults.iter().map(|fault| fault.lines().next().unwrap()).collect();
    assert_eq!(
        firsts,
        [
            "a.yaml:6:5: header \"MENGE \" is column id already: a file's column can be only one",
            "a.yaml:10:9: header \"ID\" is the name of column id, which a file may always use",
            "a.yaml:11:9: header is empty: say what files call column groesse",
            "a.yaml:12:18: header \"Werk\\n(kurz)\" holds a control character; a blank stands for a line break too",
            "a.yaml:13:17: header \"GRO\u{308}ßE\" is column groesse already: a file's column can be only one",
            "a.yaml:14:30: header \"Menge_B\" is the name of column menge_b, which a file may always use",
        ]
    );
    for (header, place, word) in
        [("[]", "4:23", "empty list"), ("{a: b}", "4:23", "a list of texts"), ("", "4:", "a list of texts")]
    {
        let text = format!("source: a\nfiles: ['**/a.csv']\ncolumns:\n  - {{name: x, header: {header}}}\n");
        let faults = read(&[("a.yaml", &text)]);
        assert!(faults[0].starts_with(&format!("a.yaml:{place}")) && faults[0].contains(word), "{}", faults[0]);
    }
}

#[test]
fn files_without_a_header_name_nothing() {
    let text = "source: a\nfiles: ['**/a.csv']\nformat: {header: false}\ncolumns:\n  - {name: x, header: X}\nsurprises: \
        {new_column: evolve}\n";
    let json = "source: b\nfiles: ['**/b.jsonl']\nformat: {type: json_lines, header: false}\ncolumns: [x]\n";
    let faults = read(&[("a.yaml", text), ("b.yaml", json)]);
    let firsts: Vec<&str> = faults.iter().map(|fault| fault.lines().next().unwrap()).collect();
    assert_eq!(
        firsts,
        [
            "a.yaml:5:15: the files have no header (format.header), so column x is called nothing; leave one of the two out",
            "a.yaml:6:13: new_column can't be evolve: the files have no header (format.header) that names a new column",
            "b.yaml:3:28: only CSV files can be without a header: the columns of others have names; leave header out",
        ]
    );
}

#[test]
fn what_is_unknown_is_refused_where_it_stands() {
    for (more, place, word) in [
        ("colour: red\n", "4:1", "colour"),
        ("surprises:\n  new_colum: accept\n", "5:3", "new_colum"),
        ("surprises:\n  bad_row: {policy: quarantine, max: 1}\n", "5:33", "max"),
        ("format: {kind: csv}\n", "4:10", "kind"),
        ("arrival: {hours: 1}\n", "4:11", "hours"),
        ("keys: 7\n", "4:7", ""),
    ] {
        let text = format!("source: a\nfiles: ['**/a.csv']\ncolumns: [x]\n{more}");
        let faults = read(&[("a.yaml", &text)]);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with(&format!("a.yaml:{place}: ")) && faults[0].contains(word), "{}", faults[0]);
        assert!(!faults[0].contains(" at line "), "{}", faults[0]);
    }
    let text = "source: a\nfiles: ['**/a.csv']\ncolumns:\n  - {name: x, unit: mm}\n";
    assert!(read(&[("a.yaml", text)])[0].starts_with("a.yaml:4:15: "), "{:?}", read(&[("a.yaml", text)]));
}

#[test]
fn packed_files_have_their_patterns() {
    let mut contracts = Contracts::default();
    let text = "source: orders\nfiles: ['**/orders*.csv.gz', '**/orders/*.parquet']\ncolumns: [id]\n";
    contracts.add(parse(text).unwrap()).unwrap();
    for uri in ["orders.csv.gz", "erp/orders_2026.csv.gz", "a/orders/part-0.parquet"] {
        assert_eq!(contracts.for_file(uri).unwrap().source, "orders", "{uri}");
    }
    for uri in ["erp/orders.csv", "orders/x/y.parquet", "erp/orders.csv.gz.part"] {
        assert!(contracts.for_file(uri).is_err(), "{uri}");
    }
}

#[test]
fn what_others_find_is_told_where_it_stands_too() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "source: a\nfiles: ['**/a.csv']\ncolumns: [x]\nchecks:\n  - kind: unique\n  - kind: uniq\n    columns: [x]\n";
    std::fs::write(folder.path().join("a.yaml"), text).unwrap();
    let contracts = Contracts::read(folder.path()).unwrap();
    let error = contracts.error("a", "checks/1", "unknown kind".into()).to_string();
    assert!(error.ends_with("a.yaml:6:5: unknown kind\n  |   - kind: uniq\n  |     ^"), "{error}");
}
