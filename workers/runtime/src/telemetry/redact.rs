//! What a warehouse says of a value that it can't take quotes the value. People who may look at the warehouse find that in
//! the audit; traces go to whoever may look at traces.

use std::borrow::Cow;

use opentelemetry::trace::Status;
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// The attributes of a span's events that repeat what others said.
const SAID: [&str; 3] = ["error", "exception.message", "message"];

/// Takes what is quoted out of the words of others.
pub(super) fn redact(span: &mut SpanData) {
    if let Status::Error { description } = &mut span.status
        && let Cow::Owned(plain) = unquoted(description)
    {
        *description = plain.into();
    }
    for event in &mut span.events.events {
        event.attributes.iter_mut().filter(|told| SAID.contains(&told.key.as_str())).for_each(redact_one);
    }
}

fn redact_one(told: &mut KeyValue) {
    if let Value::String(text) = &told.value
        && let Cow::Owned(plain) = unquoted(text.as_str())
    {
        told.value = plain.into();
    }
}

/// The text with `…` in place of what stands between single quotes. An apostrophe within a word quotes nothing.
pub(crate) fn unquoted(text: &str) -> Cow<'_, str> {
    if !text.contains('\'') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut quoted = false;
    let mut before = ' ';
    for letter in text.chars() {
        match letter {
            '\'' if quoted => {
                quoted = false;
                plain.push_str("…'");
            }
            '\'' => {
                quoted = !before.is_alphanumeric();
                plain.push(letter);
            }
            _ if quoted => {}
            _ => plain.push(letter),
        }
        before = letter;
    }
    // Cut off within quotes.
    if quoted {
        plain.push('…');
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_taken_out_and_apostrophes_stay() {
        for (text, expected) in [
            ("Could not convert string 'Jane Doe' to INT32", "Could not convert string '…' to INT32"),
            ("the file can't be read: it isn't there", "the file can't be read: it isn't there"),
            ("'a' and 'b", "'…' and '…"),
            ("don't take 'x' or 'it''s'", "don't take '…' or '…''…'"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(unquoted(text), expected);
        }
    }
}
