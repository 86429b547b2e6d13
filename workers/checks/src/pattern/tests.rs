//! What is taken means what the `regex` crate means by it.

use proptest::prelude::*;

use super::portable;

/// Whether the whole of `text` is matched, in the words of `pattern`.
fn is_match(pattern: &str, text: &str, ignore_case: bool) -> bool {
    let whole = format!("^(?:{pattern})$");
    regex::RegexBuilder::new(&whole).case_insensitive(ignore_case).build().unwrap().is_match(text)
}

#[test]
fn patterns_are_written_in_words_that_all_dialects_share() {
    for (pattern, written) in [
        ("B-[0-9]{8}", "B-[0-9]{8}"),
        (r"\d+\.\d*", r"[0-9]+\.[0-9]*"),
        (r"[\]a\-b^]", "[]ab^-]"),
        (r"[\^]", r"\^"),
        (r"[\^\-]", "[-^]"),
        ("[^^]", "[^^]"),
        (r"(a|bc)?\w", "(a|bc)?[0-9A-Z_a-z]"),
        ("ä.", "ä[^\n]"),
        (r"a\\b", r"a\\b"),
    ] {
        assert_eq!(portable(pattern, false).as_deref(), Ok(written), "{pattern}");
    }
    assert_eq!(portable("ab-[x-z]", true).as_deref(), Ok("[Aa][Bb]-[X-Zx-z]"));
}

#[test]
fn what_dialects_read_differently_is_refused() {
    for pattern in [
        "",
        "^a$",
        "a**",
        "a+?",
        "(?i)a",
        "(?:a)",
        r"\bword",
        r"(a)\1",
        r"\p{L}",
        "[[:alpha:]]",
        "[a&&b]",
        "[]",
        "[^]",
        "(",
        ")",
        "a)",
        "(a",
        "[a",
        "a|",
        "|a",
        "()",
        "a{",
        "a{,3}",
        "a{3,1}",
        "a{0}",
        "a{256}",
        "(a{200}){200}",
        "[z-a]",
        "[a-Z]",
        "*a",
        r"a\",
        r"[\\]",
        r"\x41",
        r"[\b]",
        "a{1}{2}",
    ] {
        assert!(portable(pattern, false).is_err(), "{pattern:?} was taken");
    }
    let fault = portable("^B", false).unwrap_err();
    assert_eq!(fault, "leave ^ out: the whole value is compared; write \\^ for the character");
}

/// Patterns of what is taken, and texts that they may match.
fn pattern() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        "[a-cA-C0-2]",
        Just(r"\d".to_owned()),
        Just(".".to_owned()),
        Just(r"\.".to_owned()),
        Just(r"[a-c\]\-^]".to_owned()),
        Just("[^ab]".to_owned()),
        Just(r"[^\^\-]".to_owned()),
        Just(r"[\w.]".to_owned()),
        Just("ä".to_owned()),
    ];
    let quantifier = proptest::sample::select(vec!["", "", "?", "*", "+", "{2}", "{1,2}", "{1,}"]);
    let piece = (atom, quantifier.clone()).prop_map(|(atom, quantifier)| format!("{atom}{quantifier}"));
    piece.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..3).prop_map(|parts| parts.concat()),
            (inner.clone(), inner, quantifier.clone())
                .prop_map(|(one, other, quantifier)| format!("({one}|{other}){quantifier}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn it_means_the_same_anew(pattern in pattern(), text in "[a-dA-D0-3.\\]^ä\n-]{0,4}", ignore_case: bool) {
        let written = portable(&pattern, ignore_case).unwrap();
        // Unicode's \w is wider than the one that is taken: the texts have none of what it knows besides but ä.
        let reference = pattern.replace(r"\w", "A-Za-z0-9_");
        prop_assert_eq!(
            is_match(&reference, &text, ignore_case), is_match(&written, &text, false), "{} became {}", pattern, written
        );
    }

    #[test]
    fn whatever_is_taken_can_be_compiled(pattern in "[ab01.*+?(){}\\[\\]^$|\\\\,dws:&~-]{0,10}", ignore_case: bool) {
        if let Ok(written) = portable(&pattern, ignore_case) {
            prop_assert!(regex::Regex::new(&format!("^({written})$")).is_ok(), "{} became {}", pattern, written);
            // What is written is taken again, and stays as it is.
            if !ignore_case {
                prop_assert_eq!(portable(&written, false), Ok(written));
            }
        }
    }
}
