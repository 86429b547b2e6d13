//! What dbt and its adapters say went wrong, and whether it passes.

use messages::FailureClass;
use warehouse::snowflake::class_of;

/// What kind of trouble a text tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The warehouse was away, or somebody else had what was needed: the same build may succeed later.
    Passing,
    /// Snowflake does not let us in. Another try is worse than none: it locks a user after some of them.
    Refused,
    /// Anything else: a model, its data, a right that is not there.
    Lasting,
}

/// What DuckDB says of a file that another process has open.
pub(super) const HELD: [&str; 2] = ["could not set lock on file", "conflicting lock is held"];

/// Words of what passes.
const PASSING: [&str; 11] = [
    HELD[0],
    HELD[1],
    "transactioncontext error",
    "operationalerror",
    "connection reset",
    "connection refused",
    "connection aborted",
    "timed out",
    "service unavailable",
    "has locked table", // Snowflake: another statement waited for it too long
    "could not connect to snowflake",
];

/// The connector's own numbers of what passes. Snowflake's are the warehouse's to know.
const PASSING_NUMBERS: [&str; 6] = [
    "250001", // could not connect
    "250002", // the connection is closed
    "250003", // a request got no answer
    "251011", // could not connect, after retries
    "251012", // the service asks to try again
    "252007", // the session could not be renewed
];

/// The same, and words, of a login that is refused.
const REFUSED_NUMBERS: [&str; 2] = [
    "251006", // no password
    "251008", // the key can't be used
];
const REFUSED: [&str; 3] =
    ["incorrect username or password", "jwt token is invalid", "is not allowed to access snowflake"];

/// What kind of trouble `text` tells of.
pub(super) fn of(text: &str) -> Cause {
    let text = text.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|known| text.contains(known));
    let numbered =
        |known: &[&str], class| numbers(&text).any(|number| known.contains(&number) || class_of(number) == class);
    // Refused first: the connector may give a refusal the number of a connection that failed.
    if any(&REFUSED) || numbered(&REFUSED_NUMBERS, FailureClass::Fatal) {
        Cause::Refused
    } else if any(&PASSING)
        || numbered(&PASSING_NUMBERS, FailureClass::Transient)
        || numbers(&text).any(is_http_trouble)
    {
        Cause::Passing
    } else {
        Cause::Lasting
    }
}

/// `290503` for HTTP's 503: of the service, or of what stands before it.
fn is_http_trouble(number: &str) -> bool {
    number.starts_with("2905") || matches!(number, "290408" | "290429")
}

/// The numbers of errors in a text, `002003 (42S02): …` or `250001: …`: six digits that are no part of anything else.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split_whitespace();
    let after = text.split_whitespace().skip(1).chain(std::iter::once(""));
    words.zip(after).filter_map(|(word, next)| {
        let number = word.trim_end_matches(':');
        let is_number = number.len() == 6 && number.bytes().all(|sign| sign.is_ascii_digit());
        let is_told = word.ends_with(':') || (next.starts_with('(') && next.ends_with("):"));
        (is_number && is_told).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_and_dead_sessions_pass() {
        for text in [
            "Runtime Error\n  IO Error: Could not set lock on file \"x\": Conflicting lock is held",
            "250001: Could not connect to Snowflake backend after 2 attempt(s).Aborting",
            "Database Error in model m\n  000625 (57014): 01b2: Statement '01b1' has locked table 'T' in transaction 17",
            "Database Error\n  390114 (08001): Authentication token has expired.  The user must authenticate again.",
            "Runtime Error\n  290503: 503 Service Unavailable: POST a.snowflakecomputing.com:443/queries/v1/query-request",
            "Database Error\n  000606 (57P03): No active warehouse selected in the current session.",
        ] {
            assert_eq!(of(text), Cause::Passing, "{text}");
        }
    }

    #[test]
    fn what_nobody_mends_by_waiting_does_not() {
        for text in [
            "Database Error in model m\n  002003 (42S02): SQL compilation error:\n  Object 'X' does not exist or not authorized.",
            "Database Error in model m\n  001003 (42000): SQL compilation error: syntax error line 1",
            "Compilation Error\n  Model 'm' depends on 'n'",
            "Database Error\n  100038 (22018): Numeric value '250001' is not recognized",
        ] {
            assert_eq!(of(text), Cause::Lasting, "{text}");
        }
    }

    #[test]
    fn a_refused_login_is_not_tried_again() {
        for text in [
            "250001 (08001): None: Failed to connect to DB: a:443. Incorrect username or password was specified.",
            "390144 (08001): None: Failed to connect to DB: a:443. JWT token is invalid. [4f]",
            "394304 (08001): None: Failed to connect to DB: a:443. JWT token is invalid.",
        ] {
            assert_eq!(of(text), Cause::Refused, "{text}");
        }
    }
}
